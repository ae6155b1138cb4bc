"""invert: draw the picture again from its codes, plainly (e4e) or with its details (HFGI)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from unripple.conventions import Floats, Photo, WPlus
from unripple.stages.interface import DRAWN, Plan, Settings, Stage, Values, Work, knob
from unripple.stages.inverters import INVERTERS

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.flow import Flow
    from unripple.models.layers.prefix import Prefix


class Synthesizer(Protocol):
    """What a generator must be able to do here; `models.stylegan2.Generator` is one."""

    def synthesize(
        self,
        w_plus: Tensor,
        *,
        noise: Literal["stored", "random", "none"] = "stored",
        inject: Mapping[int, Callable[[Tensor], Tensor]] | None = None,
        prefix: Prefix | None = None,
    ) -> Tensor:
        """Codes [B, L, W] -> pictures [B, 3, S, S]; `inject` acts on the features after a code,
        and `prefix` is what drawings of the same codes share."""
        ...


class Consultant(NamedTuple):
    """HFGI's networks and where they act.

    Attributes:
        aligner: (residual, picture), each [B, 3, S, S] -> residual moved to fit the picture.
        residual_encoder: residual [B, 3, S, S] -> (scale, shift) for the generator's features.
        inject_after: index of the code after whose convolution they act (7 in the published one).
        size_px: side S of what they look at (256 in the published one).
        motion: (photo, its plain picture, the plain edit), each [B, 3, S, S] -> where the edit's
            points lie in the photo. With it, residuals are carried to their place before the
            aligner sees them; the published HFGI has none.
    """

    aligner: Callable[[Tensor, Tensor], Tensor]
    residual_encoder: Callable[[Tensor], tuple[Tensor, Tensor]]
    inject_after: int
    size_px: int
    motion: Callable[[Tensor, Tensor, Tensor], Flow] | None = None


class Inverted(NamedTuple):
    """The parts of this stage.

    Attributes:
        picture: uint8 [S, S, 3].
        residual: what the codes could not say, photo minus plain picture, at the consultant's size,
            float32 [3, s, s], where 1 is half of the range of bytes; None without a consultant.
        difference: what was added to the generator's weights, float16 [N], see `models.tuning`;
            None where they stay.
        layer_codes: of the layers of the generator that a hypernetwork tunes, float32 [1 or n,
            layers, code]; None without one.
        views: its n iterations side by side, uint8 [s, n * s, 3].
        features: of the photo, where the inverter draws them, too, float16 [C, h, h].
        guide: the codes that lead its edits, float32 [L, W].
        plain: what those codes alone draw, uint8 [S, S, 3].
    """

    picture: Photo
    residual: Floats | None
    difference: Floats | None = None
    layer_codes: Floats | None = None
    views: Photo | None = None
    features: Floats | None = None
    guide: WPlus | None = None
    plain: Photo | None = None


@dataclass(frozen=True, kw_only=True)
class InvertSettings(Settings):
    """Who draws; the edit of a photo is drawn by the same one."""

    method: str = knob(
        "hfgi",
        "hfgi (with the photo's details) | e4e (codes alone) | pti (the generator is tuned to the "
        "photo) | hyperstyle (likewise, by a hypernetwork) | sfe (with the photo's features)",
        choices=INVERTERS,
    )


def invert_plainly(w_plus: WPlus, generator: Synthesizer, *, size_px: int) -> Inverted:
    """Draw the codes, as e4e does: clean, editable, and without the photo's details.

    Args:
        w_plus: float32 [L, W].
        generator: draws at `size_px` or larger.
        size_px: side of the picture.
    """
    import torch

    from unripple.ops.tensors import to_photo

    with torch.inference_mode():
        drawn = draw(codes_of(w_plus, generator), generator, size_px=size_px)
        return Inverted(to_photo(drawn), None)


def invert(photo: Photo, w_plus: WPlus, generator: Synthesizer, consultant: Consultant) -> Inverted:
    """Draw the codes and consult the residual for what they miss, as HFGI does.

    Args:
        photo: the aligned picture, uint8 [S, S, 3].
        w_plus: its codes, float32 [L, W].
        generator: draws at S or larger; larger pictures are resized down as published (bilinear,
            no antialias).
        consultant: HFGI's networks; a larger photo is shrunk to their size with antialias.

    Source: Wang et al. 2022, `scripts/inference.py` of Tengfei-Wang/HFGI; the motion is ours.
    """
    import torch

    from unripple.models.layers.prefix import Prefix
    from unripple.ops.tensors import resized, to_photo, to_tensor

    with torch.inference_mode():
        codes, prefix = codes_of(w_plus, generator), Prefix(consultant.inject_after)
        plain = draw(codes, generator, size_px=consultant.size_px, prefix=prefix)
        residual = to_tensor(resized(photo, consultant.size_px), device=codes.device) - plain
        drawn = consult(
            codes, plain, residual, generator, consultant, before=plain, prefix=prefix
        ).drawn
        picture = down(drawn, photo.shape[0])
        kept: Floats = residual[0].float().cpu().numpy().astype(np.float32)
        return Inverted(to_photo(picture), kept)


def draw(
    codes: Tensor, generator: Synthesizer, *, size_px: int, prefix: Prefix | None = None
) -> Tensor:
    """Draw codes [B, L, W] without consultation -> float32 [B, 3, S, S], clamped to [-1, 1]."""
    drawn = generator.synthesize(codes, noise="stored", prefix=prefix)
    return down(drawn.float().clamp(-1, 1), size_px)


class Consulted(NamedTuple):
    """What came of a consultation.

    Attributes:
        drawn: float32 [B, 3, n, n], as large as the generator draws (with a motion net, at S), not
            clamped.
        motion: where it came from, at S; None without a motion net.
    """

    drawn: Tensor
    motion: Flow | None


def consult(
    codes: Tensor,
    plain: Tensor,
    residual: Tensor,
    generator: Synthesizer,
    consultant: Consultant,
    *,
    before: Tensor,
    turn: bool = True,
    strength: float = 1.0,
    prefix: Prefix | None = None,
) -> Consulted:
    """Draw codes while a residual tells the generator what they miss.

    With a motion net, the residual goes where the edit needs it, and where the photo shows the very
    point, its pixels are laid over the drawing.

    Args:
        codes: [B, L, W], edited or not.
        plain: what `draw` makes of them, [B, 3, S, S]: the aligner moves the residual onto it.
        residual: of the unedited photo, [B, 3, S, S].
        generator: as for `invert`.
        consultant: as for `invert`.
        before: the plain picture of the unedited codes, [B, 3, S, S].
        turn: whether the head is turned and nothing else shall change. If not, all that differs
            between the plain pictures is the edit and stays, and the generator hears of all
            details, for many lie where the edit changed the colour alone.
        strength: factor on the aligned residual; 1 as published, 0 consults about nothing.
        prefix: that `plain` was drawn with; it ends where the consultation begins.
    """
    import torch

    from unripple.models.flow import flip_averaged, warped_details
    from unripple.models.hfgi import fuse

    motion = details = None
    if consultant.motion is not None:
        motion = flip_averaged(consultant.motion, before + residual, before, plain)
        if not turn:
            motion = motion._replace(redraw_error=torch.zeros_like(motion.redraw_error))
        details = warped_details(motion, residual, before, plain)
        residual = details.visible if turn else details.warped
    aligned = consultant.aligner(residual, plain) * strength
    scale, shift = consultant.residual_encoder(aligned)
    inject = {consultant.inject_after: lambda features: fuse(features, scale, shift)}
    drawn = generator.synthesize(codes, noise="stored", inject=inject, prefix=prefix).float()
    if details is not None:
        drawn = details.laid_over(down(drawn, plain.shape[-1]), plain, strength=strength)
    return Consulted(drawn, motion)


def down(picture: Tensor, size_px: int) -> Tensor:
    """Resize [B, 3, S, S] as published: bilinear, no antialias; a no-op at its own size."""
    import torch.nn.functional as F

    if picture.shape[-1] == size_px:
        return picture
    return F.interpolate(picture, size=(size_px, size_px), mode="bilinear", align_corners=False)


def restyled(generator: Any, styles: Floats | None) -> Any:
    """A generator that adds a move in style space to whatever codes it draws.

    Args:
        generator: of the codes.
        styles: float32 [S], see `models.style_moves`; None gives the generator itself.
    """
    if styles is None:
        return generator
    from unripple.models.style_moves import StyleMoved

    return StyleMoved(generator, styles)


def codes_of(w_plus: WPlus, generator: Synthesizer) -> Tensor:
    """Codes [L, W] as a batch of one, where the generator computes."""
    import torch

    from unripple.ops.tensors import device_of

    return torch.from_numpy(w_plus.astype(np.float32))[None].to(device_of(generator))


def run(work: Work, settings: InvertSettings) -> Inverted:
    """Draw the codes again, with or without the photo's details."""
    return INVERTERS[settings.method].invert(work)


def roles(settings: Values) -> tuple[str, ...]:
    """Those of the inverter."""
    inverter = INVERTERS[settings["method"]]
    return (*inverter.roles, *inverter.inverts_with(settings))


def decide(settings: Values, plan: Plan) -> Values:
    """As the inverter says."""
    return INVERTERS[settings["method"]].decide(settings, plan)


STAGE = Stage(
    name="invert",
    help="draw the face again from its codes",
    version=3,
    run=run,
    outputs=Inverted,
    settings=InvertSettings,
    methods=(INVERTERS,),
    photo_inputs=("align", "project"),
    photo_title="inversion",
    in_strip=True,
    recipes=DRAWN,
    roles=roles,
    decide=decide,
)
