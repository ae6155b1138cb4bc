"""Mappers: codes in, where a text wants them out.

Source: Patashnik et al. 2021, section 5; key names of orpatashnik/StyleCLIP and of its descendant
yubin1219/text2image_manipulation (both MIT), whose files load strictly into what `sizes_from_state`
reads from their weights:

    no text       four layers for one text
    text added    eight layers on w + text; ten, wider ones, where several texts are summed
    text beside   eight layers on [text, w], the text first

Their norm divides each feature by its root mean square over the rows of its group, as published:
beside a text that is the same in all rows it leaves nothing of the text but its signs. Ours may
take the mean over the features instead (`norm="features"`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from unripple.conventions import LEVELS
from unripple.models.layers.equalised import EqualLinear

STEP = 0.1
"""What is added to the codes: so many times what the mapper says."""

LR = 0.01
Norm = Literal["rows", "features"]
GROUPS: Mapping[str, tuple[int, int | None]] = {
    "course_mapping": LEVELS["coarse"],  # the published files spell it so
    "medium_mapping": LEVELS["medium"],
    "fine_mapping": LEVELS["fine"],
}
"""Which rows of the codes a network sees; one that is missing leaves its rows as they are."""

SINGLE = "mapping"
"""The network that sees all rows at once."""


class MeanSquareOne(nn.Module):
    """Scale to a mean square of 1 over the rows (axis 1), or over the features (the last)."""

    def __init__(self, over: Norm) -> None:
        super().__init__()
        self.axis = 1 if over == "rows" else -1

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=self.axis, keepdim=True) + 1e-8)


class Stack(nn.Module):
    """A norm and equalised layers with leaky ReLU.

    Args:
        widths: of the input and of every layer.
        norm: see `MeanSquareOne`.
    """

    def __init__(self, widths: Sequence[int], *, norm: Norm = "rows") -> None:
        super().__init__()
        layers = [
            EqualLinear(before, after, lr=LR, activate=True) for before, after in pairwise(widths)
        ]
        self.mapping = nn.Sequential(MeanSquareOne(norm), *layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.mapping(x)


class LatentMapper(nn.Module):
    """A mapper of w+.

    Args:
        widths: see `Stack`; the last is that of the codes, the first that or, with the text beside,
            both together.
        groups: names of `GROUPS`, or `SINGLE` alone.
        norm: see `MeanSquareOne`.
    """

    def __init__(
        self,
        widths: Sequence[int] = (512,) * 5,
        groups: Sequence[str] = tuple(GROUPS),
        *,
        norm: Norm = "rows",
    ) -> None:
        super().__init__()
        self.width = widths[-1]
        self.beside = widths[0] > widths[-1]
        self.takes_text = self.beside or len(widths) > 5
        for name in groups:
            self.add_module(name, Stack(widths, norm=norm))

    def forward(self, w_plus: Tensor, text: Tensor | None = None) -> Tensor:
        """Say where codes should go, before `STEP`.

        Args:
            w_plus: [B, L, W].
            text: its vector, or the sum of several ones, [B or 1, W]; None for a mapper without.

        Returns:
            float32 [B, L, W]; zeros in rows that no network sees.

        Raises:
            ValueError: it takes a text and got none, or the other way round.
        """
        if (text is not None) != self.takes_text:
            argument = "a text" if self.takes_text else "no text"
            raise ValueError(f"text: this mapper takes {argument}")
        x = w_plus
        if text is not None:
            spread = text[:, None].expand(len(w_plus), w_plus.shape[1], -1)
            x = torch.cat((spread, w_plus), dim=-1) if self.beside else w_plus + spread
        if hasattr(self, SINGLE):
            return self.get_submodule(SINGLE)(x)
        parts = []
        for name, (first, end) in GROUPS.items():
            there = hasattr(self, name)
            part = self.get_submodule(name)(x[:, first:end]) if there else w_plus[:, first:end] * 0
            parts.append(part)
        return torch.cat(parts, dim=1)


class StyleMapper(nn.Module):
    """A mapper of style space: a network for each style that it moves.

    Args:
        widths: channels of each style by its number.
        norm: see `MeanSquareOne`; styles have no rows, so that both are one.
    """

    def __init__(self, widths: Mapping[int, int], *, norm: Norm = "rows") -> None:
        super().__init__()
        self.takes_text = False
        for number, width in widths.items():
            self.add_module(f"mapper_{number}", Stack((width,) * 5, norm=norm))

    def forward(self, styles: Sequence[Tensor]) -> list[Tensor]:
        """Say where styles [B, C] should go, before `STEP`; zeros for those it does not move."""
        moves = []
        for number, style in enumerate(styles):
            name = f"mapper_{number}"
            stays = not hasattr(self, name)
            moves.append(torch.zeros_like(style) if stays else self.get_submodule(name)(style))
        return moves


def moved(
    mapper: LatentMapper, w_plus: Tensor, text: Tensor | None = None, *, strength: float = 1.0
) -> Tensor:
    """Codes [B, L, W] where the mapper wants them; a strength of 1 is as published."""
    move: Tensor = mapper(w_plus, text)
    return w_plus + STEP * strength * move


def published_vectors(count: int, width: int = 512) -> Tensor:
    """The vectors of the texts that published mappers of method 1 know by number, [count, width].

    They were drawn after a fixed seed, never trained and never stored, so all tables begin alike.

    Source: yubin1219/text2image_manipulation, `nn.Embedding` after `torch.manual_seed(1)`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        table: Tensor = nn.Embedding(count, width).weight.detach()
    return table


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `LatentMapper`, or of `StyleMapper`, from a state dict."""
    if any(key.startswith("mapper_") for key in state):
        return style_sizes_from_state(state)
    groups = [name for name in (*GROUPS, SINGLE) if f"{name}.mapping.1.weight" in state]
    weights = [
        state[f"{groups[0]}.mapping.{layer}.weight"]
        for layer in range(1, 1 + _layers(state, f"{groups[0]}.mapping."))
    ]
    return {
        "widths": (weights[0].shape[1], *(weight.shape[0] for weight in weights)),
        "groups": groups,
    }


def style_sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `StyleMapper` from a state dict with its key names."""
    ending = ".mapping.1.weight"
    names = [key.removesuffix(ending) for key in state if key.endswith(ending)]
    numbers = sorted(int(name.removeprefix("mapper_")) for name in names)
    return {"widths": {n: state[f"mapper_{n}{ending}"].shape[0] for n in numbers}}


def _layers(state: Mapping[str, Tensor], prefix: str) -> int:
    return sum(key.startswith(prefix) and key.endswith(".weight") for key in state)
