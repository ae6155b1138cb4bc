"""generator: the moved codes are drawn, as for any other edit."""

from __future__ import annotations

from unripple.stages.edit import Edited, EditSettings
from unripple.stages.interface import Work
from unripple.stages.inverters import INVERTERS
from unripple.stages.turns import Turn


def edit(work: Work, settings: EditSettings) -> Edited:
    """As the inverter draws it."""
    return INVERTERS[settings.method].edit(work, settings)


METHOD = Turn(
    name="generator", help="as the generator draws it", edit=edit, by_degrees=False, rank=3
)
