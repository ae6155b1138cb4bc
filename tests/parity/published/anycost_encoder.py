"""The anycost encoder, and what the published projection minimises, with its gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models import anycost, stylegan2

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running  # noqa: TID252

OP = "anycost.encoder"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Codes of both pictures, the picture drawn again, the objective's terms and gradient."""
    encoder_state, state = part(golden.state, "encoder."), part(golden.state, "generator.")
    with torch.device("meta"):
        encoder = anycost.AnycostEncoder(**anycost.sizes_from_state(encoder_state))
        generator = stylegan2.Generator(**stylegan2.sizes_from_state(state))
    ready(encoder, encoder_state, device)
    ready(generator, state, device)
    inputs, facts = golden.on(device), golden.facts["constructor"]["objective"]
    weights = {"mse_weight": facts["mse_weight"], "codes_weight": facts["enc_reg_weight"]}
    image, moved, used = inputs["image"], inputs["perturbed_styles"], generator.n_codes
    with running(device, dtype):
        resized = anycost.adaptive_resize(inputs["image300"], encoder.size)
        styles = encoder(anycost.adaptive_resize(image, encoder.size))
        synth = generator.synthesize(styles[:, :used]).clamp(-1, 1)
        found = anycost.objective(synth, image, moved, styles, **weights)
        _, gradient = anycost.objective_gradient(
            generator, moved[:, :used], image, styles[:, :used], **weights
        )
        return {
            "styles": styles,
            "styles_from_300": encoder(resized),
            "resized": resized,
            "synth": synth,
            "mse": found.mse.reshape(1),
            "enc_reg": found.codes.reshape(1),
            "objective": found.total.reshape(1),
            "grad_styles": gradient,
        }
