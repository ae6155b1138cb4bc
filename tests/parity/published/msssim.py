"""MS-SSIM as StyleFeatureEditor (piq) and HyperStyle (jorge-pessoa) measure it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unripple.conventions import Floats
from unripple.metrics.structure import over_channels, per_channel, scale_terms, sfe_ms_ssim
from unripple.ops.resample import resize_bicubic, resize_bilinear

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU  # noqa: TID252
from .made_pictures import pairs

OP = "metrics.ms_ssim"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Values pair by pair, their means, and one call on several pairs. No network, no device."""
    made = pairs(golden.inputs)
    large = [tuple(resize_bicubic(photo, (1024, 1024)) for photo in pair) for pair in made]
    sfe = [sfe_ms_ssim(*pair) for pair in large]
    small = [tuple(centred(resize_bilinear(p, (256, 256))) for p in pair) for pair in made]
    terms = [guessed_terms(other, one) for one, other in small]
    values = np.array([over_channels(term) for term in terms])
    finite = np.isfinite(values)
    unit = [guessed_terms(other / 255.0, one / 255.0) for one, other in made]
    return {
        "picture_a": np.stack([one for one, _ in made]),
        "picture_b": np.stack([other for _, other in made]),
        "sfe": np.array(sfe),
        "sfe_mean": np.mean(sfe),
        "hyperstyle": np.where(finite, values, 0),
        "hyperstyle_finite": finite.astype(float),
        "hyperstyle_mean": values[finite].mean(),
        "hyperstyle_batch": over_channels(np.mean([terms[i] for i in np.flatnonzero(finite)], 0)),
        "raw_unit_range": np.array([over_channels(unit[i]) for i in np.flatnonzero(finite)]),
        "piq_native": np.array([
            per_channel(scale_terms(one / 255.0, other / 255.0, peak=1.0, pad_odd=True))
            for one, other in made
        ]),
    }  # fmt: skip


def centred(photo: Floats) -> Floats:
    scaled: Floats = photo.astype(np.float64) / 127.5 - 1
    return scaled


def guessed_terms(result: Floats, original: Floats) -> Floats:
    """With the peak that the published code guesses from the result (ours does not)."""
    highest = 255 if result.max() > 128 else 1
    lowest = -1 if result.min() < -0.5 else 0
    return scale_terms(result, original, peak=highest - lowest)
