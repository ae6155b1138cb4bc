"""bisenet: looks once; its labels are those of `Face`."""

from __future__ import annotations

from unripple.conventions import Floats, Labels, Photo
from unripple.stages.interface import Model
from unripple.stages.parse import ParseSettings, Plain, background_share, network_input, parse
from unripple.stages.parsers import Parser


def labels(
    picture: Photo,
    model: Model,
    settings: ParseSettings,  # noqa: ARG001
    plain: Plain | None,
) -> Labels:
    """See `stages.parse.parse`."""
    return parse(picture, model.net, net_size_px=model.size_px, plain=plain)


def background(picture: Photo, model: Model, settings: ParseSettings) -> Floats:  # noqa: ARG001
    """See `stages.parse.background_share`."""
    return background_share(
        lambda device: model.net(network_input(picture, model.size_px).to(device))[0],
        model.net,
        picture,
    )


METHOD = Parser(
    name="bisenet", help="parts of faces", labels=labels, background=background, compares=True
)
