"""What directions move, written down: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from unripple.training.latent_directions import Fit, Moved
from unripple.zoo.directions import Direction


def report(
    directions: Sequence[Direction],
    moved: Mapping[str, Moved],
    fits: Sequence[Fit] = (),
    *,
    command: str,
) -> tuple[str, str]:
    """What directions do: Markdown for people, JSON for programs.

    Args:
        directions: in the order of the report.
        moved: what the attribute network saw of them; may lack some.
        fits: what is known from the labels.
        command: what makes the report again.
    """
    fit_of = {fit.direction.name: fit for fit in fits}
    lines = [
        "# What the directions move",
        "",
        f"Made by `{command}`. All figures are per degree, as the attribute network sees it in the "
        "pictures: in standard deviations of the factor over faces, or as a chance where it is "
        "there or not. Purity is the own factor's move over that of the most moved other one.",
        "",
        "| direction | factor | moves it | one way | purity | moves others most | accuracy |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_summary(one.name, moved.get(one.name), fit_of.get(one.name)) for one in directions]
    owns = list(dict.fromkeys(moved[d.name].own for d in directions if d.name in moved))
    if owns:
        lines += ["", "The matrix, own factors in bold:", "", "| | " + " | ".join(owns) + " |"]
        lines.append("| --- " * (len(owns) + 1) + "|")
        for one in directions:
            if one.name in moved:
                lines.append(_matrix_line(one.name, moved[one.name], owns))
    content = {
        one.name: {
            **_figures(moved.get(one.name)),
            **({"read": dict(fit_of[one.name].read)} if one.name in fit_of else {}),
            "accuracy": fit_of[one.name].accuracy if one.name in fit_of else None,
            "usable": one.usable,
        }
        for one in directions
    }
    return "\n".join(lines) + "\n", json.dumps(content, indent=1, sort_keys=True) + "\n"


def _figures(moved: Moved | None) -> dict[str, Any]:
    if moved is None:
        return {}
    return {
        "factor": moved.own,
        "monotone": moved.monotone,
        "purity": moved.purity,
        "range": moved.range,
        "per_degree": dict(moved.per_degree),
    }


def _summary(name: str, moved: Moved | None, fit: Fit | None) -> str:
    accuracy = "" if fit is None or fit.accuracy is None else f"{fit.accuracy:.3f}"
    if moved is None:
        return f"| {name} | | | | | | {accuracy} |"
    others = ", ".join(f"{n} {moved.per_degree[n]:+.2f}" for n in moved.others[:3])
    own, way = moved.per_degree[moved.own], "yes" if moved.monotone else "no"
    return (
        f"| {name} | {moved.own} | {own:+.2f} | {way} | {moved.purity:.1f} | {others} "
        f"| {accuracy} |"
    )


def _matrix_line(name: str, moved: Moved, owns: Sequence[str]) -> str:
    cells = [
        f"**{moved.per_degree[n]:+.2f}**" if n == moved.own else f"{moved.per_degree[n]:+.2f}"
        for n in owns
    ]
    return f"| {name} | " + " | ".join(cells) + " |"
