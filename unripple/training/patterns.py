"""Random patterns and colours: what clothes, hair and walls may look like.

Pictures are float32 [n, 3, S, S], about in [-1, 1]; every draw comes from the generator that is
handed in.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.training.augment import chosen, uniform

DYED_CHANCE = 0.2


def some(rng: torch.Generator, chance: float, like: Tensor) -> Tensor:
    """1 for some of the pictures and 0 for the others, [B, 1, 1, 1]."""
    return chosen(rng, chance, len(like)).to(like)


def mixed(plain: Tensor, changed: Tensor, chance: float, rng: torch.Generator) -> Tensor:
    """Change some of the pictures and leave the others."""
    return torch.lerp(plain, changed, some(rng, chance, plain).expand_as(plain))


def clouds(rng: torch.Generator, n: int, side: int, cells: int, channels: int = 1) -> Tensor:
    """Smooth noise about 0, mostly within [-1, 1], with `cells` lumps along a side."""
    grid = uniform(rng, -1, 1, n, channels, cells, cells)
    return F.interpolate(grid, size=(side, side), mode="bilinear", align_corners=False)


def places(side: int) -> tuple[Tensor, Tensor]:
    """x and y of all pixels in [-1, 1], [1, 1, S, S] each."""
    steps = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return x[None, None], y[None, None]


def waves(rng: torch.Generator, n: int, side: int) -> Tensor:
    """Straight stripes of all widths and directions, in [-1, 1], [n, 1, S, S]."""
    x, y = places(side)
    angle, phase = (uniform(rng, 0, 2 * math.pi, n, 1, 1, 1) for _ in range(2))
    frequency = torch.exp(uniform(rng, math.log(3), math.log(60), n, 1, 1, 1))
    stripes = torch.sin(frequency * (x * angle.cos() + y * angle.sin()) + phase)
    # Some have hard edges, as woven and printed stripes have.
    return (stripes * uniform(rng, 1, 4, n, 1, 1, 1)).clamp(-1, 1)


def texture(rng: torch.Generator, n: int, side: int) -> Tensor:
    """Lumps, grain, stripes and checks in random shares, about in [-1, 1], [n, 1, S, S]."""
    layers = [clouds(rng, n, side, cells) for cells in (5, 18, 64)]
    layers += [waves(rng, n, side), waves(rng, n, side) * waves(rng, n, side)]
    shares = torch.rand(n, len(layers), 1, 1, 1, generator=rng) ** 3  # one of them often rules
    shares = shares / shares.sum(1, keepdim=True)
    return (torch.stack(layers, 1) * shares).sum(1)


def colours(rng: torch.Generator, n: int) -> Tensor:
    """Any colours, grey ones as often as bright ones, [n, 3, 1, 1] in [-1, 1]."""
    value = uniform(rng, -1, 1, n, 1, 1, 1)
    tint = uniform(rng, -1, 1, n, 3, 1, 1) * torch.rand(n, 1, 1, 1, generator=rng)
    return (value + tint).clamp(-1, 1)


def cloth(rng: torch.Generator, n: int, side: int) -> Tensor:
    """Cloth of all colours and patterns, about in [-1, 1], [n, 3, S, S]."""
    one, two = colours(rng, n), colours(rng, n)
    strength = torch.rand(n, 1, 1, 1, generator=rng) ** 2
    return one + (two - one) * strength * texture(rng, n, side)


def strands(rng: torch.Generator, n: int, side: int) -> Tensor:
    """Hair, straight to curled, about in [-1, 1], [n, 3, S, S]: what tells it from a hat of cloth.

    Most has a colour that grows: black, brown, red, blond, grey or white.
    """
    x, y = places(side)
    angle, phase = uniform(rng, -1.0, 1.0, n, 1, 1, 1), uniform(rng, 0, 2 * math.pi, n, 1, 1, 1)
    # Bent by large lumps stripes are waves, by small ones curls.
    bent = clouds(rng, n, side, 5) * uniform(rng, 0, 0.5, n, 1, 1, 1)
    bent = bent + clouds(rng, n, side, 16) * 0.2 * torch.rand(n, 1, 1, 1, generator=rng) ** 2
    frequency = torch.exp(uniform(rng, math.log(15), math.log(100), n, 1, 1, 1))
    fine = torch.sin(frequency * (x * angle.cos() + y * angle.sin() + bent) + phase)
    fine = 0.5 * fine + 0.3 * clouds(rng, n, side, 64) + 0.4 * clouds(rng, n, side, 9)
    light = torch.rand(n, 1, 1, 1, generator=rng) ** 1.5 * 1.6 - 0.95
    warm = uniform(rng, 0, 0.35, n, 1, 1, 1) * torch.tensor([1.0, 0.1, -0.8]).view(1, 3, 1, 1)
    tone = mixed((light + warm).clamp(-1, 1), colours(rng, n), DYED_CHANCE, rng)
    contrast = uniform(rng, 0.03, 0.3, n, 1, 1, 1) * (1.2 + light)
    return tone + contrast * fine
