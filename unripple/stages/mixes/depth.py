"""depth: the foreground of the edit on the background of the photo."""

from __future__ import annotations

from dataclasses import dataclass

from unripple.conventions import Photo
from unripple.stages.foreground import Foreground
from unripple.stages.interface import Work, knob
from unripple.stages.mix import mix_depth
from unripple.stages.mixes import Mixup, MixupSettings


@dataclass(frozen=True, kw_only=True)
class DepthSettings(MixupSettings):
    """How soon the background is the photo's."""

    use: bool = knob(True, "")
    coef: float = knob(8, "how fast the edit fades away from it", above=0, maximum=1000)


def mix(work: Work, photo: Photo, picture: Photo, settings: DepthSettings) -> Photo:
    """See `stages.mix.mix_depth`."""
    near = work.input(Foreground, "foreground")
    return mix_depth(photo, picture, near.before, near.after, coef=settings.coef)


METHOD = Mixup(
    name="depth",
    help="the foreground of the edit on the background of the photo",
    settings=DepthSettings,
    mix=mix,
    rank=4,
)
