"""measure: turn an edit into the figures that prove or disprove it."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.conventions import Floats, Mask, Photo
from unripple.metrics.subject import SameFace
from unripple.stages import judging, text_fit
from unripple.stages.align import Aligned
from unripple.stages.compose import Composed
from unripple.stages.drifting import ALSO_OF_EDIT, LPIPS_ROLES, drift_figures, person_after
from unripple.stages.edit import Edited
from unripple.stages.inpaint import Inpainted, what_is_painted
from unripple.stages.interface import Plan, Settings, Stage, Values, Work, knob
from unripple.stages.parse import Parsed
from unripple.stages.register import Registered
from unripple.stages.ripple import Ripple, person

if TYPE_CHECKING:
    from torch import Tensor


class Measured(NamedTuple):
    """The parts of this stage.

    Attributes:
        figures: by name; None is undefined.
        attributes: of an edit that follows a text: what a judge sees in the photo and in the
            result, by name; None for others, or without one.
    """

    figures: Mapping[str, float | None]
    attributes: Mapping[str, Sequence[float]] | None = None


@dataclass(frozen=True, kw_only=True)
class MeasureSettings(Settings):
    """Whom to ask.

    Attributes:
        paints: see `stages.inpaint`; "edited" where there is no plate.
        asked_turn_deg: by how much the edit asks the head to turn.
        moves: its directions and degrees.
        mesh: whether a face mesh judges the turn, too.
        same_person: whether dlib's net judges who it is, on faces that the mesh finds.
        asked_pitch_deg: by how much the edit asks it to nod, for the mesh.
        asked: whether anybody knows what was asked of the edit.
        lpips: whether LPIPS is asked about what lies outside an edit that nobody asked for here.
        texts, seen_by: see `stages.text_fit`.
    """

    pose: bool = knob(True, "ask the pose network")
    identity: bool = knob(True, "ask the identity network")
    paints: str = "photo"
    asked_turn_deg: float | None = None
    moves: Mapping[str, float] = field(default_factory=dict)
    mesh: bool = False
    same_person: bool = False
    asked_pitch_deg: float | None = None
    asked: bool = True
    lpips: bool = False
    texts: Sequence[Mapping[str, Any]] = ()
    seen_by: Sequence[str] = ()


class Truth(NamedTuple):
    """What is known of a rendered photo, all of it in the aligned crop; None where unknown.

    Attributes:
        plate: background without the person, uint8 [S, S, 3].
        counterfactual: the true picture of the edit, uint8 [S, S, 3].
        before, after: true person masks, bool [S, S].
        yaw_deg: true yaw of the counterfactual.
    """

    plate: Photo | None = None
    counterfactual: Photo | None = None
    before: Mask | None = None
    after: Mask | None = None
    yaw_deg: float | None = None


class Judges(NamedTuple):
    """Networks that no loss of the edit used; None where there is none.

    Attributes:
        pose: float [B, 3, S, S] in [-1, 1] -> [B, 3] yaw, pitch, roll in degrees.
        pose_px: side S of its input.
        identity: float [B, 3, n, n] in [-1, 1] -> embedding [B, E].
        identity_px: side n of its input.
        same_face: what `identity` says of true pairs.
    """

    pose: Callable[[Tensor], Tensor] | None = None
    pose_px: int = 128
    identity: Callable[[Tensor], Tensor] | None = None
    identity_px: int = 112
    same_face: SameFace | None = None


NO_TRUTH = Truth()
NO_JUDGES = Judges()


def measure(
    photo: Photo,
    result: Photo,
    before: Mask,
    after: Mask,
    *,
    estimated_plate: Photo | None = None,
    asked_turn_deg: float | None = None,
    truth: Truth = NO_TRUTH,
    judges: Judges = NO_JUDGES,
    wanted: Container[str] | None = None,
) -> dict[str, float]:
    """Measure one edit in the aligned crop.

    Args:
        photo: before the edit, uint8 [S, S, 3].
        result: after it.
        before, after: person masks as parsed, bool [S, S].
        estimated_plate: the painted background, where the true one is unknown.
        asked_turn_deg: by how much the edit was to turn the head; without truth the asked yaw is
            the photo's, as the pose network sees it, plus this.
        truth: what is known of the photo.
        judges: networks to ask.
        wanted: names of the figures to give; None is all of them.

    Returns:
        The figures that truth and judges allow, see `metrics.figures.FIGURES`; nan is undefined.
    """
    from unripple.metrics.figures import edit_figures

    yaw_before = yaw_after = asked = None
    if judges.pose is not None:
        yaw_before, yaw_after = (
            yaw_of(picture, judges.pose, net_size_px=judges.pose_px) for picture in (photo, result)
        )
        if truth.yaw_deg is not None:
            asked = truth.yaw_deg
        elif asked_turn_deg is not None:
            asked = yaw_before + asked_turn_deg
    embeddings: tuple[Floats | None, Floats | None] = (None, None)
    if judges.identity is not None:
        embeddings = (
            embed(photo, judges.identity, net_size_px=judges.identity_px),
            embed(result, judges.identity, net_size_px=judges.identity_px),
        )
    return edit_figures(
        photo,
        result,
        before,
        after,
        plate=truth.plate,
        estimated_plate=estimated_plate,
        counterfactual=truth.counterfactual,
        true_before=truth.before,
        true_after=truth.after,
        asked_yaw_deg=asked,
        achieved_yaw_deg=yaw_after,
        yaw_change_deg=None if yaw_before is None or yaw_after is None else yaw_after - yaw_before,
        photo_embedding=embeddings[0],
        result_embedding=embeddings[1],
        same_face=judges.same_face,
        wanted=wanted,
    )


def yaw_of(picture: Photo, pose: Callable[[Tensor], Tensor], *, net_size_px: int) -> float:
    """Yaw of the face in a picture, degrees, as a pose network sees it."""
    import torch
    import torch.nn.functional as F

    from unripple.ops.tensors import device_of, to_tensor

    with torch.inference_mode():
        looked = to_tensor(picture, device=device_of(pose))
        if looked.shape[-1] != net_size_px:
            size = (net_size_px, net_size_px)
            looked = F.interpolate(looked, size=size, mode="bilinear", antialias=True)
        return float(pose(looked)[0, 0])


def embed(picture: Photo, identity: Callable[[Tensor], Tensor], *, net_size_px: int) -> Floats:
    """Embedding [E] of the face in a picture, as an identity network sees its middle."""
    import torch

    from unripple.models.irse import crop_for_identity
    from unripple.ops.tensors import device_of, to_tensor

    with torch.inference_mode():
        face = crop_for_identity(to_tensor(picture, device=device_of(identity)), net_size_px)
        embedding: Floats = identity(face)[0].float().cpu().numpy()
    return embedding


def run(work: Work, settings: MeasureSettings) -> Measured:
    """Measure the result, and in a few figures the inverter's edit beside it."""
    photo = work.input(Aligned, "align").picture
    elsewhere = work.input(Registered, "edit")
    foreign = elsewhere.drift is not None
    before, after = _persons(work)
    if foreign:
        after = person_after(before, after, elsewhere.differing)
    truth = _truth_in_crop(work)
    painted = None if settings.paints == "edited" else work.input(Inpainted, "inpaint").plate
    judges = _judges(work, settings)
    figures = measure(
        photo,
        work.input(Composed, "compose").picture,
        before,
        after,
        estimated_plate=painted,
        asked_turn_deg=settings.asked_turn_deg,
        truth=truth,
        judges=judges,
    ) | judging.by_mesh(work, settings)
    from unripple.metrics.figures import FIGURES

    edited = work.input(Edited, "edit").picture if elsewhere.given is None else elsewhere.given
    also = ALSO_OF_EDIT if foreign else ()
    rippled = measure(
        photo,
        edited,
        before,
        after,
        estimated_plate=painted,
        truth=truth,
        judges=judges if foreign else NO_JUDGES,
        wanted={name for name, figure in FIGURES.items() if figure.of_edit or name in also},
    )
    compared = {f"{name}_of_edit": value for name, value in rippled.items()}
    if foreign:
        result = work.input(Composed, "compose").picture
        figures |= drift_figures(work, result, before, after, with_lpips=settings.lpips)
    pictures = [photo, work.input(Composed, "compose").picture]
    of_text, seen = text_fit.fit(work, settings.texts, settings.seen_by, pictures)
    # JSON knows no nan.
    every = (figures | compared | of_text).items()
    return Measured({name: None if math.isnan(one) else one for name, one in every}, seen)


def _persons(work: Work) -> tuple[Mask, Mask]:
    """The person before and after, as `ripple` found them, or by the labels without it."""
    if work.has("ripple"):
        mask = work.input(Ripple, "ripple")
        return mask.before, mask.after
    before, after = (person(work.input(Parsed, f"parse@{of}").labels) for of in ("photo", "edit"))
    return before, after


def _truth_in_crop(work: Work) -> Truth:
    """The truth, which is as large as the photo, seen through the crop."""
    truth = work.truth
    if truth is None:
        return Truth()
    visible = work.input(Aligned, "align").seen
    plate, counterfactual, before, after = (
        None if one is None else visible(one)
        for one in (truth.plate, truth.counterfactual, truth.before, truth.after)
    )
    return Truth(plate, counterfactual, before, after, truth.yaw_deg)


def _judges(work: Work, settings: MeasureSettings) -> Judges:
    judges: dict[str, Any] = {}
    if settings.pose:
        pose = work.load("pose")
        judges |= {"pose": pose.net, "pose_px": pose.size_px}
    if settings.identity:
        identity = work.load("identity")
        judges |= {"identity": identity.net, "identity_px": identity.net.input_size}
        reference = identity.metadata.get("same_face")
        if reference is not None:
            columns = {name: np.array(values) for name, values in reference.items()}
            judges["same_face"] = SameFace(**columns)
    return Judges(**judges)


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """What was asked of the edit, and whom of those that are to be asked the models have."""
    judges = {role: settings[role] and plan.has_model(role) for role in ("pose", "identity")}
    asked = plan.asked_turn_deg(plan.moves) if settings.get("asked", True) else None
    if "yaw_to" in plan.turn:
        asked = None  # that depends on the photo
    elif asked is not None and "yaw" in plan.beyond_generator:
        asked += plan.turn["yaw"]
    decided = {**settings, **judges, "moves": plan.moves, "asked_turn_deg": asked}
    if plan.has_model(judging.MESH):
        nod = None if "pitch_to" in plan.turn else plan.turn.get("pitch", 0.0)
        decided |= {"mesh": True, "asked_pitch_deg": nod if asked else None}
        if plan.has_model(judging.IDENTITY):
            decided["same_person"] = True
    if not settings.get("asked", True) and all(plan.has_model(role) for role in LPIPS_ROLES):
        decided["lpips"] = True
    return decided | text_fit.decide(plan)


def roles(settings: Values) -> tuple[str, ...]:
    """Those that are asked."""
    judges = tuple(role for role in ("pose", "identity") if settings[role])
    of_photos = {judging.MESH: "mesh", judging.IDENTITY: "same_person"}
    mesh = tuple(role for role, asked in of_photos.items() if settings.get(asked))
    lpips = LPIPS_ROLES if settings.get("lpips") else ()
    return (*judges, *mesh, *lpips, *settings.get("seen_by", ()))


STAGE = Stage(
    name="measure",
    help="measure the edit",
    version=1,
    run=run,
    outputs=Measured,
    settings=MeasureSettings,
    edit_inputs=("align", "edit", "ripple", "inpaint", "compose"),
    shows="figures",
    roles=roles,
    borrows=what_is_painted,
    decide=decide,
    reads_truth=True,
)
