"""Encoders: networks that make codes of pictures, each with its own mean and size.

An encoder is a module here with a `METHOD`, named as the network in `zoo.networks`; which one is
asked, the models say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unripple.conventions import Photo, WPlus
from unripple.stages.interface import Method, Model, Registry


@dataclass(frozen=True, kw_only=True)
class Encoder(Method):
    """A network that encodes.

    Attributes:
        codes: picture uint8 [S, S, 3] -> w_plus, float32 [L, W].
    """

    codes: Callable[[Photo, Model], WPlus]


ENCODERS = Registry(__name__, Encoder)
