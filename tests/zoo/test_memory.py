"""Freed memory stays with the process, unless the environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from unripple.zoo.memory import _THEIRS

COUNT = """
import resource, torch
from unripple.zoo.memory import keep_freed_memory
print(keep_freed_memory() if {tuned} else None)
for _ in range(32):  # until the heap has found its size
    torch.ones(16 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    torch.ones(16 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def answers(*, tuned: bool, **more: str) -> list[str]:
    own = {name: value for name, value in os.environ.items() if name not in _THEIRS}
    run = [sys.executable, "-c", COUNT.format(tuned=tuned)]
    return subprocess.run(
        run, env=own | more, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults are Linux's")
def test_large_maps_are_taken_from_the_system_once() -> None:
    _, untouched = answers(tuned=False)
    done, kept = answers(tuned=True)
    if done == "False":
        pytest.skip("this system's malloc cannot be tuned")
    assert int(kept) < int(untouched) / 4


def test_the_environment_has_the_last_word() -> None:
    assert answers(tuned=True, MALLOC_MMAP_MAX_="65536")[0] == "False"
