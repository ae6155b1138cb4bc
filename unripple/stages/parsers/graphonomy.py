"""graphonomy: parses whole persons, at several sizes."""

from __future__ import annotations

from unripple.conventions import Labels, Photo
from unripple.stages.interface import Model
from unripple.stages.parse import ParseSettings, Plain, parse_body
from unripple.stages.parsers import Parser


def labels(
    picture: Photo,
    model: Model,
    settings: ParseSettings,
    plain: Plain | None,  # noqa: ARG001
) -> Labels:
    """See `stages.parse.parse_body`."""
    scales = (1.0,) if settings.scales == "one" else None
    return parse_body(picture, model.net, net_size_px=model.size_px, scales=scales)


METHOD = Parser(name="graphonomy", help="parts of whole persons", labels=labels)
