"""pti: the generator's weights are tuned to the photo (pivotal tuning), and draw its edits.

Every photo has a copy of the generator, so photos of a shard do not know of each other. What is
kept is what was added to the weights, as float16. It keeps a draft: one that was killed goes on
from its last saved step and comes to the very same weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from unripple.conventions import BadCheckpoint, Floats, Photo, WPlus
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings, edit_plainly
from unripple.stages.encoders import ENCODERS
from unripple.stages.interface import Model, Plan, Settings, Values, Work, knob
from unripple.stages.invert import Inverted, codes_of, invert_plainly, restyled
from unripple.stages.inverters import Inverter
from unripple.stages.project import Projected
from unripple.stages.projectors import chosen_perceptual, perceptual_of, perceptual_roles
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.stylegan2 import Generator
    from unripple.models.tuning import Locality, Objective, Seen, Tuning

DRAFT_S = 20.0
"""How often a tuning saves how far it came; at 1024 px a draft has 360 MB."""


@dataclass(frozen=True, kw_only=True)
class PtiSettings(Settings):
    """How far the weights go; the published numbers are those of danielroich/PTI."""

    tune: Literal["auto", "distance", "steps"] = knob(
        "auto",
        "when to stop: auto (after `at_least`, before the mirrored photo is drawn worse) | "
        "distance (as published, at `enough`) | steps (after all of them)",
    )
    at_least: int = knob(
        90, "tune auto: steps that are always made; edits only gain", minimum=0, maximum=5000
    )
    steps: int = knob(350, "at most (published: 350)", minimum=1, maximum=5000)
    enough: float = knob(
        0.06, "tune distance: the perceptual distance that ends it", minimum=0, maximum=10
    )
    learning_rate: float = knob(0.003, "of adam (published: 0.0003)", above=0, maximum=1)
    mse_weight: float = knob(
        10, "of the mean square difference (published: 1)", minimum=0, maximum=1000000
    )
    perceptual_weight: float = knob(1, "of the perceptual distance", minimum=0, maximum=1000000)
    perceptual: Literal["auto", "lpips", "parser"] = knob(
        "auto", "lpips (as published) | parser (its features) | auto (lpips, where models have it)"
    )
    locality_weight: float = knob(
        0,
        "of the change of what codes nearby draw (published: 0, and 0.1 where it is used)",
        minimum=0,
        maximum=1000000,
    )
    locality_reach: float = knob(30, "how far from the photo's codes", above=0, maximum=100000)


def tune(
    photo: Photo,
    w_plus: WPlus,
    generator: Generator,
    objective: Objective,
    *,
    settings: PtiSettings,
    mean: Tensor | None = None,
    mirrored: WPlus | None = None,
    resume: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Iterator[tuple[Tuning, Seen]]:
    """Tune a copy of a generator to a photo.

    Args:
        photo: the aligned picture, uint8 [S, S, 3].
        w_plus: its codes, float32 [L, W]: the pivot, which stays.
        generator: stays as it is.
        objective: what is minimised.
        settings: how far to go.
        mean: the generator's mean code, for the locality regulariser.
        mirrored: codes of the mirrored photo, for `tune: auto`.
        resume: `Tuning.stored` of the same call, interrupted.

    Yields:
        The tuning and what it sees, before every step and at the end.
    """
    from unripple.models.tuning import Holdout, Locality, Tuning
    from unripple.ops.tensors import device_of, to_tensor

    locality: Locality | None = None
    if settings.locality_weight:
        assert mean is not None
        locality = Locality(mean, settings.locality_weight, settings.locality_reach)
    codes, target = codes_of(w_plus, generator), to_tensor(photo, device=device_of(generator))
    holdout = None
    if mirrored is not None:
        holdout = Holdout(codes_of(mirrored, generator), target.flip(3), first=settings.at_least)
    tuning = Tuning(
        generator,
        codes,
        target,
        objective,
        rate=settings.learning_rate,
        locality=locality,
        holdout=holdout,
        resume=resume,
    )
    for progress in tuning.run(settings.steps):
        yield tuning, progress
        if _is_enough(progress, settings):
            return


def _is_enough(seen: Seen, settings: PtiSettings) -> bool:
    return settings.tune == "distance" and seen.distance <= settings.enough


def tuned_generator(work: Work) -> Generator:
    """The photo's own generator, for every kind of edit, those of style space too."""
    import torch

    from unripple.models.tuning import tuned

    kept = work.input(Inverted, "invert").difference
    assert kept is not None
    generator: Generator = work.load("generator").net
    return tuned(generator, torch.from_numpy(np.array(kept)))


def invert(work: Work) -> Inverted:
    """See `tune`; the picture is drawn by the weights that are kept."""
    import torch

    from unripple.models.tuning import Objective, tuned

    settings: PtiSettings = METHOD.own(work.settings)
    photo = work.input(Aligned, "align").picture
    w_plus = work.input(Projected, "project").w_plus
    generator = work.load("generator")
    saved = time.monotonic()
    for tuning, progress in tune(
        photo,
        w_plus,
        generator.net,
        Objective(
            perceptual_of(work, METHOD.own(work.settings), "invert.pti"),
            settings.mse_weight,
            settings.perceptual_weight,
        ),
        settings=settings,
        mean=_mean(generator) if settings.locality_weight else None,
        mirrored=_mirrored(work, photo) if settings.tune == "auto" else None,
        resume=work.draft.load(),
    ):
        work.on_progress(progress.step, settings.steps, progress.loss)
        if time.monotonic() - saved >= DRAFT_S:
            work.draft.save(tuning.stored)
            saved = time.monotonic()
    kept: Floats = tuning.difference.cpu().numpy().astype(np.float16)
    net = tuned(generator.net, torch.from_numpy(kept))
    picture = invert_plainly(w_plus, net, size_px=photo.shape[0]).picture
    return Inverted(picture, None, difference=kept)


def _mirrored(work: Work, photo: Photo) -> WPlus:
    """The encoder's codes of the mirrored photo."""
    model = work.load("encoder")
    return ENCODERS[model.network].codes(np.ascontiguousarray(photo[:, ::-1]), model)


def _mean(generator: Model) -> Tensor:
    """The generator's mean code.

    Raises:
        BadCheckpoint: its file lacks it.
    """
    if "latent_avg" not in generator.extras:
        raise BadCheckpoint(
            f"{generator.path}: lacks `latent_avg`, near which invert.pti.locality_weight looks; "
            "set that to 0, or name a file that holds it under models.generator"
        )
    return generator.extras["latent_avg"]


def edit(work: Work, settings: EditSettings) -> Edited:  # noqa: ARG001
    """Draw the edited codes by the photo's own generator."""
    size_px = work.input(Aligned, "align").picture.shape[0]
    moved = work.input(Translated, "translate")
    generator = restyled(tuned_generator(work), moved.styles)
    return Edited(edit_plainly(moved.w_plus, generator, size_px=size_px))


def _decide(settings: Values, plan: Plan) -> Values:
    """The settings that decide weights, and which distance it is."""
    own = dict(settings[METHOD.name])
    unused = [] if own["tune"] == "distance" else ["enough"]
    if own["tune"] != "auto":
        unused += ["at_least"]
    if own["locality_weight"] == 0:
        unused += ["locality_reach"]
    if own["perceptual_weight"] == 0:
        unused += ["perceptual"]
    else:
        own["perceptual"] = chosen_perceptual(own, plan)
    return {**settings, METHOD.name: {k: v for k, v in own.items() if k not in unused}}


def _inverts_with(settings: Values) -> tuple[str, ...]:
    own = settings.get(METHOD.name, {})
    looked = ("encoder",) if own.get("tune", "auto") == "auto" else ()
    return (*looked, *perceptual_roles(own))


METHOD = Inverter(
    name="pti",
    help="a generator tuned to the photo",
    roles=("generator",),
    settings=PtiSettings,
    invert=invert,
    edit=edit,
    decide=_decide,
    inverts_with=_inverts_with,
    rank=3,
)
