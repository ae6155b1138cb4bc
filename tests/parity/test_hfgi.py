"""HFGI's inversion and edit, step by step, against the published inference script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models import e4e, hfgi, stylegan2

from .goldens import Golden, read_golden
from .parts import part

Net = TypeVar("Net", bound=nn.Module)


@pytest.mark.slow
def test_hfgi_matches_the_published_inversion_and_edit(shared: Path) -> None:
    golden = read_golden(shared, "hfgi")
    aligner = hfgi.sizes_from_state(part(golden.state, "grid_align."))
    residual = hfgi.sizes_from_state(part(golden.state, "residue."))
    assert aligner == {"widths": (16, 32, 48, 64)}
    assert residual == {"widths": (32, 48, 64), "out_channels": 512}
    with torch.inference_mode():
        golden.check(published_outputs(golden))


def published_outputs(golden: Golden) -> dict[str, Tensor]:
    """The published procedure on one picture."""
    state, photo = golden.state, golden.inputs["image"]
    encoder = ready(e4e.Encoder(), part(state, "encoder."))
    generator = ready(stylegan2.Generator(), part(state, "decoder."))
    aligner = ready(hfgi.Aligner(), part(state, "grid_align."))
    residual_encoder = ready(hfgi.ResidualEncoder(), part(state, "residue."))

    codes = encoder(photo) + state["latent_avg"]
    initial = generator.synthesize(codes)
    residual = photo - down(initial.clamp(-1, 1))
    edit_codes = codes + golden.inputs["factor"] * golden.inputs["direction"]
    outputs = {
        "codes": codes,
        "initial_1024": initial,
        "res": residual,
        "edit_codes": edit_codes,
        "edit_initial_256": down(generator.synthesize(edit_codes).clamp(-1, 1)),
    }
    plain = {"inversion": down(initial.clamp(-1, 1)), "edit": outputs["edit_initial_256"]}
    for name, w_plus in (("inversion", codes), ("edit", edit_codes)):
        aligned = aligner(residual, plain[name])
        scale, shift = residual_encoder(aligned)
        consult = {hfgi.CONSULTED: lambda x, s=scale, t=shift: hfgi.fuse(x, s, t)}
        picture = generator.synthesize(w_plus, inject=consult)
        outputs |= {
            f"{name}_res_align": aligned,
            f"{name}_scale": scale,
            f"{name}_shift": shift,
            f"{name}_1024": picture,
            f"{name}_256": down(picture),
        }
    return outputs


def ready(net: Net, state: Mapping[str, Tensor]) -> Net:
    net.load_state_dict(dict(state), strict=True)
    return net.eval()


def down(picture: Tensor) -> Tensor:
    return F.interpolate(picture, size=(256, 256), mode="bilinear", align_corners=False)
