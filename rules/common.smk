# Inputs and parameters of the rules, asked from the package: no torch, no work.

import gc
import importlib.util
import json
import os
import shlex
import sys
import threading
from functools import lru_cache
from pathlib import Path

from unripple.api.jobs import check_codes, job_from_config
from unripple.api.steps import RECIPES, ancestors, find_step
from unripple.cli import warm
from unripple.conventions import STAGES, UnrippleError
from unripple.io.config import config_of_run, edits
from unripple.io.digest import file_sha256, value_sha256
from unripple.io.lock import claim
from unripple.io.results import PHOTO, Results, date_back
from unripple.io.sheet import SHEET, read_sheet, rows_in, stamp, update_sheet
from unripple.zoo.zoo import Zoo

# What planning makes stays to the end: to look for garbage in it takes a tenth of the time. See `settle`.
gc.disable()

CONFIG = plainly(config_of_run)(workflow, sys.argv)  # read again: strictly
EDITS = tuple(edit.name for edit in plainly(edits)(CONFIG))
ZOO = plainly(Zoo)(CONFIG["models"])
RECIPE = CONFIG["recipe"]
plainly(check_codes)(CONFIG, edits(CONFIG), ZOO)

RESULTS = Results()

_code = Path(workflow.basedir) / "unripple"
if _code.is_dir() and not _code.samefile(Path(warm.__file__).parents[1]):
    logger.warning(
        f"unripple: the code of {Path(warm.__file__).parents[1]} runs, not that of this folder; "
        "`make demo` installs its own"
    )

# The rules call `unripple` by its name: the one of the environment that runs Snakemake, by functions
# of the shell, for a folder with a colon in its path cannot stand in PATH. The jobs that this process
# itself starts share a warm worker; jobs of a cluster do without.
OWN_PYTHON = shlex.quote(sys.executable)
_worker = (
    f"export {warm.WORKFLOW}={warm.this_process()}; "
    if workflow.is_main_process
    else ""
)
# A job is one of Snakemake's cores, and networks give other bytes on several threads than on one.
_prefix = (
    f'unripple() {{ {OWN_PYTHON} -P -m unripple "$@"; }}; '
    f'python() {{ {OWN_PYTHON} "$@"; }}; '
    f"export OMP_NUM_THREADS=1; {_worker}"
)
shell.prefix(_prefix.replace("{", "{{").replace("}", "}}"))  # Snakemake formats it
# The software behind every rule. Braces in its path, of which this folder's name may have some, would
# be wildcards to Snakemake, unless they are doubled and a function gives them.
ENVIRONMENT = "../envs/unripple.yaml"
if "{" in workflow.basedir or "}" in workflow.basedir:
    _file = str(Path(workflow.basedir, "envs", "unripple.yaml"))
    _doubled = _file.replace("{", "{{").replace("}", "}}")
    ENVIRONMENT = lambda wildcards: _doubled
# What Snakemake sets to a job's number of threads.
THREADS = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


# With `--software-deployment-method conda` a rule has an environment of its own, which runs the code
# of this folder: see envs/unripple.yaml.
if workflow.deployment_settings.deployment_method:
    import shlex

    _here = shlex.quote(str(workflow.basedir))
    _prefix = f'unripple() {{ PYTHONPATH={_here} python -P -m unripple "$@"; }}; export OMP_NUM_THREADS=1; '
    shell.prefix(_prefix.replace("{", "{{").replace("}", "}}"))


wildcard_constraints:
    shard=r"[0-9]{5}",
    edit=r"[A-Za-z][A-Za-z0-9_-]*",
    of=r"[A-Za-z][A-Za-z0-9_-]*",
    stage=r"[a-z]+",
    photo=r"[a-z0-9_+-]+",


def writes():
    """Whether this process decides what is made; a dry run writes nothing and needs no leave."""
    return (
        workflow.is_main_process
        and workflow.executor_plugin is not None
        and not workflow.dryrun
    )


def hurry():
    """Start the worker of jobs that will surely come: a run that has no report yet has work left."""
    lacks_report = not (RESULTS.root / "report.html").exists()
    if workflow.local_exec and not workflow.touch and lacks_report:
        name = warm.this_process()
        variables = {
            **os.environ,
            **dict.fromkeys(THREADS, "1"),
            warm.WORKFLOW: name,
        }
        warm.start_ahead(name, variables, json.dumps(CONFIG))


def without_brake():
    """Take Snakemake's limit of 100 jobs per second off local runs, unless it was asked for.

    Every round of the scheduler would set a clock of a second for another round, and the last clock
    keeps the run from ending.
    """
    limit = getattr(workflow.scheduling_settings, "max_jobs_per_timespan", None)
    if workflow.local_exec and limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduling_settings.max_jobs_per_timespan = None


def settle():
    """Do what Snakemake would do while all cores wait for it, while the first jobs begin instead.

    It imports pandas, where that is installed, to note the end of the first job. The plan counts for
    no search for garbage any more.
    """
    gc.freeze()
    gc.enable()
    if importlib.util.find_spec("pandas") is not None:
        threading.Thread(
            target=importlib.import_module, args=["pandas"], daemon=True
        ).start()


def be_alone(folder):
    """Be the only run that writes to a folder; whether the one before was killed.

    Snakemake's locks that a killed run left there go away: nobody else would remove them.
    """
    killed = claim(folder)
    for lock in Path(".snakemake/locks").glob("*.lock"):
        if f"{folder}/" in lock.read_text():
            lock.unlink()
    return killed


def begin():
    """Be the only run in this folder, and clear away what a killed one left half-written."""
    if not writes():
        return
    killed = be_alone(RESULTS.root)
    hurry()
    without_brake()
    if killed:
        RESULTS.sweep()
    date_back(RESULTS.dated())
    records = Path(".snakemake/metadata")
    if records.is_dir() and not any(records.iterdir()):
        # Without records Snakemake would take manifests for up to date, whatever they were made
        # with. Made anew they cost nothing: their artifacts are in the store.
        for manifest in RESULTS.manifest_paths():
            manifest.unlink()


def ask_again():
    """Let the jobs run again that made what is gone from the results or from the store."""
    gone = RESULTS.incomplete(every_place(), shards())
    workflow.dag.forcefiles.update(str(manifest) for manifest in gone)


@lru_cache(maxsize=1)
def begin_training():
    """Be the only `snakemake train` in this folder, whatever killed the one before."""
    if writes():
        be_alone(Path("runs"))
        date_back(Path("runs").glob("**/done"))


@plainly
def trained(nets):
    """The marks of finished trainings."""
    begin_training()
    return [f"runs/{net}/done" for net in nets]


@lru_cache(maxsize=1)
def sheet():
    """The photos at hand; new ones are appended to the sheet, by one process for all cluster jobs."""
    folder = Path(CONFIG["photos"])
    if not workflow.is_main_process:
        return rows_in(read_sheet(SHEET), folder)
    begin()
    return update_sheet(folder, write=not workflow.dryrun)


@lru_cache(maxsize=1)
def look():
    """See what there is, before Snakemake decides what is to be done."""
    marked = CONFIG["align"]["landmarks"]
    if marked and not Path(marked).exists():
        raise UnrippleError(f"align.landmarks: {marked}: no such file")
    sheet()
    if workflow.is_main_process and not workflow.touch:
        ask_again()


@lru_cache(maxsize=1)
def sheet_by_shard():
    """The rows of each shard, in the order of their names."""
    rows = {}
    for row in sheet():
        rows.setdefault(row.shard, []).append(row)
    return {shard: rows[shard] for shard in sorted(rows)}


def shards():
    return list(sheet_by_shard())


@plainly
def photos(wildcards):
    """No files: Snakemake would read patterns in their names and throw results away that are older.

    What people give (photos, landmarks, truths) is told by `made_by`.
    """
    look()
    return []


def truths(shard):
    """What is known of the photos of a shard, where they were rendered."""
    folder = Path(CONFIG["photos"]) / "truth"
    if not folder.is_dir():
        return []
    of_shard = [folder / row.photo for row in sheet_by_shard().get(shard, ())]
    files = [
        path for place in of_shard for path in (*place.glob("*"), *place.glob("*/*"))
    ]
    return sorted(str(path) for path in files if path.is_file())


def shown_picture(wildcards):
    """What a stage looks at that looks at both: the photo's crop, or the edit."""
    stage, of = ("align", None) if wildcards.of == PHOTO else ("edit", wildcards.of)
    return str(RESULTS.manifest_path(stage, of, wildcards.shard))


def precedence(stage):
    """Which of the jobs that could begin does: the one with most to come after it, so that all cores
    have work to the end. New shards wait until nothing is left to do for those that were begun.
    """
    return 0 if stage == STAGES[0] else len(STAGES) - STAGES.index(stage)


def by_recipe(**inputs):
    """The inputs of a stage that recipes feed differently."""
    return inputs[RECIPE]


@lru_cache(maxsize=None)
def _job(stage, of):
    return job_from_config(CONFIG, stage, of, ZOO)


def _place(wildcards):
    return wildcards.get("of", wildcards.get("edit"))


def job(stage):
    """The settings of a stage, passed to its command; a change of them reruns the stage."""

    @plainly
    def of_place(wildcards):
        return _job_text(stage, _place(wildcards))

    return of_place


@lru_cache(maxsize=None)
def _job_text(stage, of):
    content = json.loads(_job(stage, of).to_json())
    if stage == "align":
        content["photos"] = CONFIG["photos"]
    return json.dumps(content, sort_keys=True)


def made_by(stage):
    """Version and weights of a stage; a change of them reruns it as well."""

    @plainly
    def of_place(wildcards):
        made = {
            "version": find_step(stage, RECIPE).version,
            **_job(stage, _place(wildcards)).weights,
        }
        if stage == "align":
            rows = sheet_by_shard().get(wildcards.shard, [])
            # The sheet may say for single photos how to find their landmarks.
            made |= {f"align {row.photo}": row.align for row in rows if row.align}
            # Another time of change, later or earlier, tells of another file.
            made["files"] = value_sha256({row.photo: stamp(row.path) for row in rows})
            made["landmarks"] = stamp(CONFIG["align"]["landmarks"] or "")
        if stage == "translate":
            made |= _translations(wildcards)
        if stage == "measure":
            made["truths"] = value_sha256(
                {path: stamp(path) for path in truths(wildcards.shard)}
            )
        return made

    return of_place


def _translations(wildcards):
    """All files of translations and what the sheet says of faces, where an edit asks for one."""
    asked = _job("translate", wildcards.edit)
    if "translation" not in asked.settings:
        return {}
    rows = sheet_by_shard().get(wildcards.shard, [])
    known = {
        f"characteristics {row.photo}": row.characteristics
        for row in rows
        if row.characteristics
    }
    return {"translations": asked.library.stamp(), **known}


def every_place():
    """All stages with all they look at: (stage, edit, `PHOTO` or None)."""
    steps = RECIPES[RECIPE].items()
    return [(stage, of) for stage, step in steps for of in step.places(EDITS)]


@plainly
def every_manifest(wildcards):
    look()
    return [
        str(RESULTS.manifest_path(stage, of, shard))
        for stage, of in every_place()
        for shard in shards()
    ]


@plainly
def viewed(wildcards):
    """The manifests behind one picture: the stage's own, and all that it comes from.

    Snakemake takes a file for finished while what it was made from is away, after a failed rerun.
    """
    look()
    step = find_step(wildcards.stage, RECIPE)
    photo = wildcards.photo.partition("+")[0]
    found = [row.shard for row in sheet() if row.photo == photo]
    if not found:
        raise UnrippleError(f"no photo {photo!r} in the sheet")
    of = None if step.edit_inputs is None else wildcards.of
    places = ancestors(step.stage, of, RECIPE)
    return [str(RESULTS.manifest_path(*place, found[0])) for place in places]
