"""What a run of the workflow does beside its jobs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from snakemake.cli import get_argument_parser

from unripple.cli.workflow import _do_not_wait

OURS, SNAKEMAKES = SimpleNamespace(start_template=lambda: None), SimpleNamespace()


@pytest.mark.parametrize(
    ("executor", "words", "kept"),
    [
        (OURS, [], False),
        (SNAKEMAKES, [], True),
        (OURS, ["--max-jobs-per-timespan", "5/1m"], True),
        (OURS, ["--max-jobs-per-timespan", "99/1s"], True),
    ],
)
def test_only_snakemakes_own_limit_of_jobs_is_taken_away(executor, words, kept) -> None:
    limit = get_argument_parser().parse_args(words).max_jobs_per_timespan
    settings = SimpleNamespace(max_jobs_per_timespan=limit)
    plugin = SimpleNamespace(executor=executor)
    _do_not_wait(SimpleNamespace(scheduling_settings=settings, executor_plugin=plugin))
    assert settings.max_jobs_per_timespan is (limit if kept else None)
