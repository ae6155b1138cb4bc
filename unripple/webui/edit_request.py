"""What the controls of the page say, and what they could not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unripple.conventions import UnrippleError
from unripple.io.config import Edit, check_degree

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
    """

    moves: Mapping[str, float] = field(default_factory=dict)
    translation: str = ""
    face: int = 0
    others: Mapping[int, EditRequest] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.asks or bool(self.others)

    @property
    def asks(self) -> bool:
        """Whether anything is asked of the face itself."""
        return bool(self.moves or self.translation)

    def edit(self, name: str = NAME) -> Edit:
        """As an edit of the pipeline, but for the translation."""
        return Edit(name, tuple(sorted(self.moves.items())))

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
        return EditRequest(
            {name: check_degree(name, by) for name, by in moves.items()},
            translation,
            _face(content.get("face", 0)),
            {_face(face): EditRequest.from_json(one) for face, one in others.items()},
        )


def _face(given: Any) -> int:
    """The number of a face.

    Raises:
        UnrippleError: it is none.
    """
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) < MOST_FACES):
        raise UnrippleError(f"face: wanted a number from 0 to {MOST_FACES - 1}")
    return int(text)
