"""How a run ended, in a few lines: how many edits there are, which photos failed, where to look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

NAMED = 10
"""So many failures are named; the report has all of them."""


class Outcome(NamedTuple):
    """What `measure.json` says of a run: how many edits it made, and what failed, a line each."""

    edits: int
    failures: tuple[str, ...]

    def lines(self, report: Path) -> list[str]:
        """The failures, and last of all the sentence that says how it went.

        Args:
            report: the page.
        """
        named = list(self.failures[:NAMED])
        if len(self.failures) > NAMED:
            named.append(f"... and {len(self.failures) - NAMED} more")
        edits = f"{self.edits:,} edit{'' if self.edits == 1 else 's'}"
        return [*named, f"{edits}, {len(self.failures):,} failed: open {report}"]


def outcome_of(told: Mapping[str, Any]) -> Outcome:
    """The outcome that a table of figures tells, see `stages.report.summary`."""
    failures = tuple(
        f"failed: {one['photo']} at {one['stage']} {one['edit']}".rstrip() + f": {one['reason']}"
        for one in told["failures"]
    )
    return Outcome(len(told["edits"]), failures)


def read_outcome(results: Path) -> Outcome | None:
    """The outcome of the run in a results folder; None where no table of figures can be read."""
    try:
        return outcome_of(json.loads((results / "measure.json").read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
