"""A photo that is open on the page, and what an edit made of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.conventions import Floats, Landmarks, Photo, WPlus
from unripple.io.artifact import Artifact
from unripple.io.config import Edit
from unripple.io.results import PHOTO
from unripple.ops.geometry import apply
from unripple.pipeline.graph import find_step
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.runtime.shared import Shared
from unripple.runtime.threads import one_thread
from unripple.runtime.work import Work
from unripple.webui import views
from unripple.webui.edit_request import NAME, EditRequest
from unripple.webui.preview import Sketch, sketch_of
from unripple.webui.reading import Mapped
from unripple.zoo.zoo import Zoo, directions_path

if TYPE_CHECKING:
    from unripple.webui.pixel_preview import PixelSketch

_AROUND = 0.9
"""Of the size of the five points: how far a face's box goes beyond them."""


class FoundFace(NamedTuple):
    """A face that was found in a photo.

    Attributes:
        landmarks: [5, 2] px of the photo; nan where nobody looked for them.
        box: around it, px of the photo: left, top, width, height.
    """

    landmarks: Landmarks
    box: tuple[float, float, float, float]


def points_of(face: FoundFace) -> list[list[float]]:
    """A face's landmarks as a file has them."""
    points: list[list[float]] = np.asarray(face.landmarks, np.float64).tolist()
    return points


def face_of(aligned: Mapping[str, Any]) -> FoundFace:
    """A face, given what `align` made of it."""
    points: Any = np.asarray(aligned["landmarks"], np.float64)
    around = _AROUND
    if np.isnan(points).any():
        side = aligned["picture"].shape[0]
        corners = np.array([[0.0, 0], [side, 0], [0, side], [side, side]])
        points, around = apply(aligned["transform"], corners), 0.0
    low, high = points.min(0), points.max(0)
    more = around * float((high - low).max())
    (left, top), (right, bottom) = (low - more).tolist(), (high + more).tolist()
    box = (left, top, right - left, bottom - top)
    return FoundFace(aligned["landmarks"], box)


@dataclass(frozen=True)
class Choice:
    """What a user opens, and with what.

    Attributes:
        path: the photo's file.
        name: what the user calls it.
        models, inverter: the models, and how the face is drawn again.
        align: settings of the section `align` that are not the config's.
        face: which of the photo's faces, the largest first.
    """

    path: Path
    name: str
    models: str
    inverter: str
    align: Mapping[str, str] = field(default_factory=dict)
    face: int = 0


@dataclass(frozen=True)
class Opened:
    """A photo with all that does not depend on sliders. Nothing of it changes, so threads share it.

    Attributes:
        choice: what was opened, and with what.
        editor: walks the pipeline's steps.
        zoo: its networks.
        sources: the decoded photo, once for each of its faces.
        faces: all of them, the largest first.
        face: the one that is worked on.
        pages: where its pixels lie.
        artifacts: of the photo's own steps.
        sketch: for previews.
        yaw_deg: where the face looks, or None without a pose network.
    """

    choice: Choice
    editor: Editor
    zoo: Zoo
    sources: tuple[Source, ...]
    faces: tuple[FoundFace, ...]
    face: int
    pages: Mapped
    artifacts: Mapping[str, Artifact]
    sketch: Sketch
    yaw_deg: float | None

    @cached_property
    def pixel_sketch(self) -> PixelSketch:
        """Previews of edits on the photo's own pixels."""
        from unripple.webui.pixel_preview import PixelSketch  # which needs this module

        return PixelSketch(self)

    @property
    def source(self) -> Source:
        return self.sources[self.face]

    @property
    def pixels(self) -> Photo:
        assert self.source.pixels is not None
        return self.source.pixels.pixels

    @property
    def lost(self) -> tuple[str, ...]:
        return self.source.pixels.metadata.lost if self.source.pixels else ()

    def array(self, stage: str, part: str) -> Any:
        return self.artifacts[stage][part]


@dataclass(frozen=True)
class Outcome:
    """An edit at full quality.

    Attributes:
        request: what was asked.
        pages: the full photo with the edit, kept pixels put back, uint8 [H, W, 3].
        kept: whether there were any.
        offset: by how much the codes moved, float32 [L, W].
        figures: name -> value or None.
        warnings: what to know about the degrees.
        pictures: what the page shows, by name.
        changed: share of the crop's pixels that one would see to be others.
        foreign: whether the generator cannot draw the photo.
        told: of an edit that follows texts: what it said and did.
        on_pixels: whether the photo's own pixels were changed, and no codes drawn.
    """

    request: EditRequest
    pages: Mapped
    kept: bool
    offset: WPlus
    figures: Mapping[str, float | None]
    warnings: list[str]
    pictures: Mapping[str, views.Shown]
    changed: float = 0.0
    foreign: bool = False
    told: tuple[str, ...] = ()
    on_pixels: bool = False

    @property
    def picture(self) -> Photo:
        return self.pages.array


def moved_codes(opened: Opened, edit: Edit) -> tuple[WPlus, Floats | None]:
    """The photo's codes moved along an edit's directions, or as its texts ask, and the step of
    their styles, by the stage's own call. What texts have in common with others is kept."""
    editor = opened.editor
    job = job_from_config(editor.config, "translate", NAME, opened.zoo, edit=edit)
    directions = directions_path(job.directions)
    work = Work(
        job.settings,
        {"project": opened.artifacts["project"]},
        opened.zoo,
        directions=directions,
        share=Shared(job, job.settings, job.weights, editor.cache, nullcontext),
    )
    with one_thread():
        moved: Any = find_step("translate").call(work)
    codes: WPlus = moved["w_plus"]
    return codes, moved.get("styles")


def sketched(editor: Editor, zoo: Zoo, artifacts: Mapping[str, Artifact]) -> Sketch:
    """What previews of a photo need, given the artifacts of its own steps."""
    from unripple.stages.inverters.hfgi import consultant_of
    from unripple.stages.ripple import person

    parts: Any = {name: artifacts[name] for name in ("align", "invert")}
    labels: Any = artifacts[f"parse@{PHOTO}"]["labels"]
    nets = None
    if editor.config["invert"]["method"] == "hfgi":
        nets = consultant_of(zoo.load("hfgi"))
    return sketch_of(
        parts["align"]["picture"],
        person(labels),
        parts["invert"].get("residual"),
        zoo.load("generator").net,
        nets,
    )
