"""One step of the published training of a mapper: losses, gradients, momentum."""

from __future__ import annotations

from typing import Any

import torch

from unripple.models import clip as clip_models
from unripple.models import irse, stylegan2
from unripple.models import mapper as models
from unripple.models.irse import crop_for_identity
from unripple.training.mapper_losses import mapper_losses
from unripple.training.ranger import Ranger

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252
from .hfgi import network

OP = "styleclip.mapper_losses"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Losses, codes, pictures, gradients of some weights, and Ranger's momentum after a step."""
    inputs = golden.on(device)
    state = part(golden.state, "mapper.")
    mapper = ready(models.LatentMapper(**models.sizes_from_state(state)), state, device)
    mapper.requires_grad_(True)
    generator = network(stylegan2, "Generator", part(golden.state, "decoder."), device)
    assert isinstance(generator, stylegan2.Generator)
    person = network(irse, "Backbone", part(golden.state, "facenet."), device)
    state = part(golden.state, "clip.")
    clip = ready(clip_models.build(state), state, device)
    optimizer = Ranger(mapper.parameters(), lr=golden.facts["constructor"]["learning_rate"])
    w = inputs["w"]
    with running(device, dtype), torch.enable_grad():
        w_hat = models.moved(mapper, w, inputs["text_embedding"])
        picture, picture_hat = generator.synthesize(w), generator.synthesize(w_hat)
        found = mapper_losses(
            picture,
            picture_hat,
            w,
            w_hat,
            clip=clip,
            texts=clip_models.encode_text(clip, inputs["tokens"]),
            identify=lambda pictures: person(crop_for_identity(pictures, 112)),
        )
        found.total.backward()
    weights = dict(mapper.named_parameters())
    gradients = {name: weight.grad.clone() for name, weight in weights.items()}
    optimizer.step()
    computed = {
        "loss_id": found.identity,
        "loss_clip": found.text,
        "loss_l2_latent": found.near,
        "loss": found.total,
        "w_hat": w_hat,
        "picture": picture,
        "picture_hat": picture_hat,
    }
    for check in golden.facts["checks"]:
        kind, _, name = check.partition(".")
        if kind == "gradient":
            computed[check] = gradients[name]
        if kind == "momentum":
            computed[check] = optimizer.state[weights[name]]["exp_avg"]
    return computed
