"""Facts of a run for the report: versions, networks with their licences, what failures ask for."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import yaml

from unripple import __version__
from unripple.io.config import Config, Edit, edits
from unripple.io.results import Failure
from unripple.pipeline.graph import Step
from unripple.pipeline.jobs import job_from_config
from unripple.zoo.zoo import EMBEDDED, MTCNN, Zoo, embedded_folder, published_index

if TYPE_CHECKING:
    from unripple.stages.report import Facts, Model

ADVICE = {
    "BadPhoto": "Copy the file again, or save it anew as the reason says; then run again.",
    "NoFace": "Set align.mode to `mtcnn` or `embedded`, mark the landmarks by hand (align.mode: "
    "file), say `aligned` in the sheet if it is a face crop already, or take the photo out.",
    "SeveralFaces": "Set align.faces to `largest` or `all`, or crop the photo.",
    "LimitExceeded": "Shrink the photo, or raise `limits` in the config.",
    "Crashed": "Save the photo anew with another program; if it crashes again, take it out.",
    "ShapeMismatch": "Look into the stage's log; photos and truth must agree in size.",
}
"""What to do about a failure, by its type."""
_PACKAGES = ("snakemake", "torch", "numpy", "opencv-python-headless", "pillow")


def advice(why: Failure) -> str:
    """What to do about a failure."""
    return ADVICE.get(
        why.type, f"The reason says what is wrong; more in log/{why.stage} beside this page."
    )


def facts_of(config: Config, zoo: Zoo, photos: Sequence[str], steps: Mapping[str, Step]) -> Facts:
    """The facts of a run.

    Args:
        config: a complete config.
        zoo: its networks.
        photos: ids of the photos.
        steps: the table of steps.
    """
    from unripple.stages.report import Facts

    versions = {name: _version(name) for name in _PACKAGES}
    run = {
        "unripple": __version__,
        "Python": platform.python_version(),
        **{name: version for name, version in versions.items() if version},
        "recipe": config["recipe"],
        "stages": ", ".join(steps),
        "photos": f"{len(photos):,} in {config['photos']}",
        "edits": "; ".join(f"{edit.name}: {_asked(edit)}" for edit in edits(config)),
    }
    text = yaml.safe_dump(config, allow_unicode=True, width=100)
    return Facts(run, _models(config, zoo, steps), text)


def _asked(edit: Edit) -> str:
    """What an edit asks for, in short."""
    if edit.said:
        return ", then ".join(f"{text['text']!r} ({text['method']})" for text in edit.texts)
    return edit.translation or ", ".join(f"{name} {degree:g}" for name, degree in edit.moves)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _models(config: Config, zoo: Zoo, steps: Mapping[str, Step]) -> list[Model]:
    """The networks that the stages use, each once."""
    listed = edits(config)
    # Edits along directions all use the same networks; those of texts may be others.
    first = [edit.name for edit in listed if not edit.said][:1]
    names = tuple(first + [edit.name for edit in listed if edit.said])
    found: dict[str, Model] = {}
    for step in steps.values():
        for of in step.places(names):
            job = job_from_config(config, step.stage, of, zoo)
            for role in step.roles(job.settings):
                if role not in found:
                    found[role] = _model(zoo, role, job.weights[role])
    return list(found.values())


def _model(zoo: Zoo, role: str, sha256: str) -> Model:
    from unripple.stages.report import Model

    if role == MTCNN:
        return Model(role, "mtcnn", "finds faces and five landmarks", "MIT", sha256)
    choice = zoo.choice(role)
    if choice == EMBEDDED:
        return Model(role, choice, _card(role), "Apache-2.0, trained on rendered faces", sha256)
    if not zoo.is_published(role):
        return Model(role, choice, "a file of yours", "unknown to unripple", sha256)
    entry = published_index().entry(choice)
    allowed = {True: "", False: " Not for commercial use.", None: " Commercial use unclear."}
    return Model(role, choice, entry.what, entry.licence + allowed[entry.commercial], sha256)


def _card(role: str) -> str:
    """The first paragraph of an embedded network's card, "" without one."""
    path = embedded_folder() / "models" / f"{role}.md"
    if not path.exists():
        return ""
    paragraphs = [text.strip() for text in path.read_text("utf-8").split("\n\n")]
    return next((text for text in paragraphs if text and not text.startswith(("#", "|"))), "")
