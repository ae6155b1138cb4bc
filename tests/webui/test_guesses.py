"""How fast passwords may be guessed, and how long the right one waits."""

from __future__ import annotations

import asyncio
import time

import pytest

from unripple.webui.guesses import Guesses


def test_wrong_guesses_become_slow_and_the_right_one_comes_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unripple.webui.guesses._LONGEST_S", 0.2)

    async def main() -> None:
        guesses, looked = Guesses(), 0
        until = time.monotonic() + 1.5

        async def guess() -> None:
            nonlocal looked
            while time.monotonic() < until:
                if await guesses.turn("eve"):
                    looked += 1
                    guesses.record("eve", right=False)
                else:
                    await asyncio.sleep(0.001)

        await asyncio.wait_for(asyncio.gather(*(guess() for _ in range(50))), 30)
        assert looked < 40
        began = time.monotonic()
        assert await guesses.turn("eve")
        assert time.monotonic() - began < 3
        guesses.record("eve", right=True)
        assert await guesses.turn("eve")

    asyncio.run(main())


def test_who_guesses_holds_up_others_but_little() -> None:
    async def main() -> None:
        guesses = Guesses()
        for _ in range(20):
            guesses.record("eve", right=False)
        began = time.monotonic()
        assert await guesses.turn("anna")
        assert time.monotonic() - began < 0.5

    asyncio.run(main())
