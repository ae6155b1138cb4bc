"""segmentation: the edit is kept where the parser sees the part that it is about."""

from __future__ import annotations

from dataclasses import dataclass

from unripple.conventions import Photo
from unripple.stages.interface import Work, knob
from unripple.stages.mix import mix_segmentation
from unripple.stages.mixes import Mixup, MixupSettings
from unripple.stages.parse import Parsed


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings(MixupSettings):
    """How far the edit reaches beyond its part, and what comes back in front of it."""

    use: bool = knob(True, "")
    margin_px: float = knob(5.25, "", above=0, maximum=128)
    front_px: float = knob(
        1.5,
        "clothes and hats in the upper half come back, fading in over this",
        above=0,
        maximum=128,
    )


def mix(work: Work, photo: Photo, picture: Photo, settings: SegmentationSettings) -> Photo:
    """See `stages.mix.mix_segmentation`."""
    before, after = (work.input(Parsed, f"parse@{of}").labels for of in ("photo", "edit"))
    return mix_segmentation(
        photo,
        picture,
        before,
        after,
        attribute=work.settings["carac"],
        margin_px=settings.margin_px,
        front_px=settings.front_px,
    )


METHOD = Mixup(
    name="segmentation",
    help="where the parser sees the part that the characteristic is about",
    settings=SegmentationSettings,
    mix=mix,
    rank=3,
)
