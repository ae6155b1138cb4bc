"""Who computes when."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from unripple.webui.lanes import FULL, HEAVY, PREVIEW, READ, Lanes, Superseded, Wish

LONG_S = 10.0


def test_of_waiting_wishes_the_newest_counts() -> None:
    async def main() -> None:
        lanes, gate, done = Lanes(2), threading.Event(), []

        def call(number: int) -> int:
            gate.wait(LONG_S)
            done.append(number)
            return number

        wishes = [
            asyncio.create_task(lanes.run("anna", PREVIEW, lambda _, n=n: call(n)))
            for n in range(5)
        ]
        await asyncio.sleep(0.05)
        gate.set()
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert [type(answer) for answer in answers[1:4]] == [Superseded] * 3
        assert (answers[0], answers[4]) == (0, 4) and done == [0, 4]
        lanes.close()

    asyncio.run(main())


def test_a_running_wish_learns_that_it_is_out_of_date() -> None:
    async def main() -> None:
        lanes, began = Lanes(2), threading.Event()

        def slow(wish: Wish) -> str:
            began.set()
            assert wish.stale.wait(LONG_S)
            wish.check()
            return "never"

        first = asyncio.create_task(lanes.run("anna", FULL, slow))
        await asyncio.to_thread(began.wait, LONG_S)
        assert await lanes.run("anna", FULL, lambda _: "new") == "new"
        with pytest.raises(Superseded):
            await first
        lanes.close()

    asyncio.run(main())


def test_slow_edits_hold_up_nobodys_previews() -> None:
    async def main() -> None:
        lanes, gate = Lanes(2), threading.Event()
        slow = [
            asyncio.create_task(lanes.run(name, FULL, lambda _: gate.wait(LONG_S)))
            for name in ("anna", "bob", "carl")
        ]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await lanes.run("dora", PREVIEW, lambda _: "drawn") == "drawn"
        assert await lanes.run("anna", PREVIEW, lambda _: "drawn") == "drawn"
        assert time.monotonic() - began < LONG_S / 2 and not any(one.done() for one in slow)
        gate.set()
        await asyncio.gather(*slow)
        lanes.close()

    asyncio.run(main())


def test_errors_reach_who_asked_and_free_the_thread() -> None:
    async def main() -> None:
        lanes = Lanes(2)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await lanes.run("anna", FULL, lambda _: 1 / 0)
        assert await lanes.run("anna", FULL, lambda _: 1) == 1
        lanes.close()

    asyncio.run(main())


def test_heavy_edits_and_slow_files_hold_up_no_edits() -> None:
    async def main() -> None:
        lanes, gate = Lanes(2), threading.Event()
        slow = [
            asyncio.create_task(lanes.run(f"eve{n}", kind, lambda _: gate.wait(LONG_S)))
            for kind in (HEAVY, READ)
            for n in range(20)
        ]
        await asyncio.sleep(0.05)
        assert lanes.crowded(HEAVY) and lanes.crowded(READ) and not lanes.crowded(FULL)
        began = time.monotonic()
        assert await lanes.run("dora", FULL, lambda _: "edited") == "edited"
        assert time.monotonic() - began < LONG_S / 2 and not any(one.done() for one in slow)
        gate.set()
        await asyncio.gather(*slow)
        lanes.close()

    asyncio.run(main())


def test_who_leaves_wishes_nothing_more() -> None:
    async def main() -> None:
        lanes, began = Lanes(2), threading.Event()

        def slow(wish: Wish) -> None:
            began.set()
            assert wish.stale.wait(LONG_S)
            wish.check()

        wishes = [asyncio.create_task(lanes.run("anna", FULL, slow)) for _ in range(2)]
        await asyncio.to_thread(began.wait, LONG_S)
        lanes.forget("anna")
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Superseded] * 2
        lanes.close()

    asyncio.run(main())
