"""What somebody asked of a photo, in the words of Python, as an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unripple.conventions import UnrippleError
from unripple.io.config import Edit, check_degree
from unripple.io.published_names import edit_of_moves
from unripple.io.text_edits import WORDS, chain_edit, text_edit

EDIT = "edit"


def asked_edit(
    edit: Edit | None,
    text: str | None,
    chain: Sequence[Mapping[str, Any] | str] | None,
    how: Mapping[str, Any],
) -> Edit:
    """The edit of what `Editor.edit` was given.

    Raises:
        BadText, BadConfig: see `io.text_edits` and `check_degree`.
        UnrippleError: two things are asked that exclude each other.
    """
    if text is None and chain is None:
        if edit is None:
            moves = {name: _degree(name, by) for name, by in how.items()}
            return edit_of_moves(EDIT, moves, where="edit: ")
        if how:
            raise UnrippleError(f"edit: {edit.name} says what to do; leave the degrees out")
        return edit
    if text is not None and chain is not None:
        raise UnrippleError("edit: text and chain: give one of the two")
    word = "text" if chain is None else "chain"
    others = sorted(set(how) - set(WORDS if chain is None else ()))
    if edit is not None or others:
        raise UnrippleError(
            f"edit: {word} says what to do; leave edit and degrees out"
            f"{': ' + ', '.join(others) if others else ''}"
        )
    if chain is not None:
        return chain_edit(EDIT, chain, where="edit: ")
    return text_edit(EDIT, {"text": text, **how}, where="edit: ")


def _degree(name: str, by: Any) -> float:
    """How far to go.

    Raises:
        UnrippleError: that is a word about a text.
        BadConfig: see `check_degree`.
    """
    if name in WORDS:
        raise UnrippleError(f"edit: {', '.join(WORDS[1:])} are about a text; give one")
    return check_degree(name, by)
