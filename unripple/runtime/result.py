"""What an editor gives: the picture, and what is told of it and of directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from unripple.conventions import Photo, WPlus
from unripple.io.artifact import Artifact
from unripple.io.metadata import NOTHING, Metadata
from unripple.io.outputs import check_output
from unripple.io.photo import write_photo
from unripple.pipeline.graph import DECLARED, any_step
from unripple.runtime.joint import join_faces
from unripple.runtime.view import as_picture, side_by_side
from unripple.stages.interface import EXTERNAL

LAST_STEP = "paste"


def external_settings(settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Settings of an editor that repairs other programs' edits; see `Editor.repair`.

    Args:
        settings: sections of a config, as for `Editor`.
    """
    given = dict(settings or {})
    compose = {**given.get("compose", {}), "method": "kept"}
    return {**given, "recipe": EXTERNAL, "edits": [], "compose": compose}


def joined(faces: Sequence[Mapping[str, Artifact]]) -> Photo:
    """The full photo with every face edited, given the artifacts of each."""
    whole: Mapping[str, Any] = faces[0][LAST_STEP]
    if len(faces) > 1:
        loads = [partial(face.__getitem__, LAST_STEP) for face in faces]
        whole = join_faces([face["align"] for face in faces], loads)
    return whole["picture"]


class RunOptions(TypedDict, total=False):
    """What a run of `Editor.run` may be given beside photo, last stage and edit.

    Attributes:
        characteristics: of the face, see `Editor.edit`.
        offset: how far to move the codes beyond the edit's directions, float32 [L, W].
        before_step: called before every step; what it raises ends the run.
        face: which one, where `align.faces` asks for all; 0 is the largest.
    """

    characteristics: str
    offset: WPlus | None
    before_step: Callable[[], None]
    face: int


@dataclass(frozen=True)
class Result:
    """What an edit gave.

    Attributes:
        picture: the full photo with the edit in it, uint8 [H, W, 3].
        artifacts: the parts of every stage, by stage word; for parse and depth those of the edit,
            and those of the photo by `parse@photo`, `depth@photo`.
            With several faces those of the largest one.
        warnings: what to know about the degrees asked and about this photo, and what of its file
            is lost.
        metadata: what the photo's file says beside its pixels, written with the picture.
        marked: whether `save` marks the picture as altered by a trained algorithm.
        source: the photo's file, which `save` does not write over unless it is told to.
    """

    picture: Photo
    artifacts: Mapping[str, Artifact]
    warnings: list[str] = field(default_factory=list)
    metadata: Metadata = NOTHING
    marked: bool = True
    source: Path | None = None
    faces: Sequence[Mapping[str, Artifact]] = ()
    """The artifacts of every face, the largest first; `picture` shows all of them edited."""

    def stage(self, name: str) -> Photo:
        """What one stage made, as a picture for people.

        Raises:
            UnknownName: no such stage, or nothing to look at.
        """
        step = any_step(name.partition("@")[0])
        return as_picture(step.shows, self.artifacts[name][step.shows])

    @property
    def strip(self) -> Photo:
        """The stages side by side, from the crop to the composed crop."""
        shown = [name for name in self.artifacts if name in DECLARED and DECLARED[name].in_strip]
        return side_by_side([self.stage(name) for name in shown])

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the picture as png, jpg or webp, by the name's ending.

        Args:
            path: the file.
            overwrite: also if it is the photo itself, of which nothing is left then.

        Raises:
            UnrippleError: another ending, the photo itself, or the disk is full.
        """
        check_output(Path(path), {"photo": self.source}, overwrite=overwrite, switch="save:")
        write_photo(Path(path), self.picture, self.metadata.of_result(marked=self.marked))


class Available(NamedTuple):
    """What is known of a direction, for people.

    Attributes:
        name: as `Editor.edit` takes it.
        family: how one goes along it, a module of `stages.families`.
        usable: degrees between which pictures stay sound; None if nobody measured it.
        degree: what a degree is.
        effect: what changes; of published ones, what a positive degree does.
    """

    name: str
    family: str
    usable: tuple[float, float] | None
    degree: str
    effect: str
