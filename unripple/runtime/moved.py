"""Codes in a cache moved by an offset beyond an edit's directions, as by the page's sliders."""

from __future__ import annotations

from typing import Any

import numpy as np

from unripple.conventions import ShapeMismatch, WPlus
from unripple.io.digest import array_sha256, value_sha256
from unripple.io.metadata import NOTHING
from unripple.runtime.cache import ArtifactCache


def moved(cache: ArtifactCache, key: str, offset: WPlus) -> str:
    """Move an artifact of stage `translate`, and keep it; its key.

    Args:
        cache: where it is.
        key: of the codes.
        offset: float32 [L, W].

    Raises:
        ShapeMismatch: the offset is of another generator.
    """
    made_from = {"stage": "translate", "codes": key, "offset": array_sha256(offset)}
    own = value_sha256(made_from)
    if cache.has(own):
        return own
    artifact = cache.get(key)
    codes: Any = artifact["w_plus"]
    if codes.shape != offset.shape:
        raise ShapeMismatch(
            f"the translation is {list(offset.shape)}, this generator's codes are "
            f"{list(codes.shape)}: it belongs to another model set"
        )
    both = {
        name: np.asarray(artifact[name]) + offset
        for name in ("w_plus", "guide")
        if name in artifact
    }
    cache.put(own, {**artifact, **both, "about": {"turn": False}}, made_from, NOTHING)
    return own
