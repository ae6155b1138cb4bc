"""pivot: one code of W for all rows, found by optimisation beside the noise; PTI's first phase.

It keeps a draft, so that one that was killed goes on from its last saved step and comes to the very
same code.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unripple.conventions import WPlus
from unripple.stages.align import Aligned
from unripple.stages.interface import Settings, Values, Work, knob
from unripple.stages.projectors import Projector, perceptual_of, perceptual_roles

DRAFT_S = 10.0
"""How often a search saves how far it came."""


@dataclass(frozen=True, kw_only=True)
class PivotSettings(Settings):
    """How the code is found; the published numbers are those of danielroich/PTI."""

    steps: int = knob(450, "how many (published: 450)", minimum=1, maximum=5000)
    mse_weight: float = knob(
        1, "of the mean square difference (published: 0)", minimum=0, maximum=1000000
    )
    perceptual_weight: float = knob(1, "of the perceptual distance", minimum=0, maximum=1000000)
    perceptual: Literal["lpips", "parser"] = knob(
        "parser", "lpips (as published) | parser (its features)"
    )


def project(works: Sequence[Work]) -> list[WPlus]:
    """Photo by photo; each has noise and a stream of its own."""
    own = METHOD.own(works[0].settings)
    return [_found(work, own, draft=len(works) == 1) for work in works]


def _found(work: Work, settings: PivotSettings, *, draft: bool) -> WPlus:
    """One photo's code; the draft of several together would be that of all of them."""
    import torch

    from unripple.models.pivots import Pivot, spread_of
    from unripple.models.tuning import Objective
    from unripple.ops.tensors import device_of, to_tensor

    generator = work.load("generator").net
    picture = work.input(Aligned, "align").picture
    objective = Objective(
        perceptual_of(work, settings, "project.pivot"),
        settings.mse_weight,
        settings.perceptual_weight,
    )
    search = Pivot(
        generator,
        to_tensor(picture, device=device_of(generator)),
        objective,
        spread_of(generator),
        steps=settings.steps,
        resume=work.draft.load() if draft else None,
    )
    saved = time.monotonic()
    for loss in search.run():
        work.on_progress(search.step, settings.steps, loss)
        if draft and time.monotonic() - saved >= DRAFT_S:
            work.draft.save(search.stored)
            saved = time.monotonic()
    with torch.no_grad():
        w_plus: WPlus = generator.rows(search.w.detach())[0].cpu().numpy().astype(np.float32)
    return w_plus


def _decide(settings: Values) -> Values:
    own = dict(settings[METHOD.name])
    if own["perceptual_weight"] == 0:
        del own["perceptual"]
    return {"method": METHOD.name, METHOD.name: own}


def _needs(settings: Values) -> tuple[str, ...]:
    return perceptual_roles(settings.get(METHOD.name, {}))


METHOD = Projector(
    name="pivot",
    help="one code for all rows, found step by step",
    settings=PivotSettings,
    roles=("generator",),
    project=project,
    decide=_decide,
    needs=_needs,
    rank=6,
)
