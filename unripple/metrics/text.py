"""Figures of edits that follow a text."""

from __future__ import annotations

from unripple.metrics.figures import Figure

TEXT_FIGURES = {
    "text_likeness_of_photo": Figure("how well the photo fits the text, as CLIP sees it", None),
    "text_likeness": Figure("how well the edited picture fits the text, as CLIP sees it", None),
    "text_gain": Figure("by how much it fits the text better than the photo does", None),
}
"""Cosines of pictures and text, of several texts their mean, in the order of reading. CLIP led the
edit, so they say that it went where it was led, and not that anybody would agree."""
