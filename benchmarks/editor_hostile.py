"""The page under twenty people, while one sends bombs and another stalls uploads.

    python benchmarks/editor_hostile.py --clients 20 --seconds 90 --rounds 3
    python benchmarks/editor_hostile.py --bombs 50

Rounds without and with the two take turns. The bombs are a PNG of 99 megapixels and a progressive
JPEG of 99 megapixels with 2,000 scans, each in a session of its own, one after the other. It fails
if an answer to the others took 2 s longer than without the two, if memory after them is 300 MB
above that before, or if files or processes stay.

`--bombs` sends that many and nothing else, and compares the memory before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import statistics
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from benchmarks.editor import Crowd, _listening, _resident_mb  # noqa: E402

MOST_EXTRA_S, MOST_GROWTH_MB = 2.0, 300.0
STALLED = 10
SAMPLE = "portrait-01.png"
PATIENCE_S = 20.0
TIDY_S = 35.0  # sessions are tidied every 30 s


def png_bomb() -> bytes:
    """99 megapixels of 16-bit RGBA, all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer, row = zlib.compressobj(9), bytes(1 + 9900 * 8)
    rows = b"".join(packer.compress(row) for _ in range(10000)) + packer.flush()
    head = struct.pack(">IIBBBBB", 9900, 10000, 16, 6, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg_bomb() -> bytes:
    """99 megapixels in 2,000 scans."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (16000, 6200)).save(buffer, "JPEG", progressive=True, quality=50)
    data = buffer.getvalue()
    return data[:-2] + data[data.rfind(b"\xff\xda") : -2] * 2000 + b"\xff\xd9"


class Enemies:
    """One who sends bombs, and one who stalls uploads.

    Args:
        client: asks the server.
        port, token: the server's.
        bombs: what to send, in turn. They are made before anybody's waits are measured.
    """

    def __init__(self, client: Any, port: int, token: str, bombs: tuple[bytes, ...]) -> None:
        self.client, self.port, self.token = client, port, token
        self.data, self.bombs = bombs, 0

    async def bomb(self) -> None:
        """Send one bomb after the other."""
        while True:
            await self.one_bomb()

    async def one_bomb(self) -> None:
        """Send the next bomb, and wait for an answer for 20 s."""
        begun = await self.client.post("/studio/begin")
        where = f"/studio/{begun.json()['session']}/photo?name=bomb"
        with contextlib.suppress(Exception):  # whatever the answer is, if there is one
            data = self.data[self.bombs % len(self.data)]
            await self.client.post(where, content=data, timeout=PATIENCE_S)
        self.bombs += 1

    async def stall(self) -> None:
        """Keep some uploads going that send nothing."""
        begun = await self.client.post("/studio/begin")
        session = begun.json()["session"]
        await asyncio.gather(*(self._stalled(session) for _ in range(STALLED)))

    async def _stalled(self, session: str) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            head = (
                f"POST /studio/{session}/photo?name=a.png HTTP/1.1",
                f"host: 127.0.0.1:{self.port}",
                f"authorization: token {self.token}",
                "content-length: 9000000",
            )
            writer.write("\r\n".join((*head, "", "x")).encode())
            await reader.read()
            writer.close()
            await asyncio.sleep(0.2)


async def _round(client: Any, count: int, seconds: float, enemies: Enemies | None) -> Crowd:
    samples = sorted(path.name for path in (REPO / "data/photos").glob("portrait-*.png"))
    crowd = Crowd("", samples)
    there = await asyncio.gather(*(crowd.arrive(client, number) for number in range(count)))
    crowd.waits.clear()
    at_work = []
    if enemies is not None:
        at_work = [asyncio.create_task(one()) for one in (enemies.bomb, enemies.stall)]
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(crowd.stay(client, n, mine, until) for n, mine in enumerate(there) if mine is not None)
    )
    for task in at_work:
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
    return crowd


@contextlib.asynccontextmanager
async def _asking(address: str, connections: int) -> AsyncIterator[tuple[Any, int, str]]:
    """A client of the server at an address, the server's port and its token."""
    import httpx

    place, _, token = address.partition("/?token=")
    headers = {"authorization": f"token {token}"}
    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(
        base_url=place, headers=headers, timeout=600, limits=limits
    ) as client:
        yield client, int(place.rpartition(":")[2]), token


async def _compared(address: str, options: argparse.Namespace) -> int:
    worst: dict[str, list[float]] = {"without": [], "with": []}
    errors: set[str] = set()
    memory: list[float] = []
    bombs = png_bomb(), jpeg_bomb()
    async with _asking(address, options.clients + 10) as (client, port, token):
        process, enemies = _listening(port), Enemies(client, port, token, bombs)
        for _ in range(options.rounds):
            for name, who in (("without", None), ("with", enemies)):
                began = _processor_s(process)
                crowd = await _round(client, options.clients, options.seconds, who)
                waits = sorted(wait for kind in crowd.waits.values() for wait in kind)
                worst[name].append(waits[-1])
                errors |= set(crowd.errors)
                memory.append(_resident_mb(process))
                kinds = ", ".join(f"{kind} {max(all_):.2f}" for kind, all_ in crowd.waits.items())
                print(
                    f"| {name} | answers {len(waits)} | median {statistics.median(waits):.2f} s | "
                    f"worst {waits[-1]:.2f} s ({kinds}) | "
                    f"server {_processor_s(process) - began:.0f} CPU-s | "
                    f"memory {memory[-1]:.0f} MB |",
                    flush=True,
                )
    await asyncio.sleep(TIDY_S)
    memory.append(_resident_mb(process))
    extra, growth = max(worst["with"]) - max(worst["without"]), memory[-1] - memory[0]
    print(
        f"bombs {enemies.bombs}, extra wait {extra:.2f} s, memory {growth:+.0f} MB, {errors or ''}"
    )
    return int(extra > MOST_EXTRA_S or growth > MOST_GROWTH_MB or bool(errors))


async def _bombed(address: str, count: int) -> int:
    """Print the server's memory before and after bombs; 1 if it grew by too much."""
    bombs = png_bomb(), jpeg_bomb()
    async with _asking(address, 10) as (client, port, token):
        process, enemies = _listening(port), Enemies(client, port, token, bombs)
        crowd = Crowd("", [SAMPLE])
        mine = await crowd.arrive(client, 0)  # the networks are loaded
        await crowd.stay(client, 0, str(mine), time.monotonic() + 5)
        await asyncio.sleep(TIDY_S)
        before = _resident_mb(process)
        for _ in range(count):
            await enemies.one_bomb()
            print(f"bomb {enemies.bombs}: {_resident_mb(process):.0f} MB", flush=True)
        await asyncio.sleep(TIDY_S)
        after = _resident_mb(process)
    print(f"memory {before:.0f} MB before, {after:.0f} MB after {count} bombs ({crowd.errors})")
    return int(after - before > MOST_GROWTH_MB or bool(crowd.errors))


def _processor_s(process: int) -> float:
    """Processor time of a process so far, without its children's."""
    times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run the rounds."""
    from tests.webui.browsing import server

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bombs", type=int, default=0, help="measure the memory after that many")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        with server(REPO) as address:
            measured = _bombed(address, options.bombs) if options.bombs else None
            failed = asyncio.run(measured or _compared(address, options))
        left = [path.name for path in Path(folder).iterdir()]
    print(f"left behind: {left or 'nothing'}")
    return max(failed, int(bool(left)))


if __name__ == "__main__":
    sys.exit(main())
