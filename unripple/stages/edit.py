"""edit: draw the translated codes, ripples and all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from unripple.conventions import Floats, Photo, ShapeMismatch, WPlus
from unripple.ops.tensors import resized, to_photo, to_tensor
from unripple.stages.invert import Consultant, Synthesizer, codes_of, consult, down, draw


class Edited(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: with the photo's details, uint8 [S, S, 3].
        plain: the codes alone, likewise.
        motion: where the picture's points lie in the photo, as offsets x and y in sides of the
            picture, and how far they are seen there, from 0 to 1, float16 [3, s, s]; None without a
            motion net.
    """

    picture: Photo
    plain: Photo
    motion: Floats | None = None


def edit_plainly(w_plus: WPlus, generator: Synthesizer, *, size_px: int) -> Photo:
    """Draw edited codes as e4e does: no ghost, but no detail of the photo either.

    Args:
        w_plus: translated codes, float32 [L, W].
        generator: draws at `size_px` or larger.
        size_px: side of the picture.

    Returns:
        uint8 [S, S, 3].
    """
    with torch.inference_mode():
        return to_photo(draw(codes_of(w_plus, generator), generator, size_px=size_px))


def edit(
    photo: Photo,
    w_plus: WPlus,
    residual: Floats,
    generator: Synthesizer,
    consultant: Consultant,
    *,
    size_px: int,
    turn: bool = True,
    strength: float = 1.0,
) -> Edited:
    """Draw edited codes with the details of the unedited photo, as HFGI does.

    The residual is the one of the photo; the aligner (and the motion net, if there is one) moves it
    onto the edited picture. What they leave behind is the ripple: the old outline, drawn into the
    new background.

    Args:
        photo: the unedited picture, uint8 [S, S, 3].
        w_plus: translated codes, float32 [L, W].
        residual: what `invert` kept, float32 [3, s, s].
        generator: as for `invert`.
        consultant: as for `invert`.
        size_px: side S of the pictures.
        turn: whether the edit turns the head and nothing else; a motion net trusts it more then.
        strength: factor on the aligned residual, 1 as published.

    Raises:
        ShapeMismatch: the residual is not [3, s, s].

    Source: `scripts/inference.py` of Tengfei-Wang/HFGI; its other script feeds the aligner with the
    unedited picture instead.
    """
    if residual.ndim != 3 or residual.shape[0] != 3 or residual.shape[1] != residual.shape[2]:
        raise ShapeMismatch(f"a residual is [3, S, S], got {list(residual.shape)}")
    with torch.inference_mode():
        codes = codes_of(w_plus, generator)
        plain = generator.synthesize(codes, noise="stored").float().clamp(-1, 1)
        missing = torch.from_numpy(residual.astype(np.float32))[None].to(codes.device)
        looked = down(plain, residual.shape[-1])
        before = to_tensor(resized(photo, residual.shape[-1]), device=codes.device) - missing
        drawn, motion = consult(
            codes,
            looked,
            missing,
            generator,
            consultant,
            before=before,
            turn=turn,
            strength=strength,
        )
        told = None
        if motion is not None:
            shares = torch.cat((motion.offsets / 2, motion.seen * min(strength, 1.0)), dim=1)
            told = shares[0].float().cpu().numpy().astype(np.float16)
        return Edited(to_photo(down(drawn, size_px)), to_photo(down(plain, size_px)), told)
