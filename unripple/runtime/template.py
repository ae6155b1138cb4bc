"""Networks of the process that workers are forked from: loaded once, in memory they share."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable

from unripple.conventions import UnrippleError
from unripple.pipeline.jobs import Job
from unripple.runtime.threads import one_thread
from unripple.zoo.zoo import ROLES, Zoo

NETWORKS = "UNRIPPLE_NETWORKS"
"""Environment variable that tells that process what to load."""


def networks_of(jobs: Iterable[Job]) -> str:
    """The networks that the jobs of a workflow load on the CPU, as text."""
    told: dict[str, list[str]] = {}
    for job in jobs:
        roles = told.setdefault(json.dumps(job.zoo.models, sort_keys=True), [])
        if job.zoo.device == "cpu":
            roles += [role for role in job.weights if role in ROLES and role not in roles]
    return json.dumps(told)


def load_networks(told: str) -> None:
    """Load what `networks_of` gave, as far as it can be; what is amiss the jobs say themselves."""
    for models, roles in json.loads(told or "{}").items():
        zoo = Zoo(json.loads(models))
        for role in roles:
            with contextlib.suppress(UnrippleError), one_thread():
                if not zoo.is_large(role):
                    zoo.load(role)
