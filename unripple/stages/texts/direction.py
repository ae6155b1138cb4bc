"""direction: along the direction of codes that a text points out; the default."""

from __future__ import annotations

from unripple.stages.families.text import direction_of, move
from unripple.stages.interface import Work
from unripple.stages.texts import Start, TextMethod, TextSettings
from unripple.stages.translate import Translated


def follow(work: Work, asked: TextSettings, start: Start) -> Translated:
    """So many deviations of the codes along it, all codes alike."""
    direction, about = direction_of(work, asked)
    first, end = work.settings["first_code"], work.settings["end_code"]
    moved = move(start.w_plus, direction, asked.strength, first_code=first, end_code=end)
    return Translated(moved, about, start.styles)


METHOD = TextMethod(
    name="direction",
    help="a direction of the codes (about 6 s for the first text, 1 for others)",
    roles=("clip", "generator"),
    follow=follow,
    strength=3.5,
    uses=("templates", "levels", "faces"),
    rank=1,
)
