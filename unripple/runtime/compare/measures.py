"""The metrics of `compare`: which there are, by which definition, and what each needs.

A metric is a row of `MEASURES`; command, Python, files and messages read it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from unripple.conventions import Floats, Photo, ShapeMismatch
from unripple.metrics import fidelity
from unripple.metrics.features import frechet_distance, id_vit_distance, kernel_distance
from unripple.metrics.structure import hyperstyle_ms_ssim, sfe_ms_ssim
from unripple.ops.resample import resize_bicubic, resize_bilinear
from unripple.zoo.zoo import MTCNN, Zoo

SFE, HYPERSTYLE = "sfe", "hyperstyle"
DEFINITIONS = (SFE, HYPERSTYLE)
"""StyleFeatureEditor's and HyperStyle's; they disagree on `msssim` alone."""

SMALL_PX, LARGE_PX = 256, 1024


class Picture:
    """A picture at the sizes that metrics look at, each made once.

    Args:
        own: at its own size, uint8 [H, W, 3].
    """

    def __init__(self, own: Photo) -> None:
        self.own = own

    @cached_property
    def small(self) -> Photo:
        """256 px, bilinear and antialiased: what losses and most metrics see."""
        return resize_bilinear(self.own, (SMALL_PX, SMALL_PX))

    @cached_property
    def large(self) -> Photo:
        """1024 px, bicubic."""
        return resize_bicubic(self.own, (LARGE_PX, LARGE_PX))


OfPair: TypeAlias = Callable[[Picture, Picture], float]
"""Result and original -> the value; nan where it is undefined."""
OfSet: TypeAlias = Callable[[Floats, Floats], float]
"""Vectors of all originals and of all results -> the value."""


@dataclass(frozen=True)
class Measure:
    """A metric.

    Attributes:
        name: the word for it.
        about: what it says, with its size and unit.
        better: "lower" or "higher".
        roles: networks that it needs.
        fetch: what `unripple models fetch` calls them.
        of_pair: makes it ready: a value for each pair; None for a metric of two sets.
        of_set: a value for two sets of vectors of Inception; None for a metric of pairs.
    """

    name: str
    about: str
    better: str
    roles: tuple[str, ...] = ()
    fetch: str = ""
    of_pair: Callable[[Zoo, str], OfPair] | None = None
    of_set: OfSet | None = None


def _l2(zoo: Zoo, definition: str) -> OfPair:  # noqa: ARG001
    return lambda result, original: fidelity.l2(result.small, original.small)


def _psnr(zoo: Zoo, definition: str) -> OfPair:  # noqa: ARG001
    def measure(result: Picture, original: Picture) -> float:
        if result.own.shape != original.own.shape:
            raise ShapeMismatch(
                f"psnr compares pixel by pixel, and they are {_size(result)} and {_size(original)}"
                " px; bring them to one size, or leave psnr out"
            )
        return fidelity.psnr(result.own, original.own)

    return measure


def _size(picture: Picture) -> str:
    height, width = picture.own.shape[:2]
    return f"{width}x{height}"


def _msssim(zoo: Zoo, definition: str) -> OfPair:  # noqa: ARG001
    if definition == HYPERSTYLE:
        return lambda result, original: hyperstyle_ms_ssim(result.small, original.small)
    return lambda result, original: sfe_ms_ssim(result.large, original.large)


def _lpips(zoo: Zoo, definition: str) -> OfPair:  # noqa: ARG001
    import torch

    from unripple.models.lpips import LPIPS
    from unripple.ops.tensors import to_tensor

    trunk, weights = zoo.load("lpips_trunk"), zoo.load("lpips_head")
    net: Any = LPIPS(trunk.net, weights.net).eval().to(trunk.device)  # type: ignore[arg-type]

    def measure(result: Picture, original: Picture) -> float:
        with torch.inference_mode():
            pair = (to_tensor(one.small, device=trunk.device) for one in (result, original))
            return float(net(*pair))

    return measure


def _id(zoo: Zoo, definition: str) -> OfPair:  # noqa: ARG001
    """Cosine of two faces, cut as published; for the embedded network, by the crop's middle."""
    import torch

    from unripple.models.irse import crop_for_identity
    from unripple.ops.tensors import to_tensor
    from unripple.runtime.compare.identity import face_of

    model = zoo.load("identity")
    net: Any = model.net
    embedded = not zoo.is_published("identity") and "same_face" in model.metadata
    mtcnn = None if embedded else zoo.load(MTCNN).net

    def vector(picture: Picture) -> Any:
        if mtcnn is None:
            tensor = to_tensor(picture.own, device=model.device)
            return net(crop_for_identity(tensor, net.input_size))[0]
        face = face_of(picture.own, mtcnn)
        return None if face is None else net(to_tensor(face, device=model.device))[0]

    def measure(result: Picture, original: Picture) -> float:
        with torch.inference_mode():
            one, other = vector(result), vector(original)
            return math.nan if one is None or other is None else float(one @ other)

    return measure


def _id_vit(zoo: Zoo, definition: str) -> OfPair:  # noqa: ARG001
    import torch

    from unripple.ops.tensors import to_tensor

    model = zoo.load("id_vit")

    def vector(picture: Picture) -> Floats:
        # The network takes [0, 1].
        unit_range = to_tensor(picture.small, device=model.device) * 0.5 + 0.5
        return model.net(unit_range)[0].cpu().numpy()

    def measure(result: Picture, original: Picture) -> float:
        with torch.inference_mode():
            return id_vit_distance(vector(result), vector(original))

    return measure


def inception_vector(zoo: Zoo) -> Callable[[Picture], Floats]:
    """What FID and KID compare: Inception's 2048 features [E] of a picture at its own size."""
    import torch

    from unripple.ops.tensors import to_tensor

    model = zoo.load("inception")

    def vector(picture: Picture) -> Floats:
        with torch.inference_mode():
            features: Floats = (
                model.net(to_tensor(picture.own, device=model.device))[0].cpu().numpy()
            )
        return features

    return vector


_ROWS = (
    Measure("l2", "mean squared difference in [-1, 1] at 256 px", "lower", of_pair=_l2),
    Measure(
        "lpips",
        "perceptual distance at 256 px: LPIPS 0.1 on AlexNet",
        "lower",
        ("lpips_trunk", "lpips_head"),
        "lpips",
        of_pair=_lpips,
    ),
    Measure(
        "id",
        "cosine of the faces that MTCNN finds, by CurricularFace",
        "higher",
        ("identity",),
        "curricularface",
        of_pair=_id,
    ),
    Measure(
        "id_vit",
        "10,000 times the mean squared difference of ViTs_face's vectors of 256 px",
        "lower",
        ("id_vit",),
        "id_vit",
        of_pair=_id_vit,
    ),
    Measure(
        "msssim",
        "similarity over five scales; sfe: at 1024 px by piq, hyperstyle: at 256 px",
        "higher",
        of_pair=_msssim,
    ),
    Measure(
        "fid",
        "Frechet distance of the two sets' Inception features, resized as pytorch-fid",
        "lower",
        ("inception",),
        "inception",
        of_set=frechet_distance,
    ),
    Measure(
        "kid",
        "kernel distance of the same features, without a bias for small sets",
        "lower",
        ("inception",),
        "inception",
        of_set=kernel_distance,
    ),
    Measure(
        "psnr", "peak signal-to-noise ratio at the pictures' own size, dB", "higher", of_pair=_psnr
    ),
)
MEASURES: Mapping[str, Measure] = {one.name: one for one in _ROWS}
"""Every metric by name."""

PUBLISHED: Mapping[str, str] = {
    "lpips_trunk": "alexnet",
    "lpips_head": "lpips_alex",
    "identity": "curricularface",
    "id_vit": "id_vit",
    "inception": "inception",
}
"""Role -> the published file that both definitions mean."""


def roles_of(names: Sequence[str]) -> dict[str, str]:
    """The networks that some metrics need: role -> the metric that is the first to need it."""
    return {role: name for name in reversed(names) for role in MEASURES[name].roles}
