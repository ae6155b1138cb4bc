"""detail: what the inversion lost of the photo comes back onto what the edit keeps."""

from __future__ import annotations

from dataclasses import dataclass

from unripple.conventions import Photo
from unripple.stages.interface import Work, knob
from unripple.stages.invert import Inverted
from unripple.stages.mix import mix_detail
from unripple.stages.mixes import Mixup, MixupSettings
from unripple.stages.parse import Parsed


@dataclass(frozen=True, kw_only=True)
class DetailSettings(MixupSettings):
    """Where details come back."""

    use: bool | str = knob(
        "auto",
        "true | false | auto (where no restorer repairs the face)",
        choices=(True, False, "auto"),
    )
    tolerance: float = knob(
        24,
        "change, in levels of 255, beyond that of its whole part, that fades it out",
        above=0,
        maximum=255,
    )
    reach_px: float = knob(2, "how far a change reaches", minimum=0, maximum=128)


def mix(work: Work, photo: Photo, picture: Photo, settings: DetailSettings) -> Photo:
    """See `stages.mix.mix_detail`."""
    before, after = (work.input(Parsed, f"parse@{of}").labels for of in ("photo", "edit"))
    drawn = work.input(Inverted, "invert").picture
    return mix_detail(
        photo,
        picture,
        drawn,
        before,
        after,
        tolerance=settings.tolerance,
        reach_px=settings.reach_px,
    )


METHOD = Mixup(
    name="detail",
    help="what the inversion lost of the photo, onto what the edit keeps",
    settings=DetailSettings,
    mix=mix,
    rank=1,
)
