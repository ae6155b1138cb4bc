"""Named points as an SVG: small enough to be written by hand, and to be read in a diff.

matplotlib was considered: it would be a dependency of every developer for one picture of a dozen
points, and its SVGs are thousands of lines that change with its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 60, 130, 20, 50
LINE_PX = 14  # between labels that would lie on each other
INK, FAINT, POINT = "#282828", "#d8d8d8", "#d6366b"


def scatter(points: Mapping[str, tuple[float, float]], axes: tuple[str, str]) -> str:
    """Draw points with their names.

    Args:
        points: name -> x, y.
        axes: what x and y are.

    Returns:
        The text of the SVG.
    """
    low = [min(one[axis] for one in points.values()) for axis in (0, 1)]
    high = [max(one[axis] for one in points.values()) for axis in (0, 1)]
    from_, to = [int(v - 0.5) for v in low], [int(v + 1.5) for v in high]

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - from_[0]) / (to[0] - from_[0])
        up = (y - from_[1]) / (to[1] - from_[1])
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    shapes = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for x in range(from_[0], to[0] + 1):
        px, bottom = at(x, from_[1])
        shapes.append(_line(px, bottom, px, at(x, to[1])[1]))
        shapes.append(_text(px, bottom + 16, str(x), "middle"))
    for y in range(from_[1], to[1] + 1):
        left, py = at(from_[0], y)
        shapes.append(_line(left, py, at(to[0], y)[0], py))
        shapes.append(_text(left - 6, py + 4, str(y), "end"))
    shapes.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, axes[0], "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 16 {middle:g})"'
    shapes.append(_text(16, middle, axes[1], "middle", turned))
    taken: list[tuple[float, float]] = []
    for name, (x, y) in sorted(points.items(), key=lambda one: -one[1][1]):
        px, py = at(x, y)
        shapes.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{POINT}"/>')
        label = py + 4
        while any(abs(label - other) < LINE_PX and abs(px - ox) < 110 for ox, other in taken):
            label += 1
        taken.append((px, label))
        shapes.append(_text(px + 8, label, name, "start"))
    return "\n".join([*shapes, "</svg>", ""])


def _line(x0: float, y0: float, x1: float, y1: float) -> str:
    ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line {ends} stroke="{FAINT}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
