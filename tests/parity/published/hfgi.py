"""HFGI's inversion and edit, step by step, as the published inference script."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import torch
from torch import Tensor, nn

from unripple.models import e4e, hfgi, stylegan2
from unripple.stages.invert import Consultant, consult, down, draw

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..parts import part  # noqa: TID252
from ..run import CPU, ready, running, watched  # noqa: TID252

OP = "hfgi.invert_and_edit"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Every intermediate of the procedure."""
    state, inputs = golden.state, golden.on(device)
    photo = inputs["image"]
    encoder = network(e4e, "Encoder", part(state, "encoder."), device)
    generator = network(stylegan2, "Generator", part(state, "decoder."), device)
    aligner = network(hfgi, "Aligner", part(state, "grid_align."), device)
    residual_encoder = network(hfgi, "ResidualEncoder", part(state, "residue."), device)
    assert isinstance(generator, stylegan2.Generator)
    consultant = Consultant(aligner, residual_encoder, hfgi.CONSULTED, photo.shape[-1])
    size_px = consultant.size_px
    with running(device, dtype):
        codes = encoder(photo).float() + state["latent_avg"].to(device)
        initial = generator.synthesize(codes)
        plain = down(initial.clamp(-1, 1), size_px)
        residual = photo - plain
        edit_codes = codes + inputs["factor"] * inputs["direction"]
        edit_plain = draw(edit_codes, generator, size_px=size_px)
        computed = {
            "codes": codes,
            "initial_1024": initial,
            "res": residual,
            "edit_codes": edit_codes,
            "edit_initial_256": edit_plain,
        }
        alignments, consultations = watched(aligner), watched(residual_encoder)
        for name, w_plus, looked in (
            ("inversion", codes, plain),
            ("edit", edit_codes, edit_plain),
        ):
            picture, _ = consult(w_plus, looked, residual, generator, consultant, before=plain)
            scale, shift = consultations[-1][1]
            computed |= {
                f"{name}_res_align": alignments[-1][1],
                f"{name}_scale": scale,
                f"{name}_shift": shift,
                f"{name}_1024": picture,
                f"{name}_256": down(picture, size_px),
            }
    return computed


def network(
    module: ModuleType, name: str, state: Mapping[str, Tensor], device: torch.device
) -> nn.Module:
    """One of the networks, built by the sizes of its weights."""
    with torch.device("meta"):
        net: nn.Module = getattr(module, name)(**module.sizes_from_state(state))
    return ready(net, state, device)
