"""What every training asks on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def add_common(parser: argparse.ArgumentParser, net: str) -> None:
    """The options that all trainings share."""
    add = parser.add_argument
    add("--data", type=Path, default=Path("runs/data/128"), help="folder of shards or photos")
    add("--out", type=Path, default=Path("runs") / net, help="folder of this run")
    add("--init", type=Path, help="run folder or safetensors whose averaged weights to start from")
    add("--steps", type=int, help="end after so many optimizer steps")
    add("--minutes", type=float, help="end after so many minutes (resumed time included)")
    add("--batch", type=int, default=16, help="pictures per step")
    add("--seed", type=int, default=0)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    how = "what to compute in; auto: the faster one here, timed before the first step"
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help=how)
    add("--resume", choices=("automatic", "never"), default="automatic")
    add("--models", type=Path, default=Path("data/models"), help="other nets, and the export")
    when = "write weights and card at the end, at once from the checkpoint, or never"
    add("--export", choices=("end", "now", "never"), default="end", help=when)
    add("--save-minutes", type=float, default=5.0, help="between checkpoints")
    add("--validate-minutes", type=float, default=3.0, help="between validations and grids")
