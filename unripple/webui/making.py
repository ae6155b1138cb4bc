"""An edit at full quality: what the pipeline makes of every face that the page asks to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from unripple.conventions import UnrippleError, WPlus
from unripple.io.artifact import Artifact
from unripple.io.config import Edit
from unripple.metrics.verdict import changed_share
from unripple.runtime.advice import foreign_advice, made_on_pixels
from unripple.runtime.editor import Editor
from unripple.runtime.result import joined
from unripple.runtime.texts import told_of
from unripple.webui import views
from unripple.webui.app_state import AppState
from unripple.webui.edit_request import EditRequest
from unripple.webui.opened import Opened, Outcome
from unripple.webui.reading import mapped
from unripple.webui.translations import read_translation

_STILL = np.zeros((0, 0), np.float32)
"""The offset of an edit that is about other faces than the one that is looked at."""


def outcome_of(
    state: AppState,
    opened: Opened,
    editor: Editor,
    request: EditRequest,
    check: Callable[[], None] = lambda: None,
) -> Outcome:
    """Edit all faces that a request is about, and put them into one picture.

    Args:
        state: where translations and temporary files are.
        opened: the photo.
        editor: as it was opened with, or one that keeps what a mask says.
        request: at least one face of it asks for something.
        check: called between steps; what it raises ends the edit.

    Raises:
        UnrippleError: there is no such face, or it cannot be edited.
    """
    asked = request.by_face()
    if max(asked) >= len(opened.faces):
        raise UnrippleError(f"this photo has {len(opened.faces)} faces; there is no such one")
    made = {face: _made_of(state, opened, editor, asked[face], face, check) for face in asked}
    picture = joined(list(made.values()))
    mine = made.get(opened.face)
    outcome = Outcome(
        request=request,
        pages=mapped(picture, state.root),
        kept=editor is not opened.editor,
        offset=_STILL,
        figures={},
        warnings=[*opened.lost],
        pictures=views.of_others(opened.artifacts["align"], opened.pixels, picture),
    )
    return outcome if mine is None else _with_face(outcome, opened, editor, mine)


def _with_face(
    outcome: Outcome, opened: Opened, editor: Editor, made: Mapping[str, Artifact]
) -> Outcome:
    """What there is to tell and to show of the face that is looked at."""
    parts: Any = made
    edit = outcome.request.edit()
    crop, composed = parts["align"]["picture"], parts["compose"]["picture"]
    return Outcome(
        request=outcome.request,
        pages=outcome.pages,
        kept=outcome.kept,
        offset=parts["translate"]["w_plus"] - opened.array("project", "w_plus"),
        told=tuple(_told(edit, parts)),
        figures=views.figures(made, opened.zoo, opened.yaw_deg),
        warnings=[*editor.warnings(edit, made), *outcome.warnings],
        pictures=views.of_edit(made, opened.pixels, outcome.picture),
        changed=changed_share(crop, composed),
        foreign=foreign_advice(made, embedded=False) is not None,
        on_pixels=made_on_pixels(made),
    )


def _told(edit: Edit, parts: Any) -> list[str]:
    """What an edit that follows texts said and did, a sentence each."""
    if not edit.said:
        return []
    measured = parts["measure"]
    figures = {name: value for name, value in measured["figures"].items() if value is not None}
    judged = measured.get("attributes") or {}
    return told_of(edit.texts, parts["translate"]["about"], judged, figures)


def _made_of(
    state: AppState,
    opened: Opened,
    editor: Editor,
    request: EditRequest,
    face: int,
    check: Callable[[], None],
) -> dict[str, Artifact]:
    """The artifacts of an edit of one face."""
    offset = offset_of(state, request, opened.array("project", "w_plus"))
    source = opened.sources[face]
    return editor.run(source, "measure", request.edit(), offset=offset, before_step=check)


def offset_of(state: AppState, request: EditRequest, w_plus: WPlus) -> WPlus | None:
    """By how much a request's translation moves codes, float32 [L, W]; None without one.

    Raises:
        UnrippleError: there is no such translation, or it was made for other models.
    """
    if not request.translation:
        return None
    offset = read_translation(request.translation, state.all_translations())
    if offset.shape != w_plus.shape:
        raise UnrippleError(
            f"{request.translation} holds {list(offset.shape)} numbers, these models want "
            f"{list(w_plus.shape)}: it was made for others"
        )
    return offset
