"""Find the embedded named translations: what to add to codes to change one characteristic.

The factors of every face of the face world are known, and so is the w of a face with other ones.
A translation is the mean of what changes in w when faces are given the factors of a value instead
of those of another value, or the most of something instead of the least.
"""

from __future__ import annotations

import argparse
import io
import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unripple import faceworld
from unripple.faceworld.characteristics import NINE, edited, values_of
from unripple.faceworld.characteristics import SETTINGS as EDITS
from unripple.io.atomic import write_bytes
from unripple.io.translations import CONDITIONAL, UNCONDITIONAL
from unripple.models.stylegan2 import Generator
from unripple.training.direction_measures import pictures
from unripple.training.latents import code, load_generator

log = logging.getLogger("unripple.training")

SHOWN = 32  # faces drawn to see how true a translation is
WEAK = 0.1  # gain below which nobody would see what an edit is meant to do


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the translations."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("data/models/generator.safetensors"),
        help="weights, or a run folder")  # fmt: skip
    add("--out", type=Path, default=Path("data/translations/embedded"))
    add("--faces", type=int, default=2000)
    add("--seed", type=int, default=0)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def main(chosen: argparse.Namespace) -> int:
    """Write the translations and the card `README.md`."""
    generator = load_generator(chosen.generator, chosen.device)
    faces = faceworld.sample_factors(chosen.faces, seed=chosen.seed)
    gains = {}
    for name in EDITS:
        for folder, called, offset in found(generator, faces, name):
            repeated = np.repeat(offset[None].cpu().numpy(), generator.n_codes, axis=0)
            _write(chosen.out / folder / f"{called}.npy", repeated.astype(np.float32))
            if folder == UNCONDITIONAL:
                gains[name] = gain(generator, faces[:SHOWN], name, offset)
        log.info("%s gain %.2f", name, gains[name])
    card = "\n".join(_card(gains, chosen.faces)) + "\n"
    write_bytes(chosen.out / "README.md", card.encode())
    return 0


@torch.no_grad()
def found(generator: Generator, faces: Tensor, name: str) -> list[tuple[str, str, Tensor]]:
    """The translations to one value.

    Args:
        generator: whose mapping makes codes.
        faces: factors, float32 [B, K].
        name: the edit, a word of `characteristics.SETTINGS`.

    Returns:
        Folder, name and offset [W] of the one that starts anywhere, and of those that start from
        each of several other values of one of a photo's nine characteristics.
    """
    carac, _, _ = name.partition("_")
    offsets = {
        other: _effect(generator, start := edited(faces, other), edited(start, name))
        for other in values_of(carac)
        if other != name
    }
    anywhere = torch.stack(list(offsets.values())).mean(0)
    made = [(UNCONDITIONAL, name, anywhere)]
    if carac in NINE and len(offsets) > 1:
        made += [
            (CONDITIONAL, f"{name}_fr_{other.partition('_')[2]}", offset)
            for other, offset in offsets.items()
        ]
    return made


def _effect(generator: Generator, before: Tensor, after: Tensor) -> Tensor:
    """Mean change of w between two lists of faces, float32 [W]."""
    return (_w(generator, after) - _w(generator, before)).mean(0)


def _w(generator: Generator, factors: Tensor) -> Tensor:
    device = next(generator.parameters()).device
    return generator.map(code(factors, generator.style_dim).to(device)).float()


@torch.no_grad()
def gain(generator: Generator, faces: Tensor, name: str, offset: Tensor) -> float:
    """How much nearer translated faces come to the generator's own pictures of the edited ones.

    Returns:
        1 - (distance of the translated) / (distance of doing nothing), mean absolute differences,
        over faces that had another value, or the other limit.
    """
    carac, _, _ = name.partition("_")
    others = [other for other in values_of(carac) if other != name]
    parts = faces.chunk(len(others))
    start = torch.cat([edited(part, other) for part, other in zip(parts, others, strict=True)])
    w = _w(generator, start)
    wanted = pictures(generator, _w(generator, edited(start, name)))
    missed = (pictures(generator, w + offset) - wanted).abs().mean()
    still = (pictures(generator, w) - wanted).abs().mean()
    return float(1 - missed / still.clamp_min(1e-6))


def _write(path: Path, offset: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, offset, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def _card(gains: dict[str, float], faces: int) -> list[str]:
    lines = [
        "# Named translations of the embedded generator",
        "",
        f"Mean changes of w over {faces} faces of the face world (`python -m unripple.training "
        "translations`); every code moves alike. `conditional/` holds those that start from a "
        "known value. Gain is 1 where a translated code gives the generator's own picture of the "
        "edited face, 0 where it is no nearer than no edit.",
        "",
        "| translation | factors set | gain |",
        "| --- | --- | --- |",
    ]
    for name, value in gains.items():
        factors = ", ".join(f"{factor} {level:g}" for factor, level in EDITS[name].items())
        weak = " (weak)" if value < WEAK else ""
        lines.append(f"| {name} | {factors} | {value:.2f}{weak} |")
    return lines
