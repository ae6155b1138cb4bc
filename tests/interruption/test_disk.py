"""Disks that are full, and then are not, and disks that cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interruption.harness import Undisturbed, differences, outcome, run

pytestmark = pytest.mark.slow

Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts a disk in memory, with options, until the test ends."""
    mounted = []

    def mount_at(folder: Path, how: str) -> None:
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(folder)]
        if (
            os.geteuid() != 0
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("needs the right to mount a disk in memory (root)")
        mounted.append(folder)

    yield mount_at
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def kilobytes(folder: Path) -> int:
    """What a folder takes of a disk in memory: pages of files, each of its links once."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    pages = {entry.st_ino: -(-entry.st_size // 4096) for entry in found}
    return 4 * sum(pages.values())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_full_disk_and_then_room(
    reference: Undisturbed, tmp_path: Path, mount: Mount, share: float
) -> None:
    """Only a share of what the run writes finds room, Snakemake's own files included."""
    before = kilobytes(reference.project)
    after = kilobytes(reference.project.parent / "run")
    disk = tmp_path / "disk"
    mount(disk, f"size={int(before + share * (after - before))}k")
    folder = disk / "project"
    shutil.copytree(reference.project, folder)
    status, said = run(folder)
    assert status != 0
    assert "the disk is full" in said or "No space left on device" in said
    found = outcome(folder)
    assert [line for line in differences(found, reference.files) if "other bytes" in line] == []
    subprocess.run(["mount", "-o", "remount,size=1g", str(disk)], check=True)
    status, said = run(folder)
    assert status == 0, said
    assert differences(outcome(folder), reference.files) == []


def test_read_only_results_are_named_before_any_work(
    reference: Undisturbed, tmp_path: Path, mount: Mount
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(reference.project, folder)
    mount(folder / "results", "ro")
    status, said = run(folder)
    assert status != 0
    assert "cannot write results/.run.lock: the disk is read-only" in said
    assert "Traceback (most recent call last)" not in said
    assert "Job stats" not in said
