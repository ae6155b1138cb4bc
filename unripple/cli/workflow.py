"""What a run of the workflow does beside its jobs: it is alone in its folder, and tidies up there.

The rules call this while Snakemake makes its plan; `workflow` is Snakemake's.
"""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import unripple
from unripple.io.edited import unpaired
from unripple.io.lock import claim
from unripple.io.results import Results, date_back
from unripple.pipeline.jobs import Job
from unripple.processes import seldom_collect
from unripple.runtime.template import networks_of

_NAMED = 20  # photos or pictures that a message names
_RECORDS = Path(".snakemake/metadata")
_UNASKED = (100, 1)  # jobs and seconds of Snakemake's limit where the user gave none
log = logging.getLogger("snakemake.logging")  # the one to which it adds its handlers


def shell_prefix(workflow: Any) -> str:
    """What goes before each rule's command, with braces as `shell.prefix` wants them.

    The rules call `unripple` and `python` by their names: those of the environment that runs
    Snakemake, by functions of the shell, for PATH cannot hold a folder with a colon in its name.
    Where rules have an environment of their own (`--software-deployment-method conda`), it runs the
    workflow's folder, since the package is not in it: see envs/unripple.yaml.
    """
    # A job is one core, and networks give other bytes on several threads than on one.
    prefix = "export OMP_NUM_THREADS=1; "
    if workflow.deployment_settings.deployment_method:
        code = shlex.quote(str(workflow.basedir))
        prefix += f'unripple() {{ PYTHONPATH={code} python -P -m unripple "$@"; }}; '
    else:
        python = shlex.quote(sys.executable)
        prefix += f'unripple() {{ {python} -P -m unripple "$@"; }}; python() {{ {python} "$@"; }}; '
    return prefix.replace("{", "{{").replace("}", "}}")


def warn_of_other_code(workflow: Any) -> None:
    """Say so if the package of this process is not that of the workflow's folder."""
    own, installed = Path(workflow.basedir) / "unripple", Path(unripple.__path__[0])
    if own.is_dir() and not own.samefile(installed):
        log.warning(
            "unripple: the code of %s runs, not that of this folder; `make demo` installs its own",
            installed,
        )


def writes(workflow: Any) -> bool:
    """Whether this process decides what is made; a dry run writes nothing and needs no leave."""
    return bool(
        workflow.is_main_process and workflow.executor_plugin is not None and not workflow.dryrun
    )


def tell_of_unpaired(folder: Path, edits: Iterable[str], photos: Collection[str]) -> None:
    """Name the photos without an edited picture and the edited pictures without a photo."""
    for edit in edits:
        missing, more = unpaired(folder, edit, photos)
        for what, names in (("no edited picture of", missing), ("no photo to", more)):
            if names:
                rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                log.warning("%s: %s %s%s", folder / edit, what, ", ".join(names[:_NAMED]), rest)


def _be_alone(folder: Path) -> bool:
    """Be the only run that writes to a folder; whether the one before was killed.

    Snakemake's locks that a killed run left there go away: nobody else would remove them.
    """
    killed = claim(folder)
    for lock in Path(".snakemake/locks").glob("*.lock"):
        if f"{folder}/" in lock.read_text():
            lock.unlink()
    return killed


def begin(workflow: Any, results: Results, jobs: Callable[[], Iterable[Job]]) -> None:
    """Be the only run in this folder, and clear away what a killed one left half-written.

    Args:
        workflow: Snakemake's.
        results: of the run.
        jobs: gives all that a first run does.

    Raises:
        StoreError: another run is at work, or the folder cannot be written.
    """
    log.info("results go to %s", results.root, extra={"results": results.root})
    seldom_collect()
    if not writes(workflow):
        return
    if _be_alone(results.root):
        results.sweep()
    _do_not_wait(workflow)
    start_template = getattr(workflow.executor_plugin.executor, "start_template", None)
    if start_template and not (results.root / "report.html").exists():
        # There is work to come, so that its processes may get ready meanwhile.
        start_template(networks_of(jobs()))
    date_back(results.dated())
    if _RECORDS.is_dir() and not any(_RECORDS.iterdir()):
        # Without records Snakemake would take manifests for up to date, whatever they were made
        # with. Made anew they cost nothing: their artifacts are in the store.
        for manifest in results.manifest_paths():
            manifest.unlink()


def _do_not_wait(workflow: Any) -> None:
    """Take Snakemake's own limit of jobs per second away where workers of ours do the jobs.

    A limit that the user gave (`--max-jobs-per-timespan`) stays.

    As long as jobs wait for a core, each look at them for the limit's sake calls for another one a
    second later, beside those that were called for already: after 37 jobs there are 37 a second.
    """
    settings = workflow.scheduling_settings
    limit = settings.max_jobs_per_timespan
    unasked = limit is not None and (limit.max_jobs, limit.timespan) == _UNASKED
    if unasked and hasattr(workflow.executor_plugin.executor, "start_template"):
        settings.max_jobs_per_timespan = None


def begin_training(workflow: Any, folder: Path) -> None:
    """Be the only `snakemake train` in this folder, whatever killed the one before.

    Raises:
        StoreError: another one is at work, or the folder cannot be written.
    """
    if writes(workflow):
        _be_alone(folder)
        date_back(folder.glob("**/done"))


def rerun_incomplete(
    workflow: Any,
    results: Results,
    places: Iterable[tuple[str, str | None]],
    shards: Collection[str],
) -> None:
    """Let the jobs run again that made what is gone from the results or from the store."""
    if workflow.is_main_process and not workflow.touch:
        gone = results.incomplete(places, shards)
        workflow.dag.forcefiles.update(str(manifest) for manifest in gone)
