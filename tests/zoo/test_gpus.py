"""Locks on GPUs, by ids that no machine has: who waits, who gets which, what the killed leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unripple.conventions import UnrippleError
from unripple.zoo.gpus import gpu_ids

CLAIM = """
import sys, os
from pathlib import Path
from unripple.zoo.gpus import claim
first = claim(sys.argv[1], Path(sys.argv[2]))
assert claim(sys.argv[1], Path(sys.argv[2])) == first == os.environ["CUDA_VISIBLE_DEVICES"]
print(first, flush=True)
sys.stdin.read()
"""


class Job:
    """A process that claims a GPU, says which, and keeps it until it is told to end."""

    def __init__(self, device: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIM, device, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def gpu(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def test_each_process_gets_its_own_and_a_killed_one_frees_its_gpu(tmp_path: Path) -> None:
    jobs = [Job("gpu:7,GPU-8fa0", tmp_path) for _ in range(2)]
    try:
        given = {job.gpu(): job for job in jobs}
        assert set(given) == {"7", "GPU-8fa0"}
        jobs.append(Job("gpu:7,GPU-8fa0", tmp_path))
        with pytest.raises(subprocess.TimeoutExpired):
            jobs[2].process.wait(1.5)  # there is none left
        given["GPU-8fa0"].process.kill()
        assert jobs[2].gpu() == "GPU-8fa0"
    finally:
        for job in jobs:
            job.process.kill()
            job.process.communicate()


def test_a_process_stays_on_its_gpu(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from unripple.zoo.gpus import claim\n"
        "folder = Path(sys.argv[1]); claim('gpu:7', folder); claim('gpu:8', folder)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "gpu:8': this process computes on GPU 7 already" in done.stderr


@pytest.mark.parametrize("device", ["gpu:", "gpu:0,", "gpu:0,0", "gpu:../x", "gpu:0 1"])
def test_wrong_ids_are_named(device: str) -> None:
    with pytest.raises(UnrippleError, match="wanted ids of GPUs"):
        gpu_ids(device)


def test_a_folder_that_takes_no_locks_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLAIM, "gpu:7", str(tmp_path / "missing")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "unripple-gpu-7.lock: no lock for this GPU: No such file" in done.stderr
