"""Edits of held-out people by several recipes side by side, and the figures that judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.heldout import Case
from unripple.conventions import Mask, Photo
from unripple.io.artifact import Artifact
from unripple.io.config import Edit
from unripple.metrics.figures import edit_figures
from unripple.runtime.cache import MemoryCache
from unripple.runtime.editor import Editor
from unripple.stages import compose, inpaint
from unripple.stages.interface import grown
from unripple.stages.measure import embed, yaw_of
from unripple.zoo import zoo
from unripple.zoo.zoo import Zoo

ALIGNED: dict[str, Any] = {"align": {"mode": "aligned"}}  # held-out people are crops already

Row = dict[str, float]
Artifacts = dict[str, Artifact]


class Recipe(NamedTuple):
    """Settings that differ from the defaults, and the stage whose picture is judged."""

    settings: Mapping[str, Any] = {}
    stage: str = "compose"


E4E = {"invert": {"method": "e4e"}}
FAITHFUL = {"models": {"hfgi": "hfgi-faithful"}}


class Bench:
    """Recipes under test and the networks that judge them.

    What several recipes have in common is computed once.

    Args:
        recipes: by the name of their row.
    """

    def __init__(self, recipes: Mapping[str, Recipe]) -> None:
        self.recipes = recipes
        cache = MemoryCache()
        self.editors = {
            name: Editor(settings=ALIGNED | dict(recipe.settings), cache=cache)
            for name, recipe in recipes.items()
        }
        zoo.keep_networks()  # those that several recipes use are loaded once
        judges = Zoo()
        self.pose, self.identity = judges.load("pose"), judges.load("identity")

    def walk(self, case: Case, name: str) -> Artifacts:
        """One recipe, all stages up to the one that is judged."""
        edit = Edit("edit", (("pose", case.degree),))
        return self.editors[name].run(case.photo, self.recipes[name].stage, edit)

    def pictures(self, case: Case) -> dict[str, Photo]:
        """What every recipe makes of a case."""
        found: dict[str, Any] = {}
        for name, recipe in self.recipes.items():
            found[name] = self.walk(case, name)[recipe.stage]["picture"]
        return found

    def measure(self, case: Case) -> dict[str, Row]:
        """Figures of every recipe for one case, and those of the truth as a check."""
        found: dict[str, Row] = {}
        known: dict[int, Row] = {}  # recipes that agree share their picture, and so its figures
        for name, recipe in self.recipes.items():
            walked = self.walk(case, name)
            result: Any = walked[recipe.stage]["picture"]
            if id(result) not in known:
                known[id(result)] = self.figures(case, result)
            found[name] = dict(known[id(result)])
            if "touched" in walked[recipe.stage]:
                touched: Any = walked["compose"]["touched"]
                same = (result == case.photo)[~touched]
                if same.size:
                    found[name]["identical_outside_silhouettes"] = float(same.mean())
        return found | {"truth": self.figures(case, case.counterfactual)}

    def figures(self, case: Case, result: Photo) -> Row:
        """All that the truth allows to say about one picture."""
        embeddings = [
            embed(shown, self.identity.net, net_size_px=self.identity.size_px)
            for shown in (case.photo, result)
        ]
        return edit_figures(
            case.photo,
            result,
            case.before,
            case.after,
            plate=case.plate,
            counterfactual=case.counterfactual,
            asked_yaw_deg=case.yaw_deg,
            achieved_yaw_deg=yaw_of(result, self.pose.net, net_size_px=self.pose.size_px),
            photo_embedding=embeddings[0],
            result_embedding=embeddings[1],
        )


def by_depth_alone(walked: Artifacts, fill: inpaint.Fill, config: Mapping[str, Any]) -> Photo:
    """The composed picture if depth alone told who is person: the parser only eases the head.

    Args:
        walked: artifacts up to `compose` by the default recipe.
        fill: the painter.
        config: of that recipe.
    """
    photo: Any = walked["align"]["picture"]
    edited: Any = walked["edit"]["picture"]
    plain: Any = walked["edit"]["plain"]
    labels: Any = walked["parse"]["labels"]
    before, after = _foreground(walked)

    def px(stage: str, name: str) -> float:
        return grown(name, config[stage][name], before)

    painted = inpaint.inpaint_plate(
        photo,
        before,
        after,
        fill=fill,
        grow_px=px("inpaint", "grow_px"),
        min_area_px=round(px("inpaint", "min_area_px")),
    )
    eased = compose.ease_head(
        edited,
        plain,
        labels,
        detail=config["compose"]["head_detail"],
        feather_px=grown("feather_px", compose.HEAD_FEATHER_PX, labels),
    )
    feather_px = px("compose", "feather_px")
    return compose.compose_plate(
        photo, eased, painted.plate, painted.vacated, after, feather_px=feather_px
    ).picture


def _foreground(walked: Artifacts) -> tuple[Mask, Mask]:
    near: Any = walked["foreground"]
    return near["before"], near["after"]


ABSOLUTE = ("ghost_transmission", "inner_ghost", "yaw_error")
"""Figures whose sign may cancel: the median of their size is given as well."""


def medians(rows: list[dict[str, Row]]) -> dict[str, Row]:
    """Recipe -> figure -> median over all cases; undefined figures are left out of it.

    For `ABSOLUTE` figures the median of their size is added as `<name>_abs`.
    """
    table: dict[str, Row] = {}
    for recipe in rows[0]:
        table[recipe] = {}
        for name in dict.fromkeys(name for row in rows for name in row[recipe]):
            values = np.array([row[recipe].get(name, np.nan) for row in rows], np.float64)
            if np.isfinite(values).any():
                table[recipe][name] = float(np.nanmedian(values))
                if name in ABSOLUTE:
                    table[recipe][f"{name}_abs"] = float(np.nanmedian(np.abs(values)))
    return table
