"""restore: repair what the generator drew badly in the face.

The background keeps every byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from unripple.conventions import Labels, Mask, Photo
from unripple.ops.masks import require_same_size
from unripple.ops.mixing import restored_mixed
from unripple.ops.regions import parts_of
from unripple.stages.edit import Edited
from unripple.stages.interface import CETERIS_PARIBUS, Plan, Settings, Stage, Values, Work, knob
from unripple.stages.parse import Parsed

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.layers.synthesis import Noise

GFPGAN, NONE = "gfpgan", "none"


class Restored(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: the edit with its face repaired, uint8 [S, S, 3].
        changed: of an edit that drew nothing anew, what it changed, see `stages.edit`; else None.
    """

    picture: Photo
    changed: Mask | None = None


@dataclass(frozen=True, kw_only=True)
class RestoreSettings(Settings):
    """Whether, and how much of, a restored face is taken."""

    restorer: str = knob(
        "auto",
        "auto (gfpgan, where the models have one) | gfpgan | none",
        choices=("auto", GFPGAN, NONE),
    )
    weight: float = knob(1, "share of the restored face", minimum=0, maximum=1)
    margin_px: float = knob(
        1.5, "how far into clothes and hat it reaches, fading", above=0, maximum=128
    )


class Restorer(Protocol):
    """What a restorer must be able to do; `models.gfpgan.GFPGAN` is one."""

    def __call__(self, picture: Tensor, *, noise: Noise) -> Tensor:
        """Pictures [B, 3, S, S] -> repaired ones."""
        ...


def restore(
    edited: Photo,
    labels: Labels,
    network: Restorer,
    *,
    net_size_px: int,
    weight: float = 1.0,
    margin_px: float,
) -> Photo:
    """Lay the restored face over the edit.

    Args:
        edited: the drawn edit, uint8 [S, S, 3].
        labels: its parts, uint8 [S, S] of `Face`.
        network: drawn with its stored noise, so that the bytes are the same every time.
        net_size_px: side of the network's pictures.
        weight: share of the restored face in the face.
        margin_px: how far into clothes and hat it reaches, fading.

    Returns:
        uint8 [S, S, 3].

    Raises:
        ShapeMismatch: the arrays differ in size.

    Source: valentingol/gan-face-editing, pipeline/gfp_gan.py.
    """
    import torch

    from unripple.ops.restoring import restorer_input
    from unripple.ops.tensors import device_of, resized, to_photo

    require_same_size(edited=edited, labels=labels)
    with torch.inference_mode():
        looked = restorer_input(edited, net_size_px, device=device_of(network))
        drawn = to_photo(network(looked, noise="stored"))
    restored = resized(drawn, edited.shape[0])
    return restored_mixed(edited, restored, parts_of(labels), margin_px=margin_px, weight=weight)


def run(work: Work, settings: RestoreSettings) -> Restored:
    """Repair the drawn face, or hand the edit on as it is."""
    edit = work.input(Edited, "edit")
    edited = edit.picture
    if edit.changed is not None:  # the photo's own pixels need no repair
        return Restored(edited, edit.changed)
    if settings.restorer == NONE:
        return Restored(edited)
    model = work.load("restorer")
    restored = restore(
        edited,
        work.input(Parsed, "parse@edit").labels,
        model.net,
        net_size_px=model.size_px,
        weight=settings.weight,
        margin_px=settings.grown(edited).margin_px,
    )
    return Restored(restored)


def repairs(settings: Values, plan: Plan) -> bool:
    """Whether faces are drawn anew: not if the models have no restorer and none was asked for.

    Raises:
        BadConfig: one was asked for, and there is none.
    """
    if settings["restorer"] == GFPGAN:
        plan.require_model("restorer")
        return True
    return settings["restorer"] != NONE and plan.has_model("restorer")


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """Who restores; the knobs only if somebody does."""
    if repairs(settings, plan):
        return {**settings, "restorer": GFPGAN}
    return {"restorer": NONE, "digital_source_type": settings["digital_source_type"]}


def roles(settings: Values) -> tuple[str, ...]:
    """The restorer, if there is one."""
    return () if settings["restorer"] == NONE else ("restorer",)


# The restorer's answer is held to the face, so the edit's labels come first.
STAGE = Stage(
    name="restore",
    help="repair what the generator drew badly in the face",
    version=1,
    run=run,
    outputs=Restored,
    settings=RestoreSettings,
    edit_inputs=("edit", "parse@edit"),
    edit_title="restored",
    recipes=(CETERIS_PARIBUS,),
    roles=roles,
    decide=decide,
    marked=True,
)
