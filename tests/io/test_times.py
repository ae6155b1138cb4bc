"""Times of stages: what jobs noted, and nothing where they noted nothing."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from unripple.io.times import COLUMNS, StageTime, noted, read_times


def test_jobs_are_added_up_and_half_files_are_left_out(tmp_path: Path) -> None:
    for name, seconds in (("edit/left/00000", "3.5"), ("edit/left/00001", "1"), ("edit/b/0", "")):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:03\n")
    (tmp_path / "edit" / "half.tsv").write_text("s\th:m")
    assert read_times(tmp_path, ["align", "edit"]) == {"edit": StageTime(2, 4.5, 3.5)}
    assert read_times(tmp_path / "none", ["edit"]) == {}


def test_a_job_notes_what_it_and_its_processes_took(tmp_path: Path) -> None:
    with noted(tmp_path / "edit.log"):
        time.sleep(0.2)
        subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)
        np.ones(50_000_000 // 8).sum()
    with (tmp_path / "edit.tsv").open(newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert tuple(row) == COLUMNS
    assert 0.05 < float(row["cpu_s"]) < float(row["s"])
    assert float(row["max_rss_mb"]) > 50
    assert read_times(tmp_path.parent, [tmp_path.name])[tmp_path.name].jobs == 1


TWO_JOBS = """
import sys; from pathlib import Path
import numpy as np
from unripple.io.times import noted
for name, count in (("large", 60_000_000), ("small", 1)):
    with noted(Path(sys.argv[1], f"{name}.log")):
        np.ones(count).sum()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the largest memory can be forgotten on Linux")
def test_the_memory_of_a_job_before_does_not_count(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", TWO_JOBS, str(tmp_path)], check=True)
    large, small = (
        float((tmp_path / f"{name}.tsv").read_text().split()[-1]) for name in ("large", "small")
    )
    assert large > small + 400


def test_of_a_failure_and_without_a_log_nothing_is_noted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), noted(tmp_path / "a.log"):
        raise ValueError("no")
    with noted(None):
        pass
    assert not list(tmp_path.iterdir())
