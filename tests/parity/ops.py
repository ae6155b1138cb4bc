"""From a golden's op to the module that computes its outputs."""

from __future__ import annotations

import importlib
from typing import Any

import torch

from .goldens import Golden
from .run import CPU

OPS = {
    "anycost.encoder": "anycost_encoder",
    "anycost.generator": "anycost_generator",
    "arcface.embed": "arcface",
    "ceteris.postprocess": "ceteris_paribus",
    "clip.vit_b32": "clip_vit_b32",
    "deltaedit.delta": "deltaedit",
    "depth.dpt_hybrid": "dpt_hybrid",
    "depth.dpt_large": "dpt_large",
    "e4e.encode": "e4e",
    "hfgi.invert_and_edit": "hfgi",
    "hyperstyle.edit": "hyperstyle_edit",
    "hyperstyle.invert": "hyperstyle",
    "hyperstyle.invert_separable": "hyperstyle_separable",
    "id.curricularface": "curricularface",
    "inpaint.lama": "lama",
    "latent_edits.apply": "latent_edits",
    "metrics.lpips": "lpips",
    "metrics.ms_ssim": "msssim",
    "parsing.bisenet": "bisenet",
    "parsing.graphonomy": "graphonomy",
    "psp.encode": "psp",
    "pti.steps": "pti",
    "restore.gfpgan": "gfpgan",
    "restyle.invert": "restyle_e4e",
    "sfe.full": "sfe",
    "sfe.id_vit": "id_vit",
    "sfe.style_edit": "sfe_style_edit",
    "styleclip.global_direction": "styleclip_global",
    "styleclip.mapper_losses": "latent_mapper_training_step",
    "styleclip.mappers": "styleclip_mapper",
    "stylegan2.generator": "stylegan2",
}
"""op -> module in `published`."""

NOT_YET: frozenset[str] = frozenset()
"""Announced, and not built."""

FLOAT32_ONLY = {
    "clip.vit_b32": "CLIP runs in float32: open_clip's bf16 is 1.7% off",
    "styleclip.mapper_losses": "a training, and CLIP runs in float32",
    "pti.steps": "a training: Adam divides by the size of the gradient, and so by its rounding",
}
"""op -> why nobody should run it in half the bits."""


class UnknownOp(Exception):
    """A golden asks for an op that is neither built nor announced."""


def require_known(op: str) -> None:
    """Raise UnknownOp unless the op is built or announced."""
    if op not in OPS and op not in NOT_YET:
        raise UnknownOp(f"op {op!r} is unknown; known: {', '.join(sorted(OPS))}")


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """All outputs that a golden checks, by name, computed by the product's networks.

    Args:
        golden: one whose op is built.
        device: where the networks run.
        dtype: see `run.running`.

    Raises:
        UnknownOp: its op is not in `OPS`.
    """
    op = golden.facts["op"]
    if op not in OPS:
        raise UnknownOp(f"op {op!r} is not built; built: {', '.join(sorted(OPS))}")
    module = importlib.import_module(f".published.{OPS[op]}", __package__)
    if op != module.OP:
        raise UnknownOp(f"{module.__name__} computes {module.OP!r}, wanted {op!r}")
    computed: dict[str, Any] = module.outputs(golden, device, dtype)
    return computed
