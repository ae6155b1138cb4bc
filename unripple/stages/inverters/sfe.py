"""sfe: the photo's features as well as its codes, and an edit that moves both (StyleFeatureEditor).

The photo's features take the place of those that its codes would draw at 64 px. What an edit
changes in the features of e4e's codes, a network of its own applies to them. They are kept in
float16.

Source: Bobkov et al. 2024, `runners/inference_runners.py` of AIRI-Institute/StyleFeatureEditor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.conventions import BadConfig, Floats, Photo, Shares, WPlus
from unripple.stages import keeping
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings
from unripple.stages.interface import Work
from unripple.stages.invert import Inverted, codes_of, down, draw, restyled
from unripple.stages.inverters import Inverter
from unripple.stages.project import Projected
from unripple.stages.projectors.sfe import looked_at
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.sfe import FeatureMixer
    from unripple.models.sfe import Inverter as Network
    from unripple.models.sfe_flow import FlowMixer


class Nets(NamedTuple):
    """What draws: the generator, and the network that edits features."""

    generator: Any
    editor: FeatureMixer | FlowMixer


def invert_features(
    photo: Photo, looked: Tensor, w_plus: WPlus, guide: WPlus, inverter: Network, nets: Nets
) -> Inverted:
    """Draw the photo again from codes and features.

    Args:
        photo: the aligned picture, uint8 [S, S, 3].
        looked: what the inverter sees of it, [1, 3, n, n] in [-1, 1].
        w_plus: its codes, float32 [L, W].
        guide: e4e's, likewise.
        inverter: predicts features of the photo.
        nets: draw; the feature editor has its say in an inversion, too, about a change of 0.

    Returns:
        The inversion is drawn from the features as they are kept, so that an edit of degree 0 gives
        its very bytes.
    """
    import torch

    from unripple.models import sfe
    from unripple.ops.tensors import to_photo

    size_px = photo.shape[0]
    with torch.inference_mode():
        codes = codes_of(w_plus, nets.generator)
        _, predicted = inverter(looked)
        kept = sfe.fused(inverter, nets.generator, codes, predicted)[0].half()
        led = codes_of(guide, nets.generator)
        own_styles, guide_styles = (nets.generator.styles(one) for one in (codes, led))
        drawn = _drawn(nets, kept[None].float(), own_styles, guide_styles, guide_styles)
        plain = draw(led, nets.generator, size_px=size_px)
        features: Floats = kept.cpu().numpy()
        picture = to_photo(down(drawn, size_px))
        return Inverted(picture, None, features=features, guide=guide, plain=to_photo(plain))


def edit_features(
    inverted: Inverted,
    w_plus: WPlus,
    guide: WPlus,
    nets: Nets,
    *,
    size_px: int,
    styles: Floats | None = None,
    still: Shares | None = None,
) -> Edited:
    """Draw edited codes and edited features.

    Args:
        inverted: what `invert_features` kept of the photo.
        w_plus, guide: the moved codes, float32 [L, W] each.
        nets: as for `invert_features`.
        size_px: side S of the pictures.
        styles: what is added to the styles of both, float32 [S], see `models.style_moves`.
        still: how far the features shall stay, 255 is all, uint8 [H, W]. It acts on them alone:
            from 128 px up the edited codes draw the whole picture, as published.

    Returns:
        `plain` is what the moved guide alone draws.
    """
    import torch

    from unripple.ops.tensors import device_of, to_photo

    assert inverted.features is not None
    assert inverted.guide is not None
    moved = restyled(nets.generator, styles)
    with torch.inference_mode():
        kept = torch.from_numpy(inverted.features.astype(np.float32))[None]
        kept = kept.to(device_of(nets.generator))
        background = None
        if still is not None:
            background = torch.from_numpy(still[None, None].astype(np.float32) / 255).to(kept)
        led = nets.generator.styles(codes_of(inverted.guide, nets.generator))
        after, led_after = (
            moved.styles(codes_of(codes, nets.generator)) for codes in (w_plus, guide)
        )
        drawn = _drawn(nets, kept, after, led, led_after, background)
        plain = draw(codes_of(guide, nets.generator), moved, size_px=size_px)
        return Edited(to_photo(down(drawn, size_px)), to_photo(plain))


def _drawn(
    nets: Nets,
    features: Tensor,
    styles: Any,
    guide: Any,
    edited_guide: Any,
    background: Tensor | None = None,
) -> Tensor:
    """A photo's features [1, C, h, h], edited as the guide's styles say, and drawn with styles."""
    from unripple.models import sfe, sfe_flow

    side_px = features.shape[-1]
    change = sfe.change(nets.generator, guide, edited_guide, side_px, background=background)

    def led() -> sfe_flow.Led:
        return sfe_flow.Led(*(sfe.drawn(nets.generator, one, side_px) for one in (guide, styles)))

    edited = sfe_flow.edited(nets.editor, features, change, led)
    return sfe.rendered(nets.generator, styles, edited).float().clamp(-1, 1)


def nets_of(work: Work) -> Nets:
    """The networks that draw."""
    return Nets(work.load("generator").net, work.load("sfe_editor").net)


def invert(work: Work) -> Inverted:
    """See `invert_features`.

    Raises:
        BadConfig: the codes come from elsewhere.
    """
    photo = work.input(Aligned, "align").picture
    w_plus, guide = work.input(Projected, "project")
    if guide is None:
        raise BadConfig("invert.method sfe: needs the codes of project.method sfe")
    inverter = work.load("inverter")
    looked = looked_at(photo, inverter)
    return invert_features(photo, looked, w_plus, guide, inverter.net, nets_of(work))


def edit(work: Work, settings: EditSettings) -> Edited:
    """See `edit_features`; what the settings keep is left as it is.

    Raises:
        BadConfig: the edit moved no guide.
    """
    photo = work.input(Aligned, "align").picture
    translated = work.input(Translated, "translate")
    if translated.guide is None:
        raise BadConfig(
            "invert.method sfe: this edit moves the codes and not e4e's beside them, which lead "
            "the features; choose another inverter for it"
        )
    kept = keeping.kept_by(work, settings)
    made = edit_features(
        work.input(Inverted, "invert"),
        translated.w_plus,
        translated.guide,
        nets_of(work),
        size_px=photo.shape[0],
        styles=translated.styles,
        still=None if kept is None else kept.shares,
    )
    if kept is None:
        return made
    return keeping.laid_back(photo, made, kept, pixels=settings.keep_pixels)


METHOD = Inverter(
    name="sfe",
    help="with the photo's features",
    roles=("generator", "inverter", "sfe_editor"),
    invert=invert,
    edit=edit,
    projector="sfe",
    masks=True,
    rank=3,
)
