"""What the controls of the page say, and what they could not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from unripple.conventions import UnrippleError
from unripple.io.config import Edit, check_degree
from unripple.io.text_edits import chain_edit

NAME = "edit"
"""What an edit is called before it goes to a batch."""
MOST_FACES = 64


@dataclass(frozen=True)
class EditRequest:
    """What the controls say.

    Attributes:
        moves: direction -> degree.
        translation: a named translation on top, set/name, or "".
        face: which of the photo's faces this is about; 0 is the largest.
        others: what is asked of other faces of the photo, by number.
        said: the texts that are followed, one after the other, see `Edit.said`.
    """

    moves: Mapping[str, float] = field(default_factory=dict)
    translation: str = ""
    face: int = 0
    others: Mapping[int, EditRequest] = field(default_factory=dict)
    said: tuple[tuple[tuple[str, Any], ...], ...] = ()

    def __bool__(self) -> bool:
        return self.asks or bool(self.others)

    @property
    def asks(self) -> bool:
        """Whether anything is asked of the face itself."""
        return bool(self.moves or self.translation or self.said)

    def edit(self, name: str = NAME) -> Edit:
        """As an edit of the pipeline, but for the translation."""
        return Edit(name, tuple(sorted(self.moves.items())), said=self.said)

    def quick(self) -> Edit:
        """The same without what takes minutes: texts that are optimised."""
        swift = tuple(words for words in self.said if dict(words)["method"] != "optimise")
        return replace(self.edit(), said=swift)

    def by_face(self) -> dict[int, EditRequest]:
        """All faces of which anything is asked."""
        every = {**self.others, self.face: self}
        return {face: one for face, one in sorted(every.items()) if one.asks}

    @staticmethod
    def from_json(content: Any) -> EditRequest:
        """Check what a page sent.

        Raises:
            UnrippleError: it is nothing that controls could say.
        """
        try:
            moves = {str(name): degree for name, degree in content["moves"].items()}
            translation = content.get("translation", "")
            others = dict(content.get("others", {}).items())
        except (KeyError, TypeError, AttributeError) as error:
            raise UnrippleError(f"wanted {{moves: {{direction: degree}}}}: {error}") from error
        if not isinstance(translation, str):
            raise UnrippleError("translation: wanted a name")
        if any("others" in one for one in others.values() if isinstance(one, dict)):
            raise UnrippleError("others: wanted an edit for each face")
        said = _said(content.get("texts", []))
        if said and (moves or translation):
            raise UnrippleError(
                "an edit follows texts, or has sliders and a translation; reset one of the two"
            )
        return EditRequest(
            {name: check_degree(name, by) for name, by in moves.items()},
            translation,
            _face(content.get("face", 0)),
            {_face(face): EditRequest.from_json(one) for face, one in others.items()},
            said,
        )


def _said(texts: Any) -> tuple[tuple[tuple[str, Any], ...], ...]:
    """Texts as an edit has them.

    Raises:
        UnrippleError: see `io.text_edits.chain_edit`; or they name a file.
    """
    if not isinstance(texts, list):
        raise UnrippleError("texts: wanted a list")
    if any(isinstance(text, dict) and _names_a_file(text.get("mapper", "")) for text in texts):
        raise UnrippleError("texts: mapper: wanted the name of a mapper, not a file")
    return chain_edit(NAME, texts, where="").said if texts else ()


def _names_a_file(mapper: Any) -> bool:
    return not isinstance(mapper, str) or "/" in mapper or "\\" in mapper or "." in mapper


def _face(given: Any) -> int:
    """The number of a face.

    Raises:
        UnrippleError: it is none.
    """
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) < MOST_FACES):
        raise UnrippleError(f"face: wanted a number from 0 to {MOST_FACES - 1}")
    return int(text)
