"""Other programs' edits on the page: a photo, what became of it elsewhere, the repaired picture."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from unripple.conventions import Photo, UnrippleError
from unripple.io.config import complete
from unripple.io.metadata import NOTHING
from unripple.io.photo import encode_png
from unripple.runtime.cache import MemoryCache
from unripple.runtime.editor import Editor
from unripple.runtime.result import external_settings
from unripple.stages.composers.kept import EVERYTHING, PARTS, PERSON
from unripple.webui import views
from unripple.webui.app_state import AppState
from unripple.webui.reading import Decoded
from unripple.webui.session import Session

SLOTS = ("photo", "edited")
KEEPS = (PERSON, EVERYTHING)


class Given(NamedTuple):
    """A picture that somebody sent: what it is called, and its pixels."""

    name: str
    decoded: Decoded

    def facts(self) -> dict[str, Any]:
        """What the page must know of it."""
        height, width = self.decoded.photo.srgb.shape[:2]
        return {"name": self.name, "width": width, "height": height}


class Repaired(NamedTuple):
    """A repaired picture.

    Attributes:
        pictures: what the page shows of it.
        file: the whole result, as a PNG.
        figures: as it came (`..._of_edit`) and as repaired, None is undefined.
        warnings: what to know about it.
    """

    pictures: Mapping[str, views.Shown]
    file: bytes
    figures: Mapping[str, float | None]
    warnings: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """What the page must know of it."""
        return {
            "pictures": list(self.pictures),
            "figures": dict(self.figures),
            "warnings": list(self.warnings),
        }


@dataclass
class Desk:
    """One user's pair.

    Attributes:
        given: by slot, what was sent.
        repaired: what came of the pair; None before.
    """

    given: dict[str, Given]
    repaired: Repaired | None = None


class Desks:
    """The pairs of all sessions; they go when their session does.

    Args:
        state: what all sessions share.
    """

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._desks: weakref.WeakKeyDictionary[Session, Desk] = weakref.WeakKeyDictionary()

    def of(self, session: Session) -> Desk:
        """A session's own."""
        return self._desks.setdefault(session, Desk({}))

    def put(self, session: Session, slot: str, given: Given) -> None:
        """Lay a picture down; what came of the pair before is gone."""
        desk = self.of(session)
        desk.given[slot], desk.repaired = given, None

    def repair(
        self, session: Session, keep: str | list[str], check: Callable[[], None] = lambda: None
    ) -> Repaired:
        """Repair the pair: the photo that was sent, or else the one that is open.

        Args:
            session: whose pair.
            keep: what may stay, see `stages.composers.kept`.
            check: called between pictures; what it raises ends the work.

        Raises:
            UnrippleError: one of both is missing, or they are no pair.
        """
        desk = self.of(session)
        photo, edited = self._photo(session, desk), desk.given.get("edited")
        if photo is None or edited is None:
            lacking = "photo" if photo is None else "picture that the other program made of it"
            raise UnrippleError(f"a pair wants two pictures; choose the {lacking} as well")
        editor = self._editor(keep)
        # By its name messages and marked landmarks know it; its pixels are at hand.
        source = editor.open(session.folder / photo.name, pixels=photo.decoded.photo)
        result = editor.repair(source, edited.decoded.photo.srgb)
        check()
        figures = editor.score(source, edited.decoded.photo.srgb)
        before = photo.decoded.photo.srgb
        given: Photo = result.artifacts["register"]["given"]  # type: ignore[assignment]
        crop: Photo = result.artifacts["align"]["picture"]  # type: ignore[assignment]
        composed: Photo = result.artifacts["compose"]["picture"]  # type: ignore[assignment]
        pictures = {
            "photo": views.shown(crop),
            "edited": views.shown(given),
            "edited_difference": views.shown(views.difference(crop, given)),
            "result": views.shown(composed),
            "result_difference": views.shown(views.difference(crop, composed)),
            "whole_result": views.whole(result.picture),
            "whole_difference": views.whole(views.difference(before, result.picture)),
        }
        said = (photo.decoded.photo.metadata or NOTHING).of_result(marked=result.marked)
        file = encode_png(result.picture, said)
        desk.repaired = Repaired(pictures, file, figures, result.warnings)
        return desk.repaired

    def _photo(self, session: Session, desk: Desk) -> Given | None:
        if "photo" in desk.given:
            return desk.given["photo"]
        opened = session.opened
        if opened is None or opened.source.pixels is None:
            return None
        return Given(opened.choice.name, Decoded(opened.source.pixels, opened.pages))

    def _editor(self, keep: str | list[str]) -> Editor:
        config = self._state.config
        compose = {**config["compose"], "kept": {**config["compose"]["kept"], "keep": keep}}
        models = self._state.models[0]
        settings = complete(external_settings({**config, "compose": compose}))
        return Editor(settings=settings, cache=MemoryCache(), zoo=self._state.zoo(models))


def keep_of(content: Mapping[str, Any]) -> str | list[str]:
    """What a request lets stay of an edit.

    Raises:
        UnrippleError: it is none of what there is.
    """
    keep = content.get("keep", PERSON)
    if isinstance(keep, str) and keep in KEEPS:
        return keep
    if isinstance(keep, list):
        parts = [part for part in PARTS if part in keep]
        if parts and len(parts) == len(keep):
            return parts
    raise UnrippleError(
        f"keep: wanted {' or '.join(KEEPS)}, or a list of parts: {', '.join(PARTS)}"
    )
