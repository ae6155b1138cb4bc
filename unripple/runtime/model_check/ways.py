"""Conventions that a network may have been made for, and how it answers if it is asked by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from unripple.models.bisenet import IMAGENET_MEAN, IMAGENET_STD
from unripple.zoo.networks import Model

Change = Callable[[Tensor], Tensor]


class Coding(NamedTuple):
    """How numbers stand for colours: the number is (share of light - mean) / spread."""

    name: str
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def shares(self, numbers: Tensor) -> Tensor:
        """Numbers [B, 3, H, W] -> shares of light, 0 to 1."""
        return numbers * _column(numbers, self.spread) + _column(numbers, self.mean)

    def numbers(self, shares: Tensor) -> Tensor:
        """The other way."""
        return (shares - _column(shares, self.mean)) / _column(shares, self.spread)


SIGNED = Coding("-1 to 1", (0.5,), (0.5,))
UNIT = Coding("0 to 1", (0.0,), (1.0,))
BYTES = Coding("0 to 255", (0.0,), (1 / 255,))
IMAGENET = Coding("ImageNet's mean 0 and deviation 1", IMAGENET_MEAN, IMAGENET_STD)
CODINGS = (SIGNED, UNIT, BYTES, IMAGENET)

CODING_OF = {"graphonomy": SIGNED}
"""Networks that take pictures otherwise than the others of their role."""
ORDER_OF = {"graphonomy": "BGR"}
"""Networks that take colours otherwise than all others."""


class Way(NamedTuple):
    """One convention other than ours.

    Attributes:
        name: in words, as the end of "it answers well if ...".
        model: the network, asked in that way.
    """

    name: str
    model: Model


class Otherwise(nn.Module):
    """A network with something done to the picture that goes in, or to what comes out."""

    def __init__(
        self, net: nn.Module, entry: Change | None = None, outcome: Change | None = None
    ) -> None:
        super().__init__()
        self.net, self.entry, self.outcome = net, entry, outcome

    def forward(self, picture: Any, *more: Tensor) -> Any:
        """As the network does; of those that take a photograph's bytes, [H, W, 3], too."""
        if self.entry is not None and isinstance(picture, np.ndarray):
            numbers = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]
            picture = self.entry(numbers)[0].permute(1, 2, 0).numpy()  # [H, W, 3]
        elif self.entry is not None:
            picture = self.entry(picture)
        answer = self.net(picture, *more)
        return answer if self.outcome is None else self.outcome(answer)

    def __getattr__(self, name: str) -> Any:
        """What the network has beside."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("net"), name)

    def synthesize(self, codes: Tensor, **how: Any) -> Tensor:
        """As a generator does."""
        drawn: Tensor = self.net.synthesize(codes, **how)  # type: ignore[operator]
        return drawn if self.outcome is None else self.outcome(drawn)


def other_ways(
    model: Model,
    coding: Coding,
    *,
    order: str = "RGB",
    draws: bool = False,
    scales: bool = False,
    negates: bool = False,
) -> Iterator[Way]:
    """Every other convention, with the network wrapped so that it is asked by it.

    Args:
        model: the network.
        coding: of its pictures, as we take it.
        order: of its colours, as we take it.
        draws: the pictures are what comes out of it, not what goes in.
        scales: its file says at which size it looks, and that may be wrong.
        negates: what comes out may be meant the other way round.
    """

    def changed(change: Change) -> Model:
        side = {"outcome" if draws else "entry": change}
        return replace(model, net=Otherwise(model.net, **side))

    def as_if(other: Coding, *, swapped: bool) -> Change:
        def change(numbers: Tensor) -> Tensor:
            source, target = (other, coding) if draws else (coding, other)
            shares = source.shares(numbers)
            return target.numbers(shares.flip(1) if swapped else shares)

        return change

    other_order = order[::-1]
    yield Way(f"colours are {other_order}, not {order}", changed(lambda numbers: numbers.flip(1)))
    for other in CODINGS:
        if other is not coding:
            words = f"values are {other.name}"
            yield Way(f"{words}, not {coding.name}", changed(as_if(other, swapped=False)))
            yield Way(f"colours are {other_order} and {words}", changed(as_if(other, swapped=True)))
    if scales:
        for side in (model.size_px // 2, model.size_px * 2):
            words = f"pictures are {side} px, not {model.size_px}"
            yield Way(words, replace(model, metadata={**model.metadata, "size": side}))
    if negates:
        yield Way(
            "larger is farther, not nearer",
            replace(model, net=Otherwise(model.net, None, torch.neg)),
        )


def _column(picture: Tensor, values: tuple[float, ...]) -> Tensor:
    return picture.new_tensor(values).view(1, -1, 1, 1)
