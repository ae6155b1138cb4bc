"""domain: the edit is kept where the characteristic's drawing says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from unripple.conventions import Floats, Photo
from unripple.stages.interface import Drawing, Work, knob
from unripple.stages.mix import domain_distance, mix_domain
from unripple.stages.mixes import Mixup, MixupSettings


@dataclass(frozen=True, kw_only=True)
class DomainSettings(MixupSettings):
    """How far the edit reaches beyond the drawing."""

    use: bool = knob(True, "")
    margin_px: float = knob(10.5, "how far from it only the photo is left", above=0, maximum=128)


def mix(work: Work, photo: Photo, picture: Photo, settings: DomainSettings) -> Photo:
    """See `stages.mix.mix_domain`."""
    assert work.drawing is not None
    height, width = photo.shape[:2]
    distance = _distance(work.drawing, (height, width))
    return mix_domain(photo, picture, distance, margin_px=settings.margin_px)


@lru_cache(maxsize=64)
def _distance(drawing: Drawing, size: tuple[int, int]) -> Floats:
    """The same for all photos of a shard."""
    return domain_distance(drawing.levels, size)


METHOD = Mixup(
    name="domain",
    help="where the characteristic's drawing says",
    settings=DomainSettings,
    mix=mix,
    draws=True,
    rank=2,
)
