"""Model weights on disk and the card beside them: where they come from and how good they are."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from unripple.atomic import write_bytes
from unripple.training.checkpoint import Clock
from unripple.training.loop import Task


def save_half(path: Path, state: Mapping[str, Tensor], **metadata: str) -> Path:
    """Write weights as float16 safetensors (integers stay), whole or not at all.

    Raises:
        ValueError: a weight does not fit float16.
    """
    half: dict[str, Tensor] = {}
    for name, value in state.items():
        value = value.detach().cpu()
        kept = value.half() if value.is_floating_point() else value
        if not torch.isfinite(kept).all():
            raise ValueError(f"{name} does not fit float16 (largest {value.abs().max():.3g})")
        half[name] = kept.contiguous()
    write_bytes(path, save(half, metadata={"format": "pt", **metadata}))
    return path


def write(weights: Path, task: Task, clock: Clock, chosen: argparse.Namespace) -> Path:
    """Write the card beside the exported weights: data, steps, time, and validation."""
    figures = task.validate()
    size = f"{weights.stat().st_size / 1e6:.1f} MB" if weights.exists() else "none"
    spent = f"{clock.step} steps, {clock.pictures} pictures, {clock.seconds / 60:.1f} minutes"
    words = {k: v for k, v in sorted(vars(chosen).items()) if k not in {"module", "export"}}
    lines = [
        f"# {weights.stem}",
        "",
        task.notes(),
        "",
        "| | |",
        "| --- | --- |",
        f"| weights | `{weights.name}`, float16, {size} |",
        f"| trained for | {spent} |",
        f"| device | {chosen.device}, in {clock.precision or 'bfloat16'} |",
        f"| options | `{' '.join(f'{k}={v}' for k, v in words.items())}` |",
        "",
        "Validation on held-out people:",
        "",
        "| figure | value |",
        "| --- | --- |",
        *(f"| {name} | {value:.4g} |" for name, value in figures.items()),
        "",
    ]
    path = weights.with_suffix(".md")
    path.write_text("\n".join(lines))
    return path
