"""edit: draw the translated codes, ripples and all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.conventions import (
    Floats,
    Labels,
    Landmarks,
    Mask,
    Photo,
    ShapeMismatch,
    Shares,
    WPlus,
)
from unripple.ops.latents import is_turn
from unripple.stages import keeping, pixels
from unripple.stages.align import Aligned
from unripple.stages.interface import (
    DRAWN,
    RIPPLE,
    Plan,
    Settings,
    Stage,
    Subject,
    Values,
    Work,
    knob,
)
from unripple.stages.invert import Consultant, Synthesizer, codes_of, consult, down, draw
from unripple.stages.inverters import INVERTERS
from unripple.stages.turns import TURNS, Turn

if TYPE_CHECKING:
    from unripple.models.mean_head import MeanHead
    from unripple.ops.head import Head
    from unripple.ops.layers import Layers

_GENERATOR = "generator"


class Edited(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: with the photo's details, uint8 [S, S, 3].
        plain: the codes alone, likewise; None where the picture is that.
        motion: where the picture's points lie in the photo, as offsets x and y in sides of the
            picture, and how far they are seen there, from 0 to 1, float16 [3, s, s]; None without a
            motion net.
        labels: parts of the edited picture, `Face`, uint8 [S, S], where they came along with the
            pixels; None where `parse` must find them.
        keep: how much was to be left alone, 255 is all, uint8 [S, S]; None where nothing was.
        face, background: the photo's part that was edited, and the one that was left alone.
        kept: where the photo's bytes were put back, bool [S, S].
        changed: where anything may differ from the photo, bool [S, S]; None is everywhere.
        tint: levels that colouring adds to the photo, float16 [3, s, s] in the crop's frame.
        laid: levels of what is drawn over the edited picture and how far it covers it, from 0 to 1,
            float16 [4, s, s], see `stages.pixels.opening`.
        notes: what was reduced, and why, see `stages.pixels`.
        fine: the crop as large as the photograph shows it, where the edit is in layers, see
            `ops.layers.Layers`; with it the following, all [F, F].
        colours: of the person without background, uint8 [F, F, 3].
        alpha: share of the person in the photo, 255 is all.
        cover, moving: how far the edited person may be at a place, and the edit changes it.
    """

    picture: Photo
    plain: Photo | None = None
    motion: Floats | None = None
    labels: Labels | None = None
    keep: Shares | None = None
    face: Photo | None = None
    background: Photo | None = None
    kept: Mask | None = None
    changed: Mask | None = None
    tint: Floats | None = None
    laid: Floats | None = None
    notes: Mapping[str, Any] | None = None
    fine: Photo | None = None
    colours: Photo | None = None
    alpha: Shares | None = None
    cover: Shares | None = None
    moving: Shares | None = None

    @property
    def layers(self) -> Layers | None:
        """The edit in layers, or None."""
        from unripple.ops.layers import Layers

        if self.fine is None or self.motion is None:
            return None
        assert self.colours is not None and self.alpha is not None
        assert self.cover is not None and self.moving is not None
        parts = self.fine, self.colours, self.alpha, self.cover, self.moving
        return Layers(*parts, self.motion[:2])


@dataclass(frozen=True, kw_only=True)
class EditSettings(Settings):
    """How edits are drawn and heads turned.

    Attributes:
        method: the inverter.
        turn_deg: by how much the head is to be turned sideways, if `turn` has a say in it.
        pitch_deg, roll_deg: by how much it is to nod and to tilt.
        towards: axis -> where the head shall look, degrees, instead of by how much it turns.
        deeper, rounder: factor on the head's depth, and how much rounder its face is, see `DEEPER`.
        scales, person: how the photo is parsed for a turn, see `stages.parse`.
        by_hand: whether somebody marked the landmarks of the photo.
        pixels, mesh: what the photo's own pixels do, see `stages.pixels`, and whether by a mesh.
        pixels_version: see `stages.pixels.VERSION`.
        keep: what is left alone: none, background or masks, see `stages.keeping`.
    """

    strength: float = knob(1, "factor on the details that hfgi brings back", minimum=0, maximum=4)
    turn: str = knob(
        "auto",
        "who turns heads: geometry (the photo's own pixels on a 3-D head) | generator | auto "
        "(geometry where the generator cannot draw the photo, as photographs)",
        choices=TURNS,
    )
    attributes: str = pixels.KNOB
    keep: str = knob(
        "none",
        "what the edit leaves alone: none | background (as the parser sees it) | a FOLDER of "
        "masks, <photo>.png, white is kept, or one mask's file. It acts on sfe's features; others "
        "need keep_pixels",
    )
    keep_threshold: float = knob(
        0.995,
        "background: the share of background from which a pixel counts as such",
        minimum=0,
        maximum=1,
    )
    keep_pixels: bool = knob(
        False, "keep the photo's very bytes there (the published mask lets finer details change)"
    )
    method: str = "hfgi"
    turn_deg: float | None = None
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    towards: Mapping[str, float] = field(default_factory=dict)
    deeper: float = 1.0
    rounder: float = 0.0
    scales: str = "six"
    person: bool = False
    by_hand: bool = False
    pixels: Mapping[str, float] | None = None
    pixels_version: int = 1
    mesh: bool = False


def edit_plainly(w_plus: WPlus, generator: Synthesizer, *, size_px: int) -> Photo:
    """Draw edited codes as e4e does: no ghost, but no detail of the photo either.

    Args:
        w_plus: translated codes, float32 [L, W].
        generator: draws at `size_px` or larger.
        size_px: side of the picture.

    Returns:
        uint8 [S, S, 3].
    """
    import torch

    from unripple.ops.tensors import to_photo

    with torch.inference_mode():
        return to_photo(draw(codes_of(w_plus, generator), generator, size_px=size_px))


def edit(
    photo: Photo,
    w_plus: WPlus,
    residual: Floats,
    generator: Synthesizer,
    consultant: Consultant,
    *,
    size_px: int,
    turn: bool = True,
    strength: float = 1.0,
) -> Edited:
    """Draw edited codes with the details of the unedited photo, as HFGI does.

    The residual is the one of the photo; the aligner (and the motion net, if there is one) moves it
    onto the edited picture. What they leave behind is the ripple: the old outline, drawn into the
    new background.

    Args:
        photo: the unedited picture, uint8 [S, S, 3].
        w_plus: translated codes, float32 [L, W].
        residual: what `invert` kept, float32 [3, s, s].
        generator: as for `invert`.
        consultant: as for `invert`.
        size_px: side S of the pictures.
        turn: whether the edit turns the head and nothing else; a motion net trusts it more then.
        strength: factor on the aligned residual, 1 as published.

    Raises:
        ShapeMismatch: the residual is not [3, s, s].

    Source: `scripts/inference.py` of Tengfei-Wang/HFGI; its other script feeds the aligner with the
    unedited picture instead.
    """
    import torch

    from unripple.models.layers.prefix import Prefix
    from unripple.ops.tensors import resized, to_photo, to_tensor

    if residual.ndim != 3 or residual.shape[0] != 3 or residual.shape[1] != residual.shape[2]:
        raise ShapeMismatch(f"a residual is [3, S, S], got {list(residual.shape)}")
    with torch.inference_mode():
        codes, prefix = codes_of(w_plus, generator), Prefix(consultant.inject_after)
        drawn = generator.synthesize(codes, noise="stored", prefix=prefix)
        plain = drawn.float().clamp(-1, 1)
        missing = torch.from_numpy(residual.astype(np.float32))[None].to(codes.device)
        looked = down(plain, residual.shape[-1])
        before = to_tensor(resized(photo, residual.shape[-1]), device=codes.device) - missing
        drawn, motion = consult(
            codes,
            looked,
            missing,
            generator,
            consultant,
            before=before,
            turn=turn,
            strength=strength,
            prefix=prefix,
        )
        background = None
        if motion is not None:
            shares = torch.cat((motion.offsets / 2, motion.visibility * min(strength, 1.0)), dim=1)
            background = shares[0].float().cpu().numpy().astype(np.float16)
        return Edited(to_photo(down(drawn, size_px)), to_photo(down(plain, size_px)), background)


DEEPER, ROUNDER = 1.25, 0.6
"""What real heads have beyond the mean head, whose face is flat: but for its nose it lies farther
before the ears, by a quarter, and its cheeks farther back, by .6 half widths of the face at its
sides. Without, a turn of 20 degrees reads 12 by a face mesh on photographs, where a true one reads
18. A face that is deeper instead (1.6 and .6) turns as far and is less alike, and so is one whose
nose stands out as far as the mean head's, see `ops.head.Head.realistic`."""
FOREIGN_DB = 17.0
"""A photo whose codes alone draw it worse than this is not of the generator's world."""


def drawn_db(residual: Floats, landmarks: Landmarks) -> float:
    """How well the codes alone draw the photo: the mean of two PSNRs, of all and of the face, dB.

    The whole picture alone fails where a rendered face stands before a busy background.

    Args:
        residual: what `invert` kept, float32 [3, s, s]; 1 is half of the range of bytes.
        landmarks: five points of the face, in sides of the picture, [5, 2].
    """
    centre, mouth, eyes = landmarks.mean(0), landmarks[3:].mean(0), landmarks[:2].mean(0)
    reach = np.hypot(*(mouth - eyes))
    side = residual.shape[-1]
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side
    face = np.hypot(columns - centre[0], rows - centre[1]) < reach
    squares = np.square(residual.astype(np.float64)).mean(0) / 4
    errors = np.array([squares.mean(), squares[face].mean() if face.any() else squares.mean()])
    return float(np.mean(-10 * np.log10(np.maximum(errors, 1e-10))))


def head_of(module: MeanHead) -> Head:
    """The mean head that a network's file holds."""
    from unripple.ops.head import Head

    chin, brow, half_width = (float(level) for level in module.levels)
    surface, landmarks = (
        points.double().cpu().numpy() for points in (module.surface, module.landmarks)
    )
    return Head(surface, landmarks, chin, brow, half_width)


def run(work: Work, settings: EditSettings) -> Edited:
    """Draw the moved codes, or turn the head of a photograph by geometry."""
    how = _GENERATOR if settings.turn_deg is None else settings.turn
    made = (TURNS[how].edit if settings.pixels is None else pixels.edit)(work, settings)
    if settings.keep == keeping.NONE or made.keep is not None:
        return made
    kept = keeping.kept_by(work, settings)
    assert kept is not None
    photo = work.input(Aligned, "align").picture
    return keeping.laid_back(photo, made, kept, pixels=settings.keep_pixels)


_OWN = ("turn", "attributes", "keep_threshold", "keep_pixels")
"""Settings of some edits only."""


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """How a turn of the head is made, and what is left alone; other edits know no such settings.

    Raises:
        BadConfig: the generator would have to turn the head in a way that it does not know.
    """
    others = {name: value for name, value in settings.items() if name not in _OWN}
    others |= keeping.decide(settings, plan)
    if (on_pixels := pixels.decide(settings, plan)) is not None:
        return {**others, **on_pixels}
    how = TURNS[settings["turn"]]
    why_not = _only_generator(how, plan)
    if why_not:
        plan.require_generator(why_not)
        return others
    asked = pixels.asked_turn(plan)
    if asked is None:
        return others
    # What the generator cannot do, nobody else is left for.
    name = "geometry" if plan.beyond_generator else how.name
    return {**others, **plan.settings_of("parse"), "turn": name, **asked}


def _only_generator(how: Turn, plan: Plan) -> str:
    """Why nobody but the generator may make the edit, or ""."""
    if not how.by_degrees:
        return f"edit.turn is {how.name}"
    if plan.config["recipe"] != RIPPLE:
        return f"recipe {plan.config['recipe']} turns no heads by geometry"
    if not is_turn(plan.moves):
        return "something else is changed in the same edit"
    return ""


def who_draws(config: Values) -> dict[str, Any]:
    """The inverter, and its own settings where it has any."""
    section = config["invert"]
    method = section["method"]
    return {"method": method, **({method: section[method]} if method in section else {})}


def _borrowed(config: Values) -> dict[str, Any]:
    """Who draws, and the landmarks that somebody marked, see `own`."""
    return {**who_draws(config), "landmarks": config["align"]["landmarks"]}


def looks_at_photo(settings: Values) -> bool:
    """A head is cut out at the photograph's own resolution, and its pixels are changed there."""
    if pixels.is_asked(settings):
        return True
    return settings.get("turn_deg") is not None and settings.get("turn") != _GENERATOR


def own(settings: Values, subject: Subject) -> dict[str, Any]:
    """A head turns about the landmarks that were marked by hand, if they were."""
    marked = subject.points is not None and settings.get("turn_deg") is not None
    return {"by_hand": True} if marked else {}


def roles(settings: Values) -> tuple[str, ...]:
    """Those of the inverter, and those of whoever turns the head."""
    if pixels.is_asked(settings):
        return tuple(dict.fromkeys((*pixels.roles(settings), *keeping.roles(settings))))
    drawing = INVERTERS[settings["method"]].roles + keeping.roles(settings)
    if "turn" not in settings:
        return drawing
    return tuple(dict.fromkeys((*drawing, *TURNS[settings["turn"]].needs(settings))))


STAGE = Stage(
    name="edit",
    help="with a PHOTO: the whole edit of one photo; for a shard: draw the moved codes",
    version=7,
    run=run,
    outputs=Edited,
    settings=EditSettings,
    methods=(TURNS,),
    edit_inputs=("align", "translate", "invert"),
    edit_title="edit",
    in_strip=True,
    recipes=DRAWN,
    roles=roles,
    borrows=_borrowed,
    decide=decide,
    own=own,
    leaves_open=pixels.leaves_open,
    settle=pixels.settle,
    aside=("keep", "landmarks"),
    marked=True,
    looks_at_photo=looks_at_photo,
)
