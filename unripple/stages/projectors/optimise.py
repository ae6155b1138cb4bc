"""optimise: on from the encoder's codes, drawing nearer to the photo.

It keeps a draft, so that one that was killed goes on from its last saved iterate and comes to the
very same codes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unripple.conventions import BadConfig, WPlus
from unripple.stages.align import Aligned
from unripple.stages.interface import Values, Work
from unripple.stages.project import ProjectSettings, optimise
from unripple.stages.projectors import Projector
from unripple.stages.projectors.encoder import project as encode

if TYPE_CHECKING:
    from unripple.models.anycost import Distance

DRAFT_S = 10.0
"""How often an optimisation saves how far it came."""


def project(works: Sequence[Work]) -> list[WPlus]:
    """Several pictures as one batch; draft and progress are those of the first."""
    first = works[0]
    settings = ProjectSettings.of(first.settings)
    saved = time.monotonic()
    for progress in optimise(
        [work.input(Aligned, "align").picture for work in works],
        encode(works),
        first.load("generator").net,
        iterations=settings.iterations,
        optimiser=settings.optimiser,
        mse_weight=settings.mse_weight,
        encoder_weight=settings.encoder_weight,
        perceptual=_perceptual(first, settings.perceptual_weight),
        learning_rate=settings.learning_rate,
        resume=first.draft.load(),
    ):
        first.on_progress(progress.iteration, settings.iterations, float(progress.loss.mean()))
        if time.monotonic() - saved >= DRAFT_S:
            first.draft.save(progress.stored)
            saved = time.monotonic()
    return progress.w_plus


def _perceptual(work: Work, weight: float) -> Distance | None:
    """How different two pictures look to the parser, weighted; None if that weighs nothing.

    Raises:
        BadConfig: the parser chosen has no features of that kind.
    """
    from unripple.models.perceptual import FeatureDistance

    if not weight:
        return None
    parser = work.load("parser")
    if parser.network != "bisenet":
        raise BadConfig(
            f"project.perceptual_weight: {parser.network} has no features to compare; choose a "
            "BiSeNet under models.parser, or weight 0"
        )
    distance = FeatureDistance(parser.net)
    return lambda a, b: weight * distance(a, b)


def _decide(settings: Values) -> Values:
    if settings["iterations"] == 0:
        return {}  # the encoder's codes, under its key
    unused = () if settings["optimiser"] == "adam" else ("learning_rate",)
    return {name: value for name, value in settings.items() if name not in unused}


def _needs(settings: Values) -> tuple[str, ...]:
    return ("parser",) if settings["perceptual_weight"] else ()


METHOD = Projector(
    name="optimise",
    help="go on from there, drawing nearer to the photo",
    roles=("encoder", "generator"),
    project=project,
    decide=_decide,
    needs=_needs,
    rank=2,
)
