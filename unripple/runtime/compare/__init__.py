"""Folders of results against folders of originals, by the metrics that the field publishes."""

from __future__ import annotations

from unripple.runtime.compare.editing import edit_fid
from unripple.runtime.compare.folders import Compared, compare
from unripple.runtime.compare.measures import DEFINITIONS, MEASURES, Measure

__all__ = ["DEFINITIONS", "MEASURES", "Compared", "Measure", "compare", "edit_fid"]
