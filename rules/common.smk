# Inputs and parameters of the rules, asked from the package: no torch, no work.

import json
import sys
from functools import lru_cache
from pathlib import Path

from unripple.pipeline.checks import check_codes
from unripple.pipeline.jobs import job_from_config
from unripple.pipeline.graph import RECIPES, ancestors, find_step
from unripple.cli import workflow as run
from unripple.conventions import STAGES, UnrippleError
from unripple.io.config import config_of_run, edits
from unripple.io.digest import file_sha256, value_sha256
from unripple.io.edited import files_of
from unripple.io.places import results_folder, sheet_of, sheet_to_read
from unripple.io.results import PHOTO, Results
from unripple.io.sheet import read_sheet, rows_in, stamp, update_sheet
from unripple.zoo.zoo import Zoo

CONFIG = plainly(config_of_run)(workflow, sys.argv)  # read again: strictly
EDITS = tuple(edit.name for edit in plainly(edits)(CONFIG))
ZOO = plainly(Zoo)(CONFIG["models"])
RECIPE = CONFIG["recipe"]
plainly(check_codes)(CONFIG, edits(CONFIG), ZOO)

RESULTS = Results(plainly(results_folder)(CONFIG))
ROOT = str(RESULTS.root)  # in the paths of the rules it is <results>

run.warn_of_other_code(workflow)
shell.prefix(run.shell_prefix(workflow))

# The software behind every rule. Braces in its path, of which this folder's name may have some, would
# be wildcards to Snakemake, unless they are doubled and a function gives them.
ENVIRONMENT = "../envs/unripple.yaml"
if "{" in workflow.basedir or "}" in workflow.basedir:
    _file = str(Path(workflow.basedir, "envs", "unripple.yaml"))
    _doubled = _file.replace("{", "{{").replace("}", "}}")
    ENVIRONMENT = lambda wildcards: _doubled


pathvars:
    results=ROOT,


wildcard_constraints:
    shard=r"[0-9]{5}",
    edit=r"[A-Za-z][A-Za-z0-9_-]*",
    of=r"[A-Za-z][A-Za-z0-9_-]*",
    stage=r"[a-z]+",
    photo=r"[a-z0-9_+-]+",


def results_root(wildcards):
    """The results folder, as commands are told it."""
    return ROOT


@lru_cache(maxsize=1)
def begin_training():
    run.begin_training(workflow, Path("runs"))


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
        return rows_in(read_sheet(sheet_to_read(RESULTS.root)), folder)
    run.begin(workflow, RESULTS, lambda: (_job(*place) for place in every_place()))
    return update_sheet(folder, sheet_of(RESULTS.root), write=not workflow.dryrun)


@lru_cache(maxsize=1)
def look():
    """See what there is, before Snakemake decides what is to be done."""
    marked = CONFIG["align"]["landmarks"]
    if marked and not Path(marked).exists():
        raise UnrippleError(f"align.landmarks: {marked}: no such file")
    rows = sheet()
    if RECIPE == "external":
        run.tell_of_unpaired(Path(CONFIG["edited"]), EDITS, [row.photo for row in rows])
    run.rerun_incomplete(workflow, RESULTS, every_place(), shards())


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
    (place,) = find_step("parse", RECIPE).inputs(wildcards.of).values()
    return str(RESULTS.manifest_path(*place, wildcards.shard))


def precedence(stage):
    """Which of the jobs that could begin does: the one with most to come after it, so that all cores
    have work to the end. New shards wait until nothing is left to do for those that were begun.
    """
    return 0 if stage == STAGES[0] else len(STAGES) - STAGES.index(stage)


def by_recipe(**inputs):
    """The inputs of a stage that recipes feed differently; nobody asks for it in other recipes."""
    return inputs.get(RECIPE, [])


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
        if (
            stage == "edit"
            and _job(stage, wildcards.edit).settings.get("keep") == "masks"
        ):
            masks = sorted(str(path) for path in Path(CONFIG["edit"]["keep"]).glob("*"))
            made["masks"] = value_sha256({path: stamp(path) for path in masks})
        if stage == "register":
            made["edited"] = _edited(wildcards)
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


def _edited(wildcards):
    """The files of other programs' edits of a shard's photos, by when they were changed last."""
    rows = sheet_by_shard().get(wildcards.shard, [])
    folder = Path(CONFIG["edited"])
    files = {row.photo: files_of(folder, wildcards.edit, row.photo) for row in rows}
    return value_sha256(
        {photo: [stamp(str(path)) for path in paths] for photo, paths in files.items()}
    )


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
