"""What stages and their methods are made of, and what they may ask of whoever runs them."""

from unripple.stages.interface.registry import Method, Registry, always, as_given
from unripple.stages.interface.settings import Knob, Settings, grown, knob, knobs_of, section_schema
from unripple.stages.interface.stage import (
    CETERIS_PARIBUS,
    DRAWN,
    EXTERNAL,
    RIPPLE,
    Artifact,
    Declaration,
    Stage,
    Values,
    parts_of,
)
from unripple.stages.interface.work import (
    Direction,
    Draft,
    Drawing,
    EditedElsewhere,
    Model,
    Photograph,
    Plan,
    Progress,
    Subject,
    Work,
)

__all__ = [
    "CETERIS_PARIBUS",
    "DRAWN",
    "EXTERNAL",
    "RIPPLE",
    "Artifact",
    "Declaration",
    "Direction",
    "Draft",
    "Drawing",
    "EditedElsewhere",
    "Knob",
    "Method",
    "Model",
    "Photograph",
    "Plan",
    "Progress",
    "Registry",
    "Settings",
    "Stage",
    "Subject",
    "Values",
    "Work",
    "always",
    "as_given",
    "grown",
    "knob",
    "knobs_of",
    "parts_of",
    "section_schema",
]
