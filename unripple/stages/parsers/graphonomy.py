"""graphonomy: parses whole persons, at several sizes."""

from __future__ import annotations

from unripple.conventions import Floats, Labels, Photo
from unripple.stages.interface import Model
from unripple.stages.parse import (
    SCALES_OF,
    ParseSettings,
    Plain,
    background_share,
    body_logits,
    parse_body,
)
from unripple.stages.parsers import Parser


def labels(
    picture: Photo,
    model: Model,
    settings: ParseSettings,
    plain: Plain | None,  # noqa: ARG001
) -> Labels:
    """See `stages.parse.parse_body`."""
    scales = SCALES_OF[settings.scales]
    return parse_body(picture, model.net, net_size_px=model.size_px, scales=scales)


def background(picture: Photo, model: Model, settings: ParseSettings) -> Floats:
    """See `stages.parse.background_share`; of several looks the mean counts."""
    scales = SCALES_OF[settings.scales]
    return background_share(
        lambda device: body_logits(  # noqa: ARG005 (it asks where the network is itself)
            picture, model.net, net_size_px=model.size_px, scales=scales
        ),
        model.net,
        picture,
    )


METHOD = Parser(
    name="graphonomy", help="parts of whole persons", labels=labels, background=background
)
