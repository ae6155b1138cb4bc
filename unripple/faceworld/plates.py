"""Backgrounds: seven kinds of plate with detail that no latent code can know.

A plate is drawn from its kind, hue, value and a detail seed. The same arguments give the same bytes
on every machine that has the same numpy.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Picture = npt.NDArray[np.float32]
Grid = npt.NDArray[np.float32]


class Plate(NamedTuple):
    """A background.

    Attributes:
        picture: float32 [H, W, 3], display RGB in [0, 1].
        depth: float32 [H, W], world units behind the head.
    """

    picture: Picture
    depth: Grid


class _Canvas:
    """What a painter needs: a picture to draw on, a source of chance, the plate's mood.

    Attributes:
        px: pixels per 1/128 of a portrait's side; lengths below are in this unit.
    """

    def __init__(self, height: int, width: int, px: float, seed: int, hue: float, value: float):
        self.height, self.width, self.px = height, width, px
        self.rng = np.random.Generator(np.random.Philox(key=seed))
        self.hue, self.value = hue, value
        base = hsv(hue, self.uniform(0.12, 0.5), 0.30 + 0.55 * value)
        self.picture: Picture = np.ones((height, width, 3), np.float32) * base

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def grid(self) -> tuple[Grid, Grid]:
        """Columns and rows in units of a portrait's side."""
        side = 128 * self.px
        rows, columns = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        return columns / side, rows / side

    def noise(self, fall_off: float) -> Grid:
        """Noise of zero mean and unit variance whose spectrum falls with frequency^-fall_off."""
        fy = np.fft.fftfreq(self.height)[:, None] * self.height / (128 * self.px)
        fx = np.fft.rfftfreq(self.width)[None] * self.width / (128 * self.px)
        spectrum = np.fft.rfft2(self.rng.standard_normal((self.height, self.width)))
        # The offset keeps the constant term finite; frequencies are per portrait, so that noise
        # looks alike at every resolution.
        rough = np.fft.irfft2(
            spectrum / (np.sqrt(fx * fx + fy * fy) + 1 / 128) ** fall_off,
            s=(self.height, self.width),
        )
        return ((rough - rough.mean()) / (rough.std() + 1e-6)).astype(np.float32)

    def box(self, x: float, y: float, width: float, height: float) -> Picture:
        """View on a rectangle given in pixels, clipped to the picture; may be empty."""
        left, top = max(int(x), 0), max(int(y), 0)
        return self.picture[top : max(int(y + height), 0), left : max(int(x + width), 0)]

    def ellipse(
        self, cx: float, cy: float, along: float, across: float, angle: float
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Window and mask of a turned ellipse, all in pixels."""
        reach = max(along, across) + 1
        top, bottom = max(int(cy - reach), 0), min(int(cy + reach) + 2, self.height)
        left, right = max(int(cx - reach), 0), min(int(cx + reach) + 2, self.width)
        rows, columns = np.mgrid[top : max(bottom, top), left : max(right, left)].astype(np.float32)
        dx, dy = columns - cx, rows - cy
        cos, sin = np.cos(angle), np.sin(angle)
        inside = ((dx * cos + dy * sin) / along) ** 2 + ((-dx * sin + dy * cos) / across) ** 2 < 1
        return (slice(top, max(bottom, top)), slice(left, max(right, left))), inside


def hsv(hue: float, saturation: float, value: float) -> npt.NDArray[np.float32]:
    """Display RGB, float32 [3]; hue wraps, saturation and value are clipped to [0, 1]."""
    clip = (min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
    return np.array(colorsys.hsv_to_rgb(hue % 1, *clip), np.float32)


def _books(c: _Canvas) -> float:
    c.picture[:] = hsv(0.08, 0.5, 0.18 + 0.15 * c.value)
    y = -c.uniform(0, 20) * c.px
    while y < c.height:
        shelf = c.uniform(22, 34) * c.px
        x = 0.0
        while x < c.width:
            width = max(2.0, c.uniform(2.5, 8) * c.px)
            height = shelf * c.uniform(0.7, 0.96)
            _spine(c, x, y + shelf - height, width, height)
            x += width + (c.uniform(1, 4) * c.px if c.chance(0.12) else 0)
        board = 3 * c.px
        c.box(0, y + shelf, c.width, board)[:] = hsv(0.08, 0.5, 0.35 + 0.3 * c.value)
        y += shelf + board
    return 2.6


def _spine(c: _Canvas, x: float, y: float, width: float, height: float) -> None:
    hue = c.hue + c.rng.normal() * 0.16
    colour = hsv(hue, c.uniform(0.15, 0.8), c.uniform(0.2, 0.95) * (0.55 + 0.45 * c.value))
    bands = [(c.uniform(0.1, 0.9), hsv(c.uniform(0, 1), c.uniform(0, 0.5), c.uniform(0.5, 1)))
             for _ in range(int(c.rng.integers(0, 3)))]  # fmt: skip
    title = width > 4 * c.px and c.chance(0.6)
    lengths = c.rng.uniform(0.3, 1, 16)
    spine = c.box(x, y, width, height)
    if spine.size == 0:
        return
    # Spines are convex: darker towards both edges.
    rounded = 0.72 + 0.28 * np.sin(np.linspace(0.25, 2.9, spine.shape[1]))
    spine[:] = colour * rounded[None, :, None]
    for at, band in bands:
        c.box(x, y + height * at, width, max(1.0, 1.2 * c.px))[:] = band
    if title:
        for i, part in enumerate(lengths):
            line_y = y + height * 0.25 + i * 2 * c.px
            if line_y > y + height * 0.75:
                break
            line = c.box(x + width * 0.3, line_y, max(1.0, width * 0.4 * part), max(1.0, c.px))
            line[:] = colour * 0.3 + 0.65


def _foliage(c: _Canvas) -> float:
    mix = np.clip(0.5 + 0.30 * c.noise(1.3) + 0.16 * c.noise(0.75), 0, 1)[..., None]
    deep = hsv(0.22 + 0.14 * c.hue, 0.75, 0.10 + 0.12 * c.value)
    bright = hsv(0.17 + 0.16 * c.hue, 0.7, 0.45 + 0.5 * c.value)
    c.picture[:] = deep * (1 - mix) + bright * mix
    side = 128 * c.px
    leaves = int(c.rng.integers(40, 110) * c.width * c.height / side**2)
    for _ in range(leaves):
        size = c.uniform(0.008, 0.035) * side
        window, leaf = c.ellipse(
            c.uniform(0, c.width),
            c.uniform(0, c.height),
            size * 1.8,
            size * 0.6,
            c.uniform(0, 3.14),
        )
        light = c.uniform(0.25, 1) * (0.5 + 0.5 * c.value)
        colour = hsv(0.15 + 0.22 * c.hue + c.rng.normal() * 0.03, c.uniform(0.4, 0.9), light)
        patch = c.picture[window]
        patch[leaf] = patch[leaf] * 0.25 + 0.75 * colour
    return 4.0


def _posters(c: _Canvas) -> float:
    c.picture *= (1 + 0.05 * c.noise(0.9))[..., None]
    side = 128 * c.px
    for _ in range(int(c.rng.integers(3, 7) * c.width * c.height / side**2)):
        width, height = c.uniform(26, 62) * c.px, c.uniform(24, 60) * c.px
        x, y = c.uniform(-0.1, 0.9) * c.width, c.uniform(-0.1, 0.9) * c.height
        light = c.chance(0.7)
        paper = (
            hsv(c.uniform(0, 1), c.uniform(0.0, 0.6), c.uniform(0.6, 1))
            if light
            else hsv(c.uniform(0, 1), c.uniform(0.4, 0.9), c.uniform(0.1, 0.5))
        )
        c.box(x, y, width, height)[:] = paper
        ink = hsv(c.uniform(0, 1), c.uniform(0, 0.9), 0.12 if paper.mean() > 0.45 else 0.92)
        _text(c, x, y, width, height, ink)
    return 2.2


def _text(c: _Canvas, x: float, y: float, width: float, height: float, ink: Picture) -> None:
    """A headline block, perhaps, then lines of words."""
    line_y = y + 4 * c.px
    if c.chance(0.5):
        block = c.box(x + 3 * c.px, line_y, width - 6 * c.px, height * 0.4)
        block[:] = hsv(c.uniform(0, 1), c.uniform(0.2, 0.9), c.uniform(0.2, 0.9))
        line_y += height * 0.4 + 3 * c.px
    line = max(2.0, c.uniform(2.2, 4.5) * c.px)
    while line_y < y + height - line:
        word_x = x + 3 * c.px
        while word_x < x + width - 5 * c.px:
            word = c.uniform(1, 5) * c.px + 1
            c.box(word_x, line_y, word, max(1.0, line * 0.55))[:] = ink
            word_x += word + max(1.0, 1.2 * c.px)
        line_y += line


def _bricks(c: _Canvas) -> float:
    columns, rows = (axis * 128 for axis in c.grid())
    tall = c.uniform(7, 12)
    wide = tall * c.uniform(2, 2.6)
    row = np.floor(rows / tall)
    shifted = columns + (row % 2) * wide / 2
    brick = np.floor(shifted / wide)
    shade = np.modf(np.abs(np.sin(row * 12.9898 + brick * 78.233 + c.uniform(0, 97)) * 43758.5453))[
        0
    ]
    clay = hsv(0.02 + 0.08 * c.hue, c.uniform(0.35, 0.65), 0.3 + 0.5 * c.value)
    wall = clay * (0.65 + 0.6 * shade)[..., None]
    # Distance to the nearest joint, in either direction: mortar is as wide across as down.
    to_joint = np.minimum(
        np.minimum(rows % tall, tall - rows % tall),
        np.minimum(shifted % wide, wide - shifted % wide),
    )
    wall = np.where((to_joint < 0.9)[..., None], hsv(0.08, 0.1, 0.45 + 0.4 * c.value), wall)
    c.picture[:] = wall * (1 + 0.10 * c.noise(0.5))[..., None]
    return 2.0


def _city(c: _Canvas) -> float:
    dusk = np.linspace(0.95, 0.5, c.height, dtype=np.float32)[:, None, None]
    c.picture[:] = dusk * hsv(c.hue, 0.35, 0.35 + 0.6 * c.value)
    x = 0.0
    while x < c.width:
        width, top = c.uniform(14, 34) * c.px, c.uniform(0.02, 0.55) * c.height
        tint = c.uniform(0.12, 0.7) * (0.4 + 0.6 * c.value)
        wall = hsv(c.hue + c.rng.normal() * 0.08, c.uniform(0.05, 0.4), tint)
        c.box(x, top, width, c.height)[:] = wall
        lamp = hsv(0.12 + c.rng.normal() * 0.03, 0.4, 1) if c.chance(0.6) else wall * 1.6 + 0.1
        _windows(c, x, top, width, wall, lamp)
        x += width
    return 6.0


def _windows(c: _Canvas, x: float, top: float, width: float, wall: Picture, lamp: Picture) -> None:
    across, down = max(2.0, c.uniform(3, 5) * c.px), max(3.0, c.uniform(4, 6) * c.px)
    for wy in np.arange(top + 2 * c.px, c.height, down):
        for wx in np.arange(x + c.px, x + width - 2 * c.px, across):
            glow = lamp * c.uniform(0.5, 1) if c.chance(0.65) else wall * 0.6
            c.box(wx, wy, max(1.0, across * 0.55), max(1.0, down * 0.55))[:] = glow


def _wallpaper(c: _Canvas) -> float:
    x, y = c.grid()
    second = hsv(c.hue + c.uniform(0.2, 0.8), c.uniform(0.2, 0.8), c.uniform(0.3, 1))
    frequency, angle = c.uniform(7, 15), c.uniform(0, 3.14)
    u = (x * np.cos(angle) + y * np.sin(angle)) * frequency
    v = (-x * np.sin(angle) + y * np.cos(angle)) * frequency
    wave_u, wave_v = np.sin(u * 2 * np.pi), np.sin(v * 2 * np.pi)
    designs: tuple[Callable[[], npt.NDArray[np.float64]], ...] = (
        lambda: (wave_u > 0.1).astype(float),
        lambda: 0.5 * (wave_u > 0.3) + 0.5 * (wave_v > 0.3),
        lambda: (wave_u * wave_v > 0.45).astype(float),
        lambda: ((np.abs(u % 1 - 0.5) + np.abs(v % 1 - 0.5)) < 0.33).astype(float),
    )
    ink = designs[int(c.rng.integers(len(designs)))]()[..., None] * 0.85
    c.picture[:] = (c.picture * (1 - ink) + ink * second) * (1 + 0.04 * c.noise(0.6))[..., None]
    return 2.0


def _clutter(c: _Canvas) -> float:
    x, _ = c.grid()
    side = 128 * c.px
    c.picture *= (1 - 0.35 * np.abs(x * side / c.width - c.uniform(0, 1)))[..., None]
    area = c.width * c.height / side**2
    for _ in range(int(c.rng.integers(10, 22) * area)):
        _frame(c)
    for _ in range(int(c.rng.integers(15, 40) * area)):
        radius = c.uniform(0.006, 0.022) * side
        spot = c.ellipse(c.uniform(0, c.width), c.uniform(0, c.height), radius, radius, 0.0)
        c.picture[spot[0]][spot[1]] = hsv(c.uniform(0, 1), c.uniform(0.3, 0.9), c.uniform(0.5, 1))
    return 3.0


def _frame(c: _Canvas) -> None:
    width, height = c.uniform(6, 40) * c.px, c.uniform(6, 40) * c.px
    x, y = c.uniform(-0.1, 1) * c.width, c.uniform(-0.05, 1) * c.height
    wood = hsv(c.hue + c.rng.normal() * 0.2, c.uniform(0.1, 0.8), c.uniform(0.15, 1))
    framed = c.chance(0.7)
    painting = hsv(c.uniform(0, 1), c.uniform(0.1, 0.7), c.uniform(0.3, 1))
    cells = c.rng.standard_normal((5, 5)).astype(np.float32)
    frame = c.box(x, y, width, height)
    if frame.size == 0:
        return
    frame[:] = wood * np.linspace(0.75, 1.15, frame.shape[0], dtype=np.float32)[:, None, None]
    border = max(1, int(2 * c.px))
    inner = frame[border:-border, border:-border]
    if framed and inner.size:
        rows = np.arange(inner.shape[0]) * 5 // max(inner.shape[0], 1)
        columns = np.arange(inner.shape[1]) * 5 // max(inner.shape[1], 1)
        blotch = gaussian_filter(cells[rows][:, columns], 1.2 * c.px)
        inner[:] = np.clip(painting * (1 + 0.6 * blotch[..., None]), 0, 1)


_PAINTERS: tuple[tuple[Callable[[_Canvas], float], tuple[float, float]], ...] = (
    (_books, (0.1, 0.55)),
    (_foliage, (0.3, 0.8)),
    (_posters, (0.1, 0.55)),
    (_bricks, (0.1, 0.55)),
    (_city, (0.3, 0.8)),
    (_wallpaper, (0.1, 0.55)),
    (_clutter, (0.1, 0.55)),
)
"""Painter and range of the lens blur (in 1/128 of a portrait) per kind, in the order of PLATES."""


def draw_plate(
    kind: int, hue: float, value: float, seed: int, *, height: int, width: int, px: float
) -> Plate:
    """Draw a background.

    Args:
        kind: index into `factors.PLATES`.
        hue, value: 0 to 1.
        seed: detail; two seeds give two plates of the same mood.
        height, width: pixels.
        px: pixels per 1/128 of a portrait's side.
    """
    canvas = _Canvas(height, width, px, seed, hue, value)
    painter, (least, most) = _PAINTERS[kind]
    behind = painter(canvas)
    blur = canvas.uniform(least, most) * px
    soft = gaussian_filter(np.clip(canvas.picture, 0, 1), (blur, blur, 0))
    rows = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    columns = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    vignette = 1 - 0.5 * canvas.uniform(0, 1) * (rows**2 + columns**2)
    picture = np.clip(soft * vignette[..., None], 0, 1).astype(np.float32)
    return Plate(picture, np.full((height, width), behind, np.float32))
