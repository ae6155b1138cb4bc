"""The quick drawing while a slider moves: about the edit, at a part of its cost.

What does not depend on the slider (crop, codes, residual, the photo's own person) is taken from the
stages. The generator is cut short at a small side and HFGI's networks look at half of their side
(at all of it where a motion net carries details along, which are all lost at half).
Instead of parsing, depth and painting, the photo shows outside its own person wherever the drawing
has about the photo's colours: a sharp background around a rough face.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from unripple.conventions import Floats, Mask, Photo, WPlus
from unripple.models.hfgi import fuse
from unripple.models.layers.prefix import Prefix
from unripple.ops.composite import blend
from unripple.ops.masks import feather, grow
from unripple.ops.tensors import device_of, resized, to_photo, to_tensor
from unripple.stages.compose import in_tone_of
from unripple.stages.invert import Consultant, codes_of, consult, down, restyled

LARGEST_PX = 256
"""Side at which previews stop."""
_SOFT = 0.03  # of the crop's side: width of the ramp around the photo's person
_LOOK = 0.06  # of the crop's side: patch whose mean colours are compared
_SAME, _OTHER = 10.0, 30.0  # levels: up to here the colours are the photo's, from here another's


@dataclass(frozen=True)
class Sketch:
    """What previews of one photo share.

    Attributes:
        generator: draws codes.
        consultant: HFGI's networks, or None for plain drawing.
        residual: what the codes could not say, [1, 3, s, s], at the side at which previews consult.
        before: the plain picture of the unedited codes, likewise; None where nobody looks at it.
        photo: the crop at the previews' side, uint8 [S, S, 3].
        person: how much of the drawing shows whatever its colours, float32 [S, S].
    """

    generator: Any
    consultant: Consultant | None
    residual: torch.Tensor | None
    before: torch.Tensor | None
    photo: Photo
    person: Floats

    def with_styles(self, styles: Floats | None) -> Sketch:
        """The same, drawn by a generator whose styles are moved, see `stages.invert.restyled`."""
        return self if styles is None else replace(self, generator=restyled(self.generator, styles))

    def draw(self, w_plus: WPlus, *, turn: bool = True, strength: float = 1.0) -> Photo:
        """Draw moved codes, float32 [L, W], over the photo -> uint8 [S, S, 3].

        `turn` and `strength` are as for `stages.edit.edit`.
        """
        side = self.photo.shape[0]
        drawn = to_photo(down(self.networks(w_plus, turn=turn, strength=strength), side))
        patch = (2 * round(_LOOK * side / 2) + 1,) * 2
        apart = cv2.blur(cv2.absdiff(cv2.blur(drawn, patch), cv2.blur(self.photo, patch)), patch)
        other = np.clip((apart.max(axis=2) - _SAME) / (_OTHER - _SAME), 0, 1).astype(np.float32)
        laid_over = blend(self.photo, drawn, np.maximum(self.person, other))
        return in_tone_of(self.photo, laid_over)

    def networks(self, w_plus: WPlus, *, turn: bool = True, strength: float = 1.0) -> torch.Tensor:
        """What the networks give, [1, 3, S, S]: all of a preview that is not bookkeeping."""
        side = min(self.generator.size, LARGEST_PX)
        with torch.inference_mode():
            codes = codes_of(w_plus, self.generator)
            short = _Short(self.generator, side)
            if self.consultant is None or self.residual is None:
                return short.synthesize(codes, noise="stored").float().clamp(-1, 1)
            looked = _Short(self.generator, self.residual.shape[-1])
            prefix = Prefix(self.consultant.inject_after)
            plain = looked.synthesize(codes, noise="stored", prefix=prefix).float().clamp(-1, 1)
            if self.before is not None:
                drawn = consult(
                    codes, plain, self.residual, short, self.consultant,
                    before=self.before, turn=turn, strength=strength, prefix=prefix,
                ).drawn  # fmt: skip
            else:
                inject = self._consulted(plain, self.consultant, self.residual, strength)
                drawn = short.synthesize(codes, noise="stored", inject=inject, prefix=prefix)
            return drawn.float().clamp(-1, 1)

    def _consulted(
        self, plain: torch.Tensor, nets: Consultant, residual: torch.Tensor, strength: float
    ) -> dict[int, Any]:
        aligned = nets.aligner(residual, plain) * strength
        scale, shift = nets.residual_encoder(aligned)

        def consult(features: torch.Tensor) -> torch.Tensor:
            size = features.shape[-2:]
            return fuse(features, _fitted(scale, size), _fitted(shift, size))

        return {nets.inject_after: consult}


@dataclass(frozen=True)
class _Short:
    """A generator that stops early, a `Synthesizer`."""

    generator: Any
    side: int

    def synthesize(self, w_plus: torch.Tensor, **how: Any) -> torch.Tensor:
        drawn: torch.Tensor = self.generator.synthesize(w_plus, resolution=self.side, **how)
        return drawn


def _fitted(condition: torch.Tensor, size: torch.Size) -> torch.Tensor:
    return F.interpolate(condition, size=size, mode="bilinear", align_corners=False)


def sketch_of(
    photo: Photo,
    person: Mask,
    residual: Floats | None,
    generator: Any,
    consultant: Consultant | None,
) -> Sketch:
    """Prepare previews of one photo.

    Args:
        photo: the crop, uint8 [S, S, 3].
        person: where its person is, bool [S, S].
        residual: what `invert` kept, float32 [3, s, s]; None without HFGI.
        generator: as for `invert`.
        consultant: as for `invert`; None without HFGI.
    """
    side = min(photo.shape[0], LARGEST_PX)
    small = resized(photo, side)
    near = resized(np.repeat(person.astype(np.uint8)[..., None] * 255, 3, axis=2), side)
    inside = feather(grow(near[..., 0] >= 128, _SOFT * side), _SOFT * side)
    missing = before = None
    if residual is not None and consultant is not None:
        device = device_of(generator)
        missing = torch.from_numpy(residual.astype(np.float32))[None].to(device)
        if consultant.motion is None:
            missing = F.interpolate(missing, scale_factor=0.5, mode="area")
        else:
            before = to_tensor(resized(photo, missing.shape[-1]), device=device) - missing
    return Sketch(generator, consultant, missing, before, small, inside)
