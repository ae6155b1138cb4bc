"""What the controls of the page say, and what they could not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unripple.conventions import UnrippleError
from unripple.io.config import Edit, check_degree

NAME = "edit"
"""What an edit is called before it goes to a batch."""


@dataclass(frozen=True)
class EditRequest:
    """What the controls say.

    Attributes:
        moves: direction -> degree.
        translation: a named translation on top, set/name, or "".
    """

    moves: Mapping[str, float] = field(default_factory=dict)
    translation: str = ""

    def __bool__(self) -> bool:
        return bool(self.moves or self.translation)

    def edit(self, name: str = NAME) -> Edit:
        """As an edit of the pipeline, but for the translation."""
        return Edit(name, tuple(sorted(self.moves.items())))

    @staticmethod
    def from_json(content: Any) -> EditRequest:
        """Check what a page sent.

        Raises:
            UnrippleError: it is nothing that controls could say.
        """
        try:
            moves = {str(name): degree for name, degree in content["moves"].items()}
            translation = content.get("translation", "")
        except (KeyError, TypeError, AttributeError) as error:
            raise UnrippleError(f"wanted {{moves: {{direction: degree}}}}: {error}") from error
        if not isinstance(translation, str):
            raise UnrippleError("translation: wanted a name")
        return EditRequest(
            {name: check_degree(name, by) for name, by in moves.items()}, translation
        )
