# Inputs and parameters of the rules, asked from the package: no torch, no work.

import json
import sys
from functools import lru_cache
from pathlib import Path

from unripple.api.jobs import job_from_config
from unripple.api.steps import STEPS, find_step
from unripple.conventions import UnrippleError
from unripple.io.config import complete, edits
from unripple.io.digest import file_sha256
from unripple.io.results import PHOTO, Results
from unripple.io.sheet import update_sheet
from unripple.zoo.zoo import Zoo

try:
    CONFIG = complete(config)
    EDITS = tuple(edit.name for edit in edits(CONFIG))
    ZOO = Zoo(CONFIG["models"])
except UnrippleError as error:
    raise WorkflowError(str(error)) from None

RESULTS = Results()

# The rules call `unripple` by its name: the one of the environment that runs Snakemake.
shell.prefix(f"export PATH={Path(sys.executable).parent}:$PATH; ")


wildcard_constraints:
    shard=r"\d{5}",
    edit=r"[a-z][a-z0-9_-]*",
    of=r"[a-z][a-z0-9_-]*",
    stage=r"[a-z]+",
    photo=r"[a-z0-9_+-]+",


@lru_cache(maxsize=1)
def sheet():
    """The photos at hand; new ones are appended to the sheet."""
    return update_sheet(Path(CONFIG["photos"]))


def shards():
    return sorted({row.shard for row in sheet()})


def has_braces(path):
    """Whether Snakemake would take a part of a file's name for a wildcard."""
    return "{" in path or "}" in path


def photos(wildcards):
    """The photos of a shard."""
    rows = [row for row in sheet() if row.shard == wildcards.shard]
    return [row.path for row in rows if not has_braces(row.path)]


def landmarks_file(wildcards):
    """The file of landmarks that people marked, if the config names one."""
    return CONFIG["align"]["landmarks"] or []


def truths(wildcards):
    """What is known of the photos of a shard, where they were rendered."""
    folder = Path(CONFIG["photos"]) / "truth"
    of_shard = [folder / row.photo for row in sheet() if row.shard == wildcards.shard]
    files = [
        path for place in of_shard for path in (*place.glob("*"), *place.glob("*/*"))
    ]
    return sorted(str(path) for path in files if path.is_file())


def shown_picture(wildcards):
    """What a stage looks at that looks at both: the photo's crop, or the edit."""
    stage, of = ("align", None) if wildcards.of == PHOTO else ("edit", wildcards.of)
    return str(RESULTS.manifest_path(stage, of, wildcards.shard))


@lru_cache(maxsize=None)
def _job(stage, of):
    return job_from_config(CONFIG, stage, of, ZOO)


def _place(wildcards):
    return wildcards.get("of", wildcards.get("edit"))


def job(stage):
    """The settings of a stage, passed to its command; a change of them reruns the stage."""

    def of_place(wildcards):
        content = json.loads(_job(stage, _place(wildcards)).to_json())
        if stage == "align":
            content["photos"] = CONFIG["photos"]
        return json.dumps(content, sort_keys=True)

    return of_place


def made_by(stage):
    """Version and weights of a stage; a change of them reruns it as well."""

    def of_place(wildcards):
        made = {
            "version": find_step(stage).version,
            **_job(stage, _place(wildcards)).weights,
        }
        if (
            stage == "align"
        ):  # the sheet may say for single photos how to find their landmarks
            rows = [
                row for row in sheet() if row.shard == wildcards.shard and row.align
            ]
            made |= {f"align {row.photo}": row.align for row in rows}
        return made

    return of_place


def every_manifest(wildcards):
    return [
        str(RESULTS.manifest_path(stage, of, shard))
        for stage, step in STEPS.items()
        for of in step.places(EDITS)
        for shard in shards()
    ]


def viewed(wildcards):
    """The manifest behind one picture."""
    step = find_step(wildcards.stage)
    photo = wildcards.photo.partition("+")[0]
    found = [row.shard for row in sheet() if row.photo == photo]
    if not found:
        raise UnrippleError(f"no photo {photo!r} in the sheet")
    of = None if step.edit_inputs is None else wildcards.of
    return str(RESULTS.manifest_path(step.stage, of, found[0]))
