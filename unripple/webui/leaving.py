"""What an edit leaves behind: a picture's file, a named translation's, a pair of the batch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from unripple.conventions import UnrippleError
from unripple.io.config import Config, Edit, library
from unripple.io.metadata import NOTHING, Metadata
from unripple.io.photo import encode_jpeg, encode_png, encode_webp
from unripple.webui.app_state import AppState
from unripple.webui.batch_marks import Marked
from unripple.webui.edit_request import EditRequest
from unripple.webui.opened import Opened, Outcome

TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
ENDINGS = {"png": "png", "jpeg": "jpg", "webp": "webp"}


class Wanted(NamedTuple):
    """How a picture shall be saved.

    Attributes:
        kind: a word of `TYPES`.
        quality: of a JPEG, 1 to 100.
        metadata: whether it goes on saying what the photo's file says beside its colours.
    """

    kind: str = "png"
    quality: int = 95
    metadata: bool = True

    @staticmethod
    def from_query(said: dict[str, str]) -> Wanted:
        """What an address says.

        Raises:
            UnrippleError: it is nothing that can be saved.
        """
        kind, quality = said.get("format", "png"), said.get("quality", "95")
        if kind not in TYPES:
            raise UnrippleError(f"format {kind[:40]!r}: wanted one of {', '.join(TYPES)}")
        if not (quality.isascii() and quality.isdigit() and 1 <= int(quality[:4]) <= 100):
            raise UnrippleError("quality: wanted a whole number from 1 to 100")
        return Wanted(kind, int(quality), said.get("metadata", "1") != "0")


def result_file(opened: Opened, outcome: Outcome, wanted: Wanted) -> bytes:
    """The result as a file; as PNG with all metadata it is the workflow's, byte for byte."""
    said = opened.source.pixels.metadata if opened.source.pixels else NOTHING
    if not wanted.metadata:  # but colours would be others without their name
        said = Metadata(icc_profile=said.profile_for_png(), png_colours=said.png_colours)
    said = said.of_result(marked=opened.editor.config["digital_source_type"])
    if wanted.kind == "jpeg":
        return encode_jpeg(outcome.picture, said, quality=wanted.quality)
    return (encode_png if wanted.kind == "png" else encode_webp)(outcome.picture, said)


def marked_photo(opened: Opened, mask: Path | None) -> Marked:
    """The open photo, its chosen or marked face, and what is kept of it."""
    return Marked(opened.choice.path, opened.choice.name, opened.source.points, mask)


def edit_of_pipeline(state: AppState, request: EditRequest, name: str, config: Config) -> Edit:
    """What gives the same bytes there: sliders, or a translation as every photo is offered it.

    Raises:
        UnrippleError: there is no such edit.
    """
    if any(one.asks for one in request.others.values()):
        raise UnrippleError(
            "several faces of this photo are edited, each in its own way, and an edit of a batch "
            "is about one; undo those of the other faces, or save the image instead"
        )
    if not request.translation:
        return request.edit(name)
    if request.moves:
        raise UnrippleError(
            "an edit of a batch is sliders or a translation; save the translation, which then "
            "holds both, and choose it with all sliders at rest"
        )
    chosen = state.all_translations()[request.translation]
    base = chosen.stem
    offered = library(config).choose(base, None)
    if offered.resolve() != chosen.resolve():
        raise UnrippleError(
            f"the pipeline takes {offered} for {base}, which comes before {chosen}; choose it, "
            "or call one of them otherwise"
        )
    return Edit(name, (), base)
