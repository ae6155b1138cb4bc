"""How published files of text edits are laid out: tables of style space, and mappers."""

# ruff: noqa: ARG001 (every layout is called alike)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from unripple.models.mapper import published_vectors, sizes_from_state
from unripple.zoo.flax import array_of
from unripple.zoo.index import Entry
from unripple.zoo.layouts import Misplaced, State, States

EMBEDDING, CLIP, NONE = "embedding", "clip", "none"
"""Whose a mapper's vectors are: words of `vectors` in the list."""


def _relevance(content: Any, entry: Entry) -> States:
    """fs3: a row per channel of the styles that were looked at, [rows, D]."""
    if not isinstance(content, Tensor) or content.ndim != 2:
        raise Misplaced("looked for one array [channels, D]")
    return {"relevance": {"relevance": content.detach()}}


def _style_spread(content: Any, entry: Entry) -> States:
    """S_mean_std: means and deviations of every style's channels, a list of arrays each."""
    if not isinstance(content, list | tuple) or len(content) != 2:
        raise Misplaced("looked for two lists, of means and of deviations")
    mean, deviation = (_joined(part) for part in content)
    if mean.shape != deviation.shape:
        raise Misplaced(f"{len(mean)} means and {len(deviation)} deviations")
    return {"style_spread": {"mean": mean, "deviation": deviation}}


def _joined(arrays: Any) -> Tensor:
    if not isinstance(arrays, list | tuple) or not arrays:
        raise Misplaced("looked for a list of arrays, one per style")
    try:
        return torch.cat([_row(array) for array in arrays])
    except (ValueError, TypeError) as error:
        raise Misplaced(f"looked for arrays of float32, one per style ({error})") from error


def _row(array: Any) -> Tensor:
    """An array [C] or [1, C]."""
    try:
        return array_of(array, axes=1)
    except ValueError:
        found = array_of(array, axes=2)
        if len(found) != 1:
            raise
        return found[0]


def _mapper(content: Any, entry: Entry) -> States:
    """A mapper: its own weights out of a training that holds the whole generator, too.

    The vectors of the texts that it knows by number were never stored, and are made again.
    """
    state = mapper_state(content)
    about = entry.metadata.get("mapper", {})
    return {"mapper": with_vectors(state, about.get("vectors", NONE), about.get("texts", {}))}


def mapper_state(content: Any) -> State:
    """The mapper's weights in a published training.

    Raises:
        Misplaced: it holds none.
    """
    inner = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(inner, Mapping):
        raise Misplaced("looked for an entry 'state_dict'")
    prefix = "mapper."
    state = {
        str(key).removeprefix(prefix): value.detach()
        for key, value in inner.items()
        if str(key).startswith(prefix) and isinstance(value, Tensor)
    }
    if not state:
        raise Misplaced("looked for weights 'mapper.*', found none")
    return state


def with_vectors(state: State, vectors: str, texts: Mapping[str, str]) -> State:
    """A mapper's weights with the vectors of its texts, where those are its own.

    Args:
        state: the weights.
        vectors: `EMBEDDING`, `CLIP`, or `NONE` for a mapper of one text.
        texts: name -> text, in the order of their numbers.

    Raises:
        Misplaced: the weights are those of another kind.
    """
    takes = takes_text(state)
    if takes != (vectors != NONE):
        told = "takes a text" if takes else "takes no text"
        raise Misplaced(f"the mapper {told}, by the shapes of its weights; wanted {vectors}")
    if vectors != EMBEDDING:
        return state
    width = text_width(state)
    return {**state, "text_vectors": published_vectors(len(texts), width)}


def takes_text(state: Mapping[str, Tensor]) -> bool:
    """Whether a mapper's weights are those of one that is told a text: it has more layers."""
    try:
        widths: Sequence[int] | Mapping[int, int] = sizes_from_state(state)["widths"]
    except (KeyError, IndexError) as error:
        raise Misplaced(f"its mapper has other layers than any published one ({error})") from error
    return not isinstance(widths, Mapping) and (len(widths) > 5 or widths[0] > widths[-1])


def text_width(state: Mapping[str, Tensor]) -> int:
    """How many numbers a text has for such a mapper."""
    widths = sizes_from_state(state)["widths"]
    beside = int(widths[0] - widths[-1])
    return beside or int(widths[-1])


TEXT_LAYOUTS: Mapping[str, Callable[[Any, Entry], States]] = {
    "relevance": _relevance,
    "style_spread": _style_spread,
    "mapper": _mapper,
}
"""See `layouts.LAYOUTS`."""
