"""The logger `unripple`: a line per stage, what is wrong, and last of all how the run ended."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_unripple import LogHandler


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    results.mkdir()
    (results / "report.html").write_text("")
    failed = {"photo": "cat", "stage": "align", "edit": "", "reason": "NoFace: none"}
    told = {"edits": [{}, {}], "failures": [failed]}
    (results / "measure.json").write_text(json.dumps(told))
    return results


def handler(monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[LogHandler, io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    settings = {"quiet": set(), "stdout": False, "nocolor": True, "show_failed_logs": False}
    modes = dict.fromkeys(("dryrun", "verbose", "printshellcmds", "debug_dag"), False)
    return LogHandler(SimpleNamespace(**settings | modes | more), None), stream


def record(text: str = "", level: int = logging.INFO, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake", level, "", 0, text, None, None)
    vars(made).update(more)
    return made


def job(number: int, rule: str, *output: str) -> logging.LogRecord:
    return record(event=LogEvent.JOB_INFO, jobid=number, rule_name=rule, output=list(output))


def done(number: int) -> logging.LogRecord:
    return record(event=LogEvent.JOB_FINISHED, job_id=number)


def test_a_line_per_stage_and_last_how_it_ended(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, stream = handler(monkeypatch)
    stats = {"align": 2, "report": 1, "all": 1, "total": 4}
    for one in (
        record("Building DAG of jobs..."),
        record(event=LogEvent.RUN_INFO, stats=stats),
        job(1, "align", "a.json"),
        job(2, "align", "b.json"),
        done(1),
        done(2),
        record("something is odd", logging.WARNING),
        job(3, "report", "results/report.html", "results/measure.json"),
        done(3),
        job(0, "all"),
        done(0),
    ):
        told.emit(one)
    told.close()
    lines = stream.getvalue().splitlines()
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["align", "2", "jobs"], ["something", "is", "odd"], ["report", "1", "job"],
    ]  # fmt: skip
    assert lines[0].startswith("4 jobs;")
    assert lines[4:] == [
        "failed: cat at align: NoFace: none",
        "2 edits, 1 failed: open results/report.html",
    ]
    told.close()
    assert stream.getvalue().splitlines() == lines


def test_a_run_without_a_report_ends_without_its_sentence(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, stream = handler(monkeypatch)
    told.emit(record(event=LogEvent.RUN_INFO, stats={"align": 1, "total": 1}))
    told.emit(job(1, "align", "a.json"))
    told.emit(done(1))
    told.close()
    assert "edits" not in stream.getvalue()


def test_a_run_with_nothing_to_do_says_what_is_there(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, stream = handler(monkeypatch)
    told.emit(record(NOTHING_TO_BE_DONE_MSG))
    told.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == NOTHING_TO_BE_DONE_MSG
    assert lines[-1] == "2 edits, 1 failed: open results/report.html"


def test_a_dry_run_speaks_as_without_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, stream = handler(monkeypatch, dryrun=True)
    told.emit(record("This was a dry-run (flag -n)."))
    told.close()
    assert stream.getvalue() == "This was a dry-run (flag -n).\n"
