"""Freed memory stays with the process, unless the environment says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from unripple.zoo.memory import _THEIRS

FAULTS = """
import resource, torch
from unripple.zoo.memory import keep_freed_memory

def faults():
    for _ in range(32):  # until the heap has found its size
        torch.ones(10 << 20)  # 40 MB; glibc takes more than 32 MB from the system one by one
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        torch.ones(10 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults(), keep_freed_memory(), faults())
"""
TUNED = "from unripple.zoo.memory import keep_freed_memory; print(keep_freed_memory())"


def answers(code: str, **more: str) -> list[str]:
    own = {name: value for name, value in os.environ.items() if name not in _THEIRS}
    run = [sys.executable, "-c", code]
    return subprocess.run(
        run, env=own | more, capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults are Linux's")
def test_large_maps_are_taken_from_the_system_once() -> None:
    untouched, tuned, kept = answers(FAULTS)
    if tuned == "False":
        pytest.skip("this system's malloc cannot be tuned")
    assert int(untouched) > 8 * 100
    assert int(kept) < int(untouched) / 4


def test_the_environment_has_the_last_word() -> None:
    assert answers(TUNED, MALLOC_MMAP_MAX_="65536") == ["False"]
