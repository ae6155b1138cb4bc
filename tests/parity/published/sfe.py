"""StyleFeatureEditor's inversion and edit in W+, with and without a mask, as published."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import e4e, sfe, stylegan2

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, running  # noqa: TID252
from .hfgi import network

OP = "sfe.full"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Every intermediate of the procedure."""
    state, inputs = golden.state, golden.on(device)
    inverter = network(sfe, "Inverter", part(state, "inverter."), device)
    editor = network(sfe, "FeatureMixer", part(state, "encoder."), device)
    guide_encoder = network(e4e, "Encoder", part(state, "e4e_encoder."), device)
    generator = network(stylegan2, "Generator", part(state, "decoder."), device)
    assert isinstance(generator, stylegan2.Generator) and isinstance(inverter, sfe.Inverter)
    mean = state["latent_avg"].to(device)  # the generator's, for both encoders
    with running(device, dtype):
        photo = sfe.seen(inputs["x"])
        codes, predicted = inverter(photo)
        w, guide = codes + mean, guide_encoder(photo).float() + mean
        features = sfe.fused(inverter, generator, w, predicted)
        own = editor(features, torch.zeros_like(features))
        computed = {
            "w": w,
            "predicted_feat": predicted,
            "fused_feat": features,
            "inversion": sfe.rendered(generator, generator.styles(w), own),
            "w_e4e": guide,
        }
        for ending, factor, mask in (("", 1.0, None), ("_masked", -0.5, inputs["mask"][:, :1])):
            step = factor * inputs["delta_w"]
            delta = sfe.change(
                generator,
                generator.styles(guide),
                generator.styles(guide + step),
                features.shape[-1],
                background=mask,
            )
            edited = editor(features, delta)
            computed |= {f"delta_feat{ending}": delta, f"edited_feat{ending}": edited}
            if mask is None:
                computed["edited"] = sfe.rendered(generator, generator.styles(w + step), edited)
    return computed
