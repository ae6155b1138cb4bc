"""The call of `project`: the encoder's codes, and where asked an optimisation from there on.

The optimisation keeps a draft, so that one that was killed goes on from its last saved iterate and
comes to the very same codes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadCheckpoint, BadConfig

if TYPE_CHECKING:
    from unripple.api.work import Work
    from unripple.conventions import WPlus
    from unripple.io.artifact import Artifact
    from unripple.models.anycost import Distance

DRAFT_S = 10.0
"""How often an optimisation saves how far it came."""

_NOT_OF_THE_STAGE = ("method", "perceptual_weight")


def project(work: Work) -> Artifact:
    """Encode the aligned picture, and draw nearer to it if asked."""
    return project_together([work])[0]


def project_together(works: Sequence[Work]) -> list[Artifact]:
    """Project several pictures as one batch; draft and progress are those of the first."""
    codes = [_encoded(work) for work in works]
    if works[0].settings:
        codes = _optimised(works, codes)
    return [{"w_plus": w_plus} for w_plus in codes]


def _encoded(work: Work) -> WPlus:
    from unripple.stages import project as stage

    encoder, picture = work.zoo.load("encoder"), work.array("align.picture")
    if encoder.network == "anycost_encoder":
        own: Any = encoder.net
        return stage.project_by_anycost(picture, own)
    if "latent_avg" not in encoder.extras:
        raise BadCheckpoint(f"{encoder.path}: lacks `latent_avg`, the mean that codes start from")
    latent_avg = encoder.extras["latent_avg"]
    return stage.project(picture, encoder.net, latent_avg, net_size_px=encoder.size_px)


def _optimised(works: Sequence[Work], encoded: Sequence[WPlus]) -> list[WPlus]:
    from unripple.stages import project as stage

    first = works[0]
    generator: Any = first.zoo.load("generator").net
    knobs = {k: v for k, v in first.settings.items() if k not in _NOT_OF_THE_STAGE}
    pictures = [work.array("align.picture") for work in works]
    saved = time.monotonic()
    for progress in stage.optimise(
        pictures,
        encoded,
        generator,
        perceptual=_perceptual(first),
        resume=first.draft.load(),
        **knobs,
    ):
        first.tell(progress.iteration, knobs["iterations"], float(progress.loss.mean()))
        if time.monotonic() - saved >= DRAFT_S:
            first.draft.save(progress.stored)
            saved = time.monotonic()
    return progress.w_plus


def _perceptual(work: Work) -> Distance | None:
    """How different two pictures look to the parser, weighted; None if that weighs nothing.

    Raises:
        BadConfig: the parser chosen has no features of that kind.
    """
    from unripple.models.perceptual import FeatureDistance

    weight = work.settings["perceptual_weight"]
    if not weight:
        return None
    parser = work.zoo.load("parser")
    if parser.network != "bisenet":
        raise BadConfig(
            f"project.perceptual_weight: {parser.network} has no features to compare; choose a "
            "BiSeNet under models.parser, or weight 0"
        )
    net: Any = parser.net
    distance = FeatureDistance(net)
    return lambda a, b: weight * distance(a, b)
