"""Named points as an SVG: small enough to be written by hand, and to be read in a diff.

matplotlib was considered: it would be a dependency of every developer for two pictures of a dozen
points, and its SVGs are thousands of lines that change with its version.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 60, 130, 20, 50
MOST_TICKS = 8
MARGIN = 0.06  # of the range, around the outermost points
LINE_PX = 14  # between labels that would lie on each other
LABEL_PX = 110  # longest label
INK, FAINT, POINT, PERFECT = "#282828", "#d8d8d8", "#d6366b", "#1c7a3e"
COLOURS = ("#d6366b", "#1f6fb4", "#1c7a3e", "#b06a00")

Point = tuple[float, float]


class Frame:
    """Axes with round ticks.

    Args:
        points: all that must be seen.
        axes: what x and y are.
    """

    def __init__(self, points: Sequence[Point], axes: tuple[str, str]) -> None:
        self.low, self.high = [], []
        for axis in (0, 1):
            values = [point[axis] for point in points]
            low, high = min(values), max(values)
            margin = MARGIN * (high - low or 1.0)
            self.low.append(low - margin)
            self.high.append(high + margin)
        self.axes = axes

    def at(self, x: float, y: float) -> Point:
        """Where a point lies, px."""
        across = (x - self.low[0]) / (self.high[0] - self.low[0])
        up = (y - self.low[1]) / (self.high[1] - self.low[1])
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    def drawn(self) -> list[str]:
        """Paper, ticks and what the axes are."""
        shapes = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="12" fill="{INK}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        ]
        for x in ticks(self.low[0], self.high[0]):
            px, _ = self.at(x, 0)
            shapes.append(_line(px, HEIGHT - BOTTOM, px, TOP))
            shapes.append(_text(px, HEIGHT - BOTTOM + 16, f"{x:g}", "middle"))
        for y in ticks(self.low[1], self.high[1]):
            _, py = self.at(0, y)
            shapes.append(_line(LEFT, py, WIDTH - RIGHT, py))
            shapes.append(_text(LEFT - 6, py + 4, f"{y:g}", "end"))
        shapes.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, self.axes[0], "middle"))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        turned = f'transform="rotate(-90 16 {middle:g})"'
        return [*shapes, _text(16, middle, self.axes[1], "middle", turned)]


def scatter(
    points: Mapping[str, Point], axes: tuple[str, str], perfect: Mapping[str, Point] | None = None
) -> str:
    """Draw points with their names.

    Args:
        points: name -> x, y.
        axes: what x and y are.
        perfect: what the others are to come near, drawn as rings.

    Returns:
        The text of the SVG.
    """
    ideal = perfect or {}
    both = {**points, **ideal}
    frame = Frame(list(both.values()), axes)
    shapes = frame.drawn()
    taken: list[Point] = []
    for name, (x, y) in sorted(both.items(), key=lambda one: -one[1][1]):
        px, py = frame.at(x, y)
        look = f'r="4" fill="{POINT}"'
        if name in ideal:
            look = f'r="5" fill="none" stroke="{PERFECT}" stroke-width="2"'
        shapes.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" {look}/>')
        label = py + 4
        while any(abs(label - other) < LINE_PX and abs(px - ox) < LABEL_PX for ox, other in taken):
            label += 1
        taken.append((px, label))
        shapes.append(_text(px + 8, label, name, "start"))
    return "\n".join([*shapes, "</svg>", ""])


def curves(lines: Mapping[str, Sequence[Point]], axes: tuple[str, str]) -> str:
    """Draw lines through points, each with its name at the end; the text of the SVG."""
    frame = Frame([point for line in lines.values() for point in line], axes)
    shapes = frame.drawn()
    taken: list[float] = []
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [frame.at(*point) for point in line]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        shapes += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        px, label = places[-1][0] + 8, places[-1][1] + 4
        while any(abs(label - other) < LINE_PX for other in taken):
            label += 1
        taken.append(label)
        shapes.append(_text(px, label, name, "start", f'fill="{colour}"'))
    return "\n".join([*shapes, "</svg>", ""])


def ticks(low: float, high: float) -> list[float]:
    """At most eight round numbers between two."""
    rough = (high - low) / MOST_TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * by for by in (1, 2, 5, 10) if power * by >= rough)
    first = math.ceil(low / step)
    last = math.floor(high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _line(x0: float, y0: float, x1: float, y1: float) -> str:
    ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line {ends} stroke="{FAINT}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
