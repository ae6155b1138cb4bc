"""The executor `unripple` of Snakemake: the local one, but jobs share worker processes.

A stage's job is short, and to import torch for it takes longer than many of them. So the jobs of
one workflow are done by processes that have torch and the networks of the jobs before loaded, see
`unripple.runtime.pool`. What is more than such a command, or wants an environment of its own, is
done as the local executor does it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from snakemake.exceptions import SpawnedJobError, WorkflowError
from snakemake.executors import local
from snakemake_interface_executor_plugins.settings import ExecutorSettingsBase

from unripple.cli.main import run_in_worker
from unripple.conventions import UnrippleError
from unripple.io.snakemake_words import check
from unripple.runtime.pool import Pool
from unripple.runtime.template import NETWORKS

common_settings = local.common_settings

_LIBRARIES = ("OMP", "GOTO", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
_OURS = re.compile(r"\s*unripple( ([\w./=-]+|\{[\w.]+(:q)?\}))+\s*")
"""A rule's command of which the shell would make nothing but words."""


@dataclass
class ExecutorSettings(ExecutorSettingsBase):  # type: ignore[misc]
    """No setting of its own; Snakemake makes it before it reads any config."""

    def __post_init__(self) -> None:
        """Read --configfile and --config strictly: Snakemake reads them before all of our rules.

        Raises:
            WorkflowError: one of them is wrong; it says what and where in a sentence.
        """
        try:
            check(sys.argv[1:])
        except UnrippleError as error:
            raise WorkflowError(f"unripple: {error}") from None


class Executor(local.Executor):  # type: ignore[misc]
    """See `snakemake.executors.local.Executor`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        on_cpu = os.environ.get("UNRIPPLE_DEVICE", "cpu") == "cpu"
        # What a process holds of a GPU, it lets go of when it ends.
        self._workers = Pool("forkserver", tasks_per_worker=100 if on_cpu else 1)

    @staticmethod
    def start_template(networks: str = "") -> None:
        """Start the process that workers are forked from; it loads torch while this one goes on.

        Args:
            networks: what it loads besides, see `unripple.runtime.template`.
        """
        os.environ.setdefault(NETWORKS, networks)
        # A job is one core, as it is by itself; libraries read this when they are loaded.
        os.environ.update({f"{library}_NUM_THREADS": "1" for library in _LIBRARIES})
        forkserver.set_forkserver_preload(["unripple.cli.preload"])
        forkserver.ensure_running()

    def run_single_job(self, job: Any) -> Any:
        """Submit a job; its future."""
        if not self._is_ours(job):
            return super().run_single_job(job)
        self.start_template()
        self.workflow.async_run(job.prepare())
        words = shlex.split(job.shellcmd)[1:]
        return self.pool.submit(self.cached_or_run, job, self._run_in_worker, words)

    def _is_ours(self, job: Any) -> bool:
        """Whether a job is a command of ours that runs in this environment and folder."""
        return bool(
            job.is_shell
            and _OURS.fullmatch(job.rule.shellcmd)
            and job.benchmark is None
            and not job.is_shadow
            and not self.workflow.deployment_settings.deployment_method
            and job.resources.get("shell_exec") is None
        )

    def _run_in_worker(self, words: list[str]) -> None:
        try:
            status = self._workers.run(partial(run_in_worker, str(Path.cwd()), words))
        except UnrippleError as error:  # not of the job, which says itself what is wrong
            self.logger.error(f"unripple: {error}")
            raise SpawnedJobError from error
        if status:
            raise SpawnedJobError

    def shutdown(self) -> None:
        """Wait for all jobs."""
        super().shutdown()
        self._workers.close()

    def cancel(self) -> None:
        """End all jobs."""
        self._workers.close()
        super().cancel()
