"""The logger `unripple` of Snakemake: a line per stage, and in the end what came out or failed.

What else Snakemake says is in `.snakemake/log`, what the jobs say in `log` of the results folder,
which the workflow names (`unripple.cli.workflow.begin`). A dry run, and one that is asked to say
more (`--verbose`, `--printshellcmds`), speaks as without a plugin.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from unripple.report.outcome import read_outcome

REPORT = "report"
TERMINAL_S, LINES_S = 1.0, 30.0
"""How often it is said which stages are at work: in place on a terminal, else as a line."""


class LogHandler(LogHandlerBase):  # type: ignore[misc]
    """See `snakemake_interface_logger_plugins.base.LogHandlerBase`."""

    def __post_init__(self) -> None:
        told = self.common_settings
        self._stream = sys.stdout if told.stdout else sys.stderr
        self._in_full = bool(told.dryrun or told.verbose or told.printshellcmds or told.debug_dag)
        self._is_silent = Quietness.ALL in (told.quiet or ())
        self._plain = ColorizingTextHandler(
            nocolor=told.nocolor,
            stream=self._stream,
            formatter=DefaultFormatter(told.quiet, told.show_failed_logs),
        )
        self._every = DefaultFilter(
            told.quiet, told.debug_dag, told.verbose, told.dryrun, told.printshellcmds
        )
        self._rules: dict[int, str] = {}  # of the jobs at work
        self._open: Counter[str] = Counter()  # jobs to come, by rule
        self._jobs: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        self._bar: Any = None
        self._results = Path("results")
        self._report: Path | None = None
        self._ended = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Say it, or note it."""
        if self._in_full:
            if self._every.filter(record):
                self._plain.emit(record)
        elif record.levelno >= logging.WARNING:
            self._aside(lambda: self._plain.emit(record))
        elif not self._is_silent:
            self._note(record, getattr(record, "event", None))

    def close(self) -> None:
        """Say how the run ended; Snakemake calls this last."""
        was_open = not self._ended.is_set()
        self._ended.set()
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if was_open and self._report is not None:
            outcome = read_outcome(self._report.parent)
            for line in () if outcome is None else outcome.lines(self._report):
                self._say(line)
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of Snakemake's own."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's own log file stays."""
        return False

    @property
    def has_filter(self) -> bool:
        """It sees every record."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Its lines are its own."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """Counts are enough."""
        return False

    def _note(self, record: Any, event: LogEvent | None) -> None:
        self._results = getattr(record, "results", self._results)
        if event == LogEvent.RUN_INFO:
            self._start({rule: n for rule, n in record.stats.items() if rule != "total"})
        elif event == LogEvent.JOB_INFO:
            self._begin(record)
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record)
        elif record.getMessage() == NOTHING_TO_BE_DONE_MSG:
            self._say(NOTHING_TO_BE_DONE_MSG)
            if (self._results / "report.html").exists():
                self._report = self._results / "report.html"

    def _start(self, jobs: dict[str, int]) -> None:
        from tqdm import tqdm

        self._jobs, self._open = Counter(jobs), Counter(jobs)
        total = sum(jobs.values())
        self._say(f"{total} jobs; what they say is in {self._results}/log")
        if self._stream.isatty():
            self._bar = tqdm(
                total=total, file=self._stream, leave=False, dynamic_ncols=True, unit="job"
            )
        threading.Thread(target=self._tick, daemon=True).start()

    def _begin(self, record: Any) -> None:
        if not record.output:  # a target like `all`
            return
        self._rules[record.jobid] = record.rule_name
        self._began.setdefault(record.rule_name, time.monotonic())
        if record.rule_name == REPORT:
            self._report = None  # the one that is there is of another run, if this one fails
            self._to_come = Path(record.output[0])
        self._describe()

    def _finish(self, record: Any) -> None:
        rule = self._rules.pop(record.job_id, None)
        if self._bar is not None:
            self._bar.update(1)
        if rule is None:
            return
        self._open[rule] -= 1
        if rule == REPORT:
            self._report = self._to_come
        if not self._open[rule]:
            jobs, took_s = self._jobs[rule], time.monotonic() - self._began[rule]
            self._say(f"{rule:<12}{jobs:>6,} job{'' if jobs == 1 else 's'} {took_s:>8.1f} s")
        self._describe()

    def _describe(self) -> None:
        if self._bar is not None:
            self._bar.set_description(self._at_work())

    def _at_work(self) -> str:
        return ", ".join(dict.fromkeys(self._rules.copy().values()))

    def _tick(self) -> None:
        """The clock in the bar goes on; where there is none, a line tells that all is well."""
        while not self._ended.wait(TERMINAL_S if self._bar is not None else LINES_S):
            if self._bar is not None:
                self._bar.refresh()
            else:
                done = self._jobs.total() - self._open.total()
                self._say(f"... {done:,} of {self._jobs.total():,} jobs; now {self._at_work()}")

    def _say(self, line: str) -> None:
        self._aside(lambda: self._stream.write(line + "\n"))

    def _aside(self, write: Any) -> None:
        """Write something above the bar."""
        if self._bar is None:
            write()
        else:
            with self._bar.external_write_mode(file=self._stream):
                write()
        self._stream.flush()
