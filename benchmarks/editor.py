"""The editor under use: twenty people at once. What one of them waits for: `editor_times.py`.

    python benchmarks/editor.py --clients 20 --seconds 120

It asks as that many pages would, each with a photo of its own, moving sliders without pause. It
fails on any error, and on any picture that is not the very one that a single user gets.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

MOVES = ({"pose": -2.5}, {"pose": 2.0}, {"hair_length": -2.0}, {"age": 3.0, "pose": 1.0})
MEMORY_GROWTH = 1.1  # of the second half's end over the first half's: flat but for noise


class Crowd:
    """People at their pages, and what they saw."""

    def __init__(self, address: str, samples: list[str]) -> None:
        self.address, self.samples = address, samples
        self.errors: list[str] = []
        self.seen: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self.waits: defaultdict[str, list[float]] = defaultdict(list)

    async def arrive(self, client: Any, number: int) -> str | None:
        """Open a photo; where the session lies."""
        begun = await self._ask(client, "begin", "/studio/begin")
        if begun is None:
            return None
        mine = f"/studio/{begun.json()['session']}"
        photo = self.samples[number % len(self.samples)]
        await self._ask(client, "open", f"{mine}/photo?sample={photo}")
        return mine

    async def stay(self, client: Any, number: int, mine: str, until: float) -> None:
        """Move sliders until the time is over."""
        rng = random.Random(number)
        photo = self.samples[number % len(self.samples)]
        while time.monotonic() < until:
            moves = rng.choice(MOVES)
            answer = await self._ask(client, "preview", f"{mine}/preview", {"moves": moves})
            self._saw(photo, "preview", moves, answer)
            if rng.random() < 0.2:
                await self._ask(client, "full", f"{mine}/full", {"moves": moves})
                shown = await self._ask(client, "picture", f"{mine}/pictures/result", get=True)
                self._saw(photo, "result", moves, shown)
        await self._ask(client, "end", f"{mine}/end")

    async def _ask(
        self, client: Any, kind: str, path: str, content: Any = None, *, get: bool = False
    ) -> Any:
        began = time.monotonic()
        try:
            answer = await (client.get(path) if get else client.post(path, json=content))
        except Exception as error:  # counted, whatever it is
            self.errors.append(f"{kind}: {error!r}")
            return None
        self.waits[kind].append(time.monotonic() - began)
        if answer.status_code >= 300:
            self.errors.append(f"{kind}: {answer.status_code} {answer.text[:100]}")
            return None
        return answer

    def _saw(self, photo: str, view: str, moves: dict[str, float], answer: Any) -> None:
        if answer is not None:
            digest = hashlib.sha256(answer.content).hexdigest()
            self.seen[photo, view, str(moves)].add(digest)

    def mixed_up(self) -> int:
        """Pictures that were not the same for everybody, or the same for two photos or edits."""
        several = sum(len(digests) - 1 for digests in self.seen.values())
        every = [digest for digests in self.seen.values() for digest in digests]
        return several + len(every) - len(set(every))


async def _crowded(address: str, count: int, seconds: float, process: int) -> tuple[Crowd, Any]:
    import httpx

    samples = sorted(path.name for path in (REPO / "data/photos").glob("portrait-*.png"))
    crowd = Crowd(address, samples)
    memory: list[float] = []
    limits = httpx.Limits(max_connections=count)
    place, _, token = address.partition("/?token=")
    headers = {"authorization": f"token {token}"}
    async with httpx.AsyncClient(
        base_url=place, headers=headers, timeout=600, limits=limits
    ) as client:
        there = await asyncio.gather(*(crowd.arrive(client, number) for number in range(count)))
        until = time.monotonic() + seconds
        people = [
            asyncio.create_task(crowd.stay(client, number, mine, until))
            for number, mine in enumerate(there)
            if mine is not None
        ]
        while time.monotonic() < until:
            memory.append(_resident_mb(process))
            await asyncio.sleep(min(2.0, seconds / 20))
        await asyncio.gather(*people)
    return crowd, memory


def _resident_mb(process: int) -> float:
    text = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if "VmRSS" in line) / 1024


def crowded(count: int, seconds: float) -> int:
    """Print the table of a crowd; 1 on errors, mixed-up pictures or growing memory."""
    from tests.webui.browsing import server

    with server(REPO, "--workers", "2") as address:
        port = int(address.rpartition(":")[2].partition("/")[0])
        crowd, memory = asyncio.run(_crowded(address, count, seconds, _listening(port)))
    kinds = ("preview", "full", "picture")
    print(f"| {count} people, {seconds:g} s | " + " | ".join(kinds) + " |")
    print("| --- |" + " --- |" * len(kinds))
    waits = [crowd.waits[kind] or [float("nan")] for kind in kinds]
    print("| answers | " + " | ".join(str(len(crowd.waits[kind])) for kind in kinds) + " |")
    print("| median wait, s | " + " | ".join(f"{statistics.median(w):.2f}" for w in waits) + " |")
    middle, end = memory[len(memory) // 2], memory[-1]
    print(f"\nerrors {len(crowd.errors)}, mixed-up pictures {crowd.mixed_up()}, ", end="")
    print(f"memory {middle:.0f} MB in the middle, {end:.0f} MB at the end")
    for error in sorted(set(crowd.errors))[:5]:
        print(error)
    idle = not all(crowd.waits[kind] for kind in kinds)
    grown = end > middle * MEMORY_GROWTH
    return int(bool(crowd.errors) or idle or crowd.mixed_up() > 0 or grown)


def _listening(port: int) -> int:
    """The process that listens on a port of this machine."""
    wanted = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[1] == wanted}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in {f"socket:[{inode}]" for inode in inodes}:
                return int(link.parts[2])
        except OSError:
            continue
    raise RuntimeError(f"nobody listens on port {port}")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    return crowded(options.clients, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
