"""Any batch gives what its samples give alone, within 1e-5 of the largest value: every network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unripple.models import (
    anycost,
    attributes,
    bisenet,
    curricularface,
    dpt,
    e4e,
    flow,
    gfpgan,
    graphonomy,
    hfgi,
    irse,
    lama,
    landmarks,
    pose,
    stylegan2,
)
from unripple.stages.invert import Consultant, consult, down, draw

BATCH = 3
TRUNK = {"widths": (8, 8, 16, 24, 32), "units": (2, 1, 2, 1)}
DPT_SLIM = {
    "token_width": 64, "depth": 4, "grid": 4, "features": 16, "head_width": 8, "n_classes": 0
}  # fmt: skip
CHANNELS = {4: 8, 8: 8, 16: 8, 32: 8, 64: 6}


@dataclass(frozen=True)
class Family:
    """A slim network, the shapes of its arguments without the batch, and how it is called."""

    build: Callable[[], nn.Module]
    shapes: tuple[tuple[int, ...], ...]
    call: Callable[..., Any] = lambda net, *arguments: net(*arguments)


def generator() -> stylegan2.Generator:
    return stylegan2.Generator(64, 16, 2, CHANNELS)


def clip() -> nn.Module:
    import open_clip

    vision = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 32}
    text = {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1}
    net: nn.Module = open_clip.CLIP(24, vision, text, quick_gelu=True)
    return net


FAMILIES = {
    "stylegan2-map": Family(generator, ((16,),), lambda net, z: net.map(z)),
    "stylegan2": Family(generator, ((10, 16),), lambda net, w_plus: net.synthesize(w_plus)),
    "e4e": Family(lambda: e4e.Encoder(64, **TRUNK, style_dim=12, n_codes=9), ((3, 64, 64),)),
    "hfgi-aligner": Family(lambda: hfgi.Aligner((4, 6, 8, 10)), ((3, 32, 40), (3, 32, 40))),
    "motion": Family(lambda: motion_net(), ((3, 64, 64),) * 3),
    "hfgi-residual": Family(lambda: hfgi.ResidualEncoder((4, 6, 8), 5), ((3, 32, 40),)),
    "irse": Family(lambda: irse.Backbone(32, **TRUNK, embedding=24), ((3, 32, 32),)),
    "curricularface": Family(
        lambda: curricularface.CurricularFace(32, **TRUNK, embedding=24), ((3, 32, 32),)
    ),
    "bisenet": Family(lambda: bisenet.BiSeNet(19, (8, 8, 12, 16, 20)), ((3, 64, 96),)),
    "graphonomy": Family(
        lambda: graphonomy.Graphonomy(
            (8, 8, 12, 16, 20, 24, 28, 28, 32), 2, context=16, low_level=6, hidden=8
        ),
        ((3, 65, 49),),
    ),
    "dpt-large": Family(lambda: dpt.DPT(**DPT_SLIM, level_widths=(8, 12, 16, 16)), ((3, 64, 96),)),
    "dpt-hybrid": Family(
        lambda: dpt.DPT(
            **DPT_SLIM,
            level_widths=(32, 64, 16, 16),
            stem_widths=(32, 32, 64, 96),
            stem_blocks=(1, 2, 1),
        ),
        ((3, 64, 96),),
    ),
    "gfpgan": Family(
        lambda: gfpgan.GFPGAN(32, 16, 0, {4: 16, 8: 16, 16: 12, 32: 8}), ((3, 32, 32),)
    ),
    "anycost-cut": Family(
        generator,
        ((10, 16),),
        lambda net, w_plus: net.synthesize(w_plus, resolution=32, widths=(8, 8, 6, 6, 8, 4, 6, 6)),
    ),
    "anycost-encoder": Family(
        lambda: anycost.AnycostEncoder(9, 12, (8, 16, 24, 32, 40), (1, 2, 1, 1), size=64),
        ((3, 64, 64),),
    ),
    "clip": Family(clip, ((3, 64, 64),), lambda net, picture: net.encode_image(picture)),
    "lama": Family(lambda: lama.Lama(8, 2, 2), ((3, 32, 40), (1, 32, 40))),
    "landmarks": Family(lambda: landmarks.LandmarkNet((4, 6, 8), 6), ((3, 32, 32),)),
    "attributes": Family(lambda: attributes.AttributeNet((4, 6, 8), 10, 3), ((3, 32, 32),)),
    "pose": Family(lambda: pose.PoseNet((4, 6, 8), 10), ((3, 32, 32),)),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_is_its_samples(name: str) -> None:
    family = FAMILIES[name]
    torch.manual_seed(0)
    net = stirred(family.build())
    arguments = [torch.randn(BATCH, *shape) for shape in family.shapes]
    require_same(lambda *batch: family.call(net, *batch), *arguments)


def test_weight_offsets_belong_to_their_sample() -> None:
    torch.manual_seed(1)
    net = stirred(generator())
    w_plus, offset = torch.randn(BATCH, net.n_codes, 16), 0.3 * torch.randn(BATCH, 8, 8, 1, 1)
    require_same(lambda w, o: net.synthesize(w, weight_offsets={3: o}), w_plus, offset)


@pytest.mark.parametrize("moving", [False, True])
def test_the_whole_consultation_takes_any_batch(moving: bool) -> None:
    torch.manual_seed(2)
    net, aligner = stirred(generator()), stirred(hfgi.Aligner((4, 6, 8, 10)))
    residual_encoder = stirred(hfgi.ResidualEncoder((4, 6, 8), out_channels=6, strides=(1, 1)))
    carrier = motion_net() if moving else None
    consultant = Consultant(aligner, residual_encoder, hfgi.CONSULTED, 64, carrier)

    def edited(photo: Tensor, codes: Tensor, edit_codes: Tensor) -> Tensor:
        before = draw(codes, net, size_px=64)
        plain = draw(edit_codes, net, size_px=64)
        drawn, _ = consult(edit_codes, plain, photo - before, net, consultant, before=before)
        return down(drawn, 32)

    codes = torch.randn(BATCH, net.n_codes, 16)
    require_same(edited, torch.rand(BATCH, 3, 64, 64), codes, codes + 0.5 * torch.randn(16))


def motion_net() -> nn.Module:
    """Small motions: large ones sample beyond the border, where all is one colour."""
    net = stirred(flow.EditFlowNet((4, 6, 8), 8, {"widths": (4, 6), "hidden": 8}))
    for head in (net.coarsest, *net.correct, net.gates):
        for weights in head.parameters():
            weights.mul_(0.01)
    return net


def stirred(net: Any) -> Any:
    """Give it weights under which every layer says something, as a trained network's do."""
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif type(module) in (nn.Conv2d, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    for weights in net.parameters():
        if not weights.any():
            nn.init.normal_(weights, std=0.1)
    return net.eval().requires_grad_(False)


@torch.no_grad()
def require_same(run: Callable[..., Any], *arguments: Tensor) -> None:
    """Compare one call on a batch with a call per sample."""
    together = parts(run(*arguments))
    alone = [parts(run(*(a[i : i + 1] for a in arguments))) for i in range(BATCH)]
    for number, whole in enumerate(together):
        wanted = torch.cat([sample[number] for sample in alone])
        assert wanted.shape == whole.shape
        assert (wanted[0] - wanted[1]).abs().max() > 1e-3 * wanted.abs().max(), "samples are alike"
        assert (whole - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def parts(result: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (result,) if isinstance(result, Tensor) else tuple(result)
