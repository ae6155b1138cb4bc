"""bisenet: looks once; its labels are those of `Face`."""

from __future__ import annotations

from unripple.conventions import Labels, Photo
from unripple.stages.interface import Model
from unripple.stages.parse import ParseSettings, Plain, parse
from unripple.stages.parsers import Parser


def labels(
    picture: Photo,
    model: Model,
    settings: ParseSettings,  # noqa: ARG001
    plain: Plain | None,
) -> Labels:
    """See `stages.parse.parse`."""
    return parse(picture, model.net, net_size_px=model.size_px, plain=plain)


METHOD = Parser(name="bisenet", help="parts of faces", labels=labels, compares=True)
