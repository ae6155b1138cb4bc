"""`unripple stage <stage>`: one stage for a shard of photos, or up to that stage for one photo."""

from __future__ import annotations

import argparse
import json
import logging
import os
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.cli import options as shared
from unripple.cli.meter import LossMeter
from unripple.cli.report import register as add_report
from unripple.conventions import STAGES, UnrippleError
from unripple.io import landmarks as landmarks_file
from unripple.io.artifact import encode_part
from unripple.io.lock import at_work
from unripple.io.metadata import NOTHING
from unripple.io.photo import read_photo
from unripple.io.places import sheet_to_read
from unripple.io.results import PHOTO, Results
from unripple.io.sheet import read_sheet, rows_in
from unripple.io.times import noted
from unripple.pipeline.checks import warnings_of
from unripple.pipeline.graph import DECLARATIONS, any_step
from unripple.pipeline.jobs import Job, job_from_config
from unripple.runtime.editor import Editor
from unripple.runtime.pool import Each, supervised
from unripple.runtime.result import LAST_STEP, joined
from unripple.runtime.shard import face_names, run_shard
from unripple.zoo.zoo import Zoo

log = logging.getLogger(__name__)


def register(commands: Any, only: str | None = None) -> None:
    """Add `stage`, with one command per stage word, or with that of one stage only."""
    parser = commands.add_parser(
        "stage",
        help="one stage of a shard, as the workflow's rules run it, or of one photo",
        description=(
            "Run one stage for a shard of the sheet, as the workflow's rules do, or all up to that "
            "stage for one photo."
        ),
    )
    stages = parser.add_subparsers(title="stages, in running order", metavar="STAGE", required=True)
    for stage in STAGES[:-1]:
        if only not in (None, stage):
            continue
        one = stages.add_parser(
            stage,
            help=DECLARATIONS[stage].help,
            description=_description(stage),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_step_options(one, stage)
    if only in (None, STAGES[-1]):
        add_report(stages)


def _description(stage: str) -> str:
    text = f"{stage}: {DECLARATIONS[stage].help}."
    if stage == "align":
        text += "\n\n" + textwrap.dedent(landmarks_file.__doc__ or "").strip()
    return text


def _add_step_options(parser: argparse.ArgumentParser, stage: str) -> None:
    parser.add_argument("photo", nargs="?", type=Path, help="work on this one file")
    parser.add_argument("-o", "--out", type=Path, help="with PHOTO: the folder of the outcome")
    shared.add_overwrite(parser)
    if any_step(stage).edit_inputs is not None:
        shared.add_edit(parser, "an edit of the config or a translation by name, or with PHOTO ")
        shared.add_text(parser)
    parser.add_argument("--shard", help="work on this shard of the sheet (five digits)")
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_results(parser)
    shared.add_log(parser)
    parser.add_argument("--job", metavar="JSON", help=argparse.SUPPRESS)
    parser.set_defaults(run=_run_step, stage=stage)


def _run_step(options: argparse.Namespace) -> None:
    shared.start_log(options)
    if (options.photo is None) == (options.shard is None):
        raise UnrippleError(f"{options.stage}: name either a photo or a --shard")
    if options.shard is not None:
        with noted(options.log):
            task = partial(_run_shard, options)
            supervised(task) if options.each is None else task(options.each)
    elif options.out is None:
        raise UnrippleError(f"{options.stage}: say with -o where the outcome goes")
    else:
        _run_photo(options)


def _run_shard(options: argparse.Namespace, each: Each) -> None:
    words = getattr(options, "edit", [])
    if shared.text_edit_of(options) is not None:
        raise UnrippleError("--text: with --shard, name an edit of the config by --edit")
    if len(words) > 1 or any("=" in word for word in words):
        raise UnrippleError("--edit: with --shard, the name of one edit of the config")
    step = any_step(options.stage)
    of = words[0] if words else PHOTO if step.looks_at_both else None
    step.inputs(of)  # says whether the stage asks for an edit
    job, folder, results = _job(options, of)
    for warning in job.warnings():
        log.warning("%s", warning)
    sheet = sheet_to_read(results.root)
    rows = [row for row in read_sheet(sheet) if row.shard == options.shard]
    if not rows:
        raise UnrippleError(f"{sheet}: no shard {options.shard}; `unripple sheet` makes the sheet")
    present = {row.photo for row in rows_in(rows, folder)}
    with at_work(results.root):
        run_shard(job, options.shard, rows, present, results, each=each, on_progress=LossMeter())
        if options.job is None:
            # Made by hand, maybe with other settings than the config's: as the oldest of all files
            # it is looked at again by the next run.
            os.utime(results.manifest_path(options.stage, of, options.shard), (0, 0))


def _job(options: argparse.Namespace, of: str | None) -> tuple[Job, Path, Results]:
    """The job, the photos' folder and the results, from what a rule passed or from the config."""
    if options.job is not None:
        try:
            content = json.loads(options.job)
            folder = Path(content.pop("photos", "."))
        except (ValueError, AttributeError) as error:
            raise UnrippleError(f"--job: no JSON ({error}); rules write this option") from error
        job = Job.from_json(options.stage, of, json.dumps(content), options.device)
        return job, folder, options.results or Results()
    config = shared.config_of(options)
    zoo = Zoo(config["models"], options.device)
    job = job_from_config(config, options.stage, of, zoo)
    return job, Path(config["photos"]), shared.results_of(options, config)


def _run_photo(options: argparse.Namespace) -> None:
    config = shared.config_of(options)
    words = getattr(options, "edit", [])
    edit = shared.edit_of(words, config) if words else shared.text_edit_of(options)
    zoo = Zoo(config["models"], options.device)
    for warning in warnings_of(config, edit, zoo) if edit else ():
        log.warning("%s", warning)
    editor = Editor(device=options.device, settings=config, on_progress=LossMeter())
    faces = editor.run_faces(options.photo, options.stage, edit)
    name = options.stage if options.stage in faces[0] else f"{options.stage}@{PHOTO}"
    stems = face_names(options.photo.stem, len(faces))
    artifacts = {stem: face[name] for stem, face in zip(stems, faces, strict=True)}
    if len(faces) > 1 and name == LAST_STEP:
        artifacts[options.photo.stem] = {"picture": joined(faces)}
    step = any_step(options.stage)
    metadata = NOTHING
    if step.reads_photo and step.marked:
        metadata = read_photo(options.photo, max_megapixels=config["limits"]["megapixels"]).metadata
    metadata = metadata.of_result(marked=step.marked and config["digital_source_type"])
    for stem, artifact in artifacts.items():
        for part, value in artifact.items():
            ending, data = encode_part(value, metadata)
            path = options.out / f"{stem}.{part}{ending}"
            shared.check_outputs(options, {"-o": path}, [options.photo], config)
            atomic.write_bytes(path, data)
            log.info("%s", path)
