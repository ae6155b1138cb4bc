"""Colours of skin, hair and cloth, and the noise that keeps them from looking painted.

Colours are linear light, float32 [..., 3], unless a name says `srgb`.
"""

from __future__ import annotations

import torch
from torch import Tensor

_SKIN_SRGB = (
    (1.0, 0.815, 0.70),
    (0.965, 0.745, 0.585),
    (0.83, 0.59, 0.43),
    (0.62, 0.41, 0.285),
    (0.40, 0.26, 0.19),
)
_IRIS_SRGB = (
    (0.22, 0.12, 0.06),
    (0.38, 0.22, 0.09),
    (0.30, 0.36, 0.16),
    (0.22, 0.42, 0.45),
    (0.25, 0.45, 0.72),
    (0.50, 0.56, 0.60),
)


def rgb(like: Tensor, *channels: float) -> Tensor:
    """A constant colour on the device of `like`, float32 [3]."""
    return torch.tensor(channels, dtype=torch.float32, device=like.device)


def linear(srgb: Tensor) -> Tensor:
    """Display values in [0, 1] -> linear light, by a plain power of 2.2."""
    return srgb.clamp(min=1e-5) ** 2.2


def hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Hue, saturation, value in [0, 1] -> display RGB [..., 3]."""

    def channel(n: int) -> Tensor:
        k = (n + hue * 6) % 6
        return value - value * saturation * torch.clamp(torch.minimum(k, 4 - k), 0, 1)

    return torch.stack([channel(5), channel(3), channel(1)], dim=-1)


def _ramp(colours: tuple[tuple[float, float, float], ...], at: Tensor) -> Tensor:
    """Piecewise linear colour ramp; `at` in [0, 1] runs over all stops."""
    stops = torch.tensor(colours, dtype=torch.float32, device=at.device)
    scaled = at.clamp(0, 0.999) * (len(colours) - 1)
    low = scaled.floor().long()
    weight = (scaled - low)[..., None]
    return stops[low] * (1 - weight) + stops[low + 1] * weight


def skin_tone(melanin: Tensor, redness: Tensor) -> Tensor:
    """Colour of skin, linear light."""
    tint = redness[..., None] * rgb(melanin, 0.045, -0.015, -0.04)
    return linear(_ramp(_SKIN_SRGB, melanin) * (1 + tint))


def hair_tone(light: Tensor, warmth: Tensor, grey: Tensor) -> Tensor:
    """Colour of hair, linear light."""
    dark, brown = rgb(light, 0.075, 0.055, 0.05), rgb(light, 0.30, 0.18, 0.10)
    blond, red = rgb(light, 0.84, 0.66, 0.38), rgb(light, 0.58, 0.22, 0.09)
    light, warmth, grey = light[..., None], warmth[..., None], grey[..., None]
    low = dark + (brown - dark) * (light * 2)
    high = brown + (blond - brown) * (light * 2 - 1)
    tone = torch.where(light < 0.5, low, high)
    # Black hair does not turn red.
    reddened = (warmth - 0.45).clamp(min=0) * 1.5 * (light > 0.2).float()
    tone = tone + (red - tone) * reddened
    return linear(tone + (rgb(light, 0.72, 0.71, 0.70) - tone) * grey)


def iris_tone(hue: Tensor, melanin: Tensor) -> Tensor:
    """Display colour of an iris; dark-skinned people mostly have brown ones."""
    colour = _ramp(_IRIS_SRGB, hue)
    brown = 0.8 * (melanin > 0.6).float()[..., None]
    return colour * (1 - brown) + rgb(hue, *_IRIS_SRGB[0]) * brown


def value_noise(x: Tensor, y: Tensor, seed: Tensor) -> Tensor:
    """Smooth noise in [0, 1] on the unit lattice of (x, y).

    The lattice hash is a sine; that is enough here because nothing looks for cycles in it.
    """
    xi, yi = x.floor(), y.floor()
    fx, fy = x - xi, y - yi
    # Smooth weights: linear ones would show the lattice.
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)

    def lattice(a: Tensor, b: Tensor) -> Tensor:
        s = torch.sin(a * 127.1 + b * 311.7 + seed * 74.7) * 43758.5453
        return s - s.floor()

    bottom = lattice(xi, yi) * (1 - fx) + lattice(xi + 1, yi) * fx
    top = lattice(xi, yi + 1) * (1 - fx) + lattice(xi + 1, yi + 1) * fx
    return bottom * (1 - fy) + top * fy
