"""What one photo may cost at one stage: the config's section `limits`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The config's section `limits`. No limit is part of an artifact's key: results stay valid.

    Attributes:
        megapixels: area of a photo; its file may be as long as `memory_mb`.
        seconds: time that one stage may take for one photo, loading of networks not counted.
        memory_mb: memory that one stage may take for one photo beyond what the job had before.
    """

    megapixels: float = 100.0
    seconds: float = 600.0
    memory_mb: float = 8000.0


DEFAULT = Limits()
"""The program's defaults."""
