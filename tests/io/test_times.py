"""Times of stages: what Snakemake left, and nothing where it left nothing."""

from __future__ import annotations

from pathlib import Path

from unripple.io.times import StageTime, read_times


def test_jobs_are_added_up_and_half_files_are_left_out(tmp_path: Path) -> None:
    for name, seconds in (("edit/left/00000", "3.5"), ("edit/left/00001", "1"), ("edit/b/0", "")):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:03\n")
    (tmp_path / "edit" / "half.tsv").write_text("s\th:m")
    assert read_times(tmp_path, ["align", "edit"]) == {"edit": StageTime(2, 4.5, 3.5)}
    assert read_times(tmp_path / "none", ["edit"]) == {}
