"""Who computes when."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from unripple.webui.job_queue import (
    FULL,
    HEAVY,
    OPEN,
    PREVIEW,
    READ,
    JobQueue,
    QueuedJob,
    Superseded,
)

LONG_S = 10.0


def test_of_waiting_jobs_the_newest_counts() -> None:
    async def main() -> None:
        queue, gate, done = JobQueue(2), threading.Event(), []

        def call(number: int) -> int:
            gate.wait(LONG_S)
            done.append(number)
            return number

        jobs = [
            asyncio.create_task(queue.run("anna", PREVIEW, lambda _, n=n: call(n)))
            for n in range(5)
        ]
        await asyncio.sleep(0.05)
        gate.set()
        answers = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(answer) for answer in answers[1:4]] == [Superseded] * 3
        assert (answers[0], answers[4]) == (0, 4) and done == [0, 4]
        queue.close()

    asyncio.run(main())


def test_a_running_job_learns_that_it_is_out_of_date() -> None:
    async def main() -> None:
        queue, began = JobQueue(2), threading.Event()

        def slow(job: QueuedJob) -> str:
            began.set()
            assert job.cancelled.wait(LONG_S)
            job.check()
            return "never"

        first = asyncio.create_task(queue.run("anna", FULL, slow))
        await asyncio.to_thread(began.wait, LONG_S)
        assert await queue.run("anna", FULL, lambda _: "new") == "new"
        with pytest.raises(Superseded):
            await first
        queue.close()

    asyncio.run(main())


def test_slow_edits_hold_up_nobodys_previews() -> None:
    async def main() -> None:
        queue, gate = JobQueue(2), threading.Event()
        slow = [
            asyncio.create_task(queue.run(name, FULL, lambda _: gate.wait(LONG_S)))
            for name in ("anna", "bob", "carl")
        ]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await queue.run("dora", PREVIEW, lambda _: "drawn") == "drawn"
        assert await queue.run("anna", PREVIEW, lambda _: "drawn") == "drawn"
        assert time.monotonic() - began < LONG_S / 2 and not any(one.done() for one in slow)
        gate.set()
        await asyncio.gather(*slow)
        queue.close()

    asyncio.run(main())


def test_errors_reach_who_asked_and_free_the_thread() -> None:
    async def main() -> None:
        queue = JobQueue(2)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await queue.run("anna", FULL, lambda _: 1 / 0)
        assert await queue.run("anna", FULL, lambda _: 1) == 1
        queue.close()

    asyncio.run(main())


def test_heavy_edits_and_slow_files_hold_up_no_edits() -> None:
    async def main() -> None:
        queue, gate = JobQueue(2), threading.Event()
        slow = [
            asyncio.create_task(queue.run(f"eve{n}", kind, lambda _: gate.wait(LONG_S)))
            for kind in (HEAVY, READ)
            for n in range(20)
        ]
        await asyncio.sleep(0.05)
        assert queue.crowded(HEAVY) and queue.crowded(READ) and not queue.crowded(FULL)
        began = time.monotonic()
        assert await queue.run("dora", FULL, lambda _: "edited") == "edited"
        assert time.monotonic() - began < LONG_S / 2 and not any(one.done() for one in slow)
        gate.set()
        await asyncio.gather(*slow)
        queue.close()

    asyncio.run(main())


def test_who_leaves_waits_for_nothing_more() -> None:
    async def main() -> None:
        queue, began = JobQueue(2), threading.Event()

        def slow(job: QueuedJob) -> None:
            began.set()
            assert job.cancelled.wait(LONG_S)
            job.check()

        jobs = [asyncio.create_task(queue.run("anna", FULL, slow)) for _ in range(2)]
        await asyncio.to_thread(began.wait, LONG_S)
        queue.forget("anna")
        answers = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Superseded] * 2
        queue.close()

    asyncio.run(main())


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def order_of(*arrivals: tuple[float, str, str]) -> list[str]:
    """In which order jobs (when, owner, kind) are done that came while all threads were busy."""
    clock = Clock()
    queue, gate, done = JobQueue(2, clock), threading.Event(), []
    busy = [
        asyncio.create_task(queue.run(name, kind, lambda _: gate.wait(LONG_S)))
        for name, kind in (("x", FULL), ("y", PREVIEW))
    ]
    await asyncio.sleep(0.02)
    jobs = []
    for when, owner, kind in arrivals:
        clock.now = when
        jobs.append(
            asyncio.create_task(
                queue.run(owner, kind, lambda _, name=f"{owner}:{kind}": done.append(name))
            )
        )
        await asyncio.sleep(0)
    # One thread goes on, so that the jobs are done one after the other.
    queue._free["pool"] -= 1
    queue._free["long"] += 1
    gate.set()
    await asyncio.gather(*busy, *jobs, return_exceptions=True)
    queue.close()
    return done


def test_previews_go_before_edits_and_edits_before_new_photos() -> None:
    came = [(0.0, "anna", OPEN), (0.1, "bob", FULL), (0.2, "carl", PREVIEW)]
    assert asyncio.run(order_of(*came)) == ["carl:preview", "bob:full", "anna:open"]


def test_nobody_is_overtaken_for_long() -> None:
    came = [(0.0, "anna", OPEN), (0.0, "bob", FULL), (1.5, "carl", PREVIEW), (5.5, "dora", FULL)]
    done = asyncio.run(order_of(*came))
    assert done == ["bob:full", "carl:preview", "anna:open", "dora:full"]


def test_who_asks_anew_keeps_the_place_in_the_line_and_gets_one_turn() -> None:
    came = [(0.0, "anna", FULL), (0.1, "bob", FULL), (0.2, "anna", FULL), (0.3, "anna", FULL)]
    assert asyncio.run(order_of(*came)) == ["anna:full", "bob:full"]


def test_who_is_not_waited_for_is_not_computed() -> None:
    async def main() -> None:
        queue, gate, done = JobQueue(2), threading.Event(), []
        began = threading.Event()

        def slow(job: QueuedJob) -> None:
            began.set()
            gate.wait(LONG_S)
            job.check()
            done.append("slow")

        running = asyncio.create_task(queue.run("anna", FULL, slow))
        waiting = asyncio.create_task(queue.run("bob", FULL, lambda _: done.append("late")))
        await asyncio.to_thread(began.wait, LONG_S)
        for task in (running, waiting):
            task.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
        gate.set()
        assert await queue.run("carl", FULL, lambda _: "next") == "next"
        assert done == []
        queue.close()

    asyncio.run(main())
