"""Find the embedded named translations: what to add to codes to change one characteristic.

The factors of every face of the face world are known, and so are the w of a face with other ones
and the true picture of it. A translation starts as the mean of what changes in w when faces are
given the factors of a value instead of those of another one, or of what they happen to have. Then
it descends through the generator until it changes the pictures as they truly change (see
`refine`), row by row. Where that does not help people who were not seen, the mean stays.

Source: own.
"""

from __future__ import annotations

import argparse
import io
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unripple import faceworld
from unripple.atomic import write_bytes
from unripple.faceworld.attributes import SETTINGS as EDITS
from unripple.faceworld.attributes import SHEET_ATTRIBUTES, edited, edits_of, is_categorical
from unripple.io.translations import CONDITIONAL, UNCONDITIONAL
from unripple.models.stylegan2 import Generator
from unripple.training.edit_pairs import FIRST_SEED, GROUP, PairRenderer, Pairs, people
from unripple.training.latents import code, load_generator
from unripple.training.refine import FitQuality, fit, refined

log = logging.getLogger("unripple.training")

PEOPLE = 32  # to descend on; half as many others to choose by, and half as many to report on
APART = 1000  # between the detail seeds of these three
THERE_OR_NOT = ("Gl", "Bd")  # a face has them or has not
WEAK_SHARE, WEAK_CORRELATION = 0.4, 0.4  # below either, few would see what an edit is meant to do

EXAGGERATION: Mapping[str, float] = {
    "A": 3.0,  # wrinkles of a few levels of 255
    "Be": 12.0,  # the same, and only under the eyes
    "Bn": 2.5,  # of a nose one sees its shading
    "Bp": 2.0,
    "Ch": 6.0,  # shading alone, seen from the front
    "Pn": 2.0,
    "Se": 1.5,
    "Sm": 2.0,
}
"""How many times the true change is wanted where that is too faint to be noticed; else 1."""

TAKEN_FOR: Mapping[str, list[str | None]] = {"A_1": ["A_0"]}
"""What a face of unknown value is taken to start from, where what it may have would cancel out: to
middle age the young get wrinkles and the old lose them."""


class Comparison(NamedTuple):
    """How much the mean and the translation that was kept show, on people of their own."""

    mean: FitQuality
    kept: FitQuality


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the translations."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("data/models/generator.safetensors"),
        help="weights, or a run folder")  # fmt: skip
    add("--out", type=Path, default=Path("data/translations/embedded"))
    add("--pictures", type=Path, default=Path("runs/translations"),
        help="folder where true pictures are kept, to go on after a stop")  # fmt: skip
    add("--faces", type=int, default=2000, help="that the mean changes of w are of")
    add("--people", type=int, default=PEOPLE, help=f"to descend on, a multiple of {2 * GROUP}")
    add("--steps", type=int, default=30, help="of descent; 0 keeps the means")
    add("--seed", type=int, default=0)
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--eager", action="store_true", help="without a C compiler: same pictures, 8 times slower")


def main(chosen: argparse.Namespace) -> int:
    """Write the translations and the card `README.md`."""
    generator = load_generator(chosen.generator, chosen.device)
    compiled = not chosen.eager and shutil.which("gcc") is not None
    renderer = PairRenderer(
        chosen.pictures, generator.size, compiled=compiled, device=chosen.device
    )
    faces = faceworld.sample_factors(chosen.faces, seed=chosen.seed)
    shown = {}
    for name in EDITS:
        made = mean_offsets(generator, faces, name)
        offsets, shown[name] = _refined_or_mean(generator, renderer, name, made, chosen)
        for (folder, called, _), offset in zip(made, offsets, strict=True):
            _write(chosen.out / folder / f"{called}.npy", offset.cpu().numpy().astype(np.float32))
        log.info("%s share %.2f, was %.2f", name, shown[name].kept.share, shown[name].mean.share)
    card = "\n".join(_card(shown, chosen)) + "\n"
    write_bytes(chosen.out / "README.md", card.encode())
    return 0


@torch.no_grad()
def mean_offsets(generator: Generator, faces: Tensor, name: str) -> list[tuple[str, str, Tensor]]:
    """The translations to one value.

    Args:
        generator: whose mapping makes codes.
        faces: factors, float32 [B, K].
        name: the edit, a word of `faceworld.attributes.SETTINGS`.

    Returns:
        Folder, name and offset [W] of the one that starts anywhere, and of those that start from
        each of several other values of one of a photo's nine characteristics.
    """
    attribute, _, _ = name.partition("_")
    offsets = {start: _effect(generator, faces, start, name) for start in starts_of(name)}
    anywhere = torch.stack([offsets[start] for start in starts_when_unknown(name)]).mean(0)
    made = [(UNCONDITIONAL, name, anywhere)]
    if attribute in SHEET_ATTRIBUTES and None in offsets:
        made += [
            (CONDITIONAL, f"{name}_fr_{other.partition('_')[2]}", offset)
            for other, offset in offsets.items()
            if other is not None
        ]
    return made


def starts_of(name: str) -> list[str | None]:
    """What faces may have before an edit: what they happen to have (None), or another value.

    Somebody who asks for the most of something seldom starts from the least, but nobody asks for
    the one of two values that a face has.
    """
    attribute, _, _ = name.partition("_")
    others = [other for other in edits_of(attribute) if other != name]
    if len(others) > 1:
        return [None, *others]
    return [*others] if is_categorical(name) or attribute in THERE_OR_NOT else [None]


def starts_when_unknown(name: str) -> list[str | None]:
    """What faces are taken to have before an edit when nobody says what they have."""
    return TAKEN_FOR.get(name) or starts_of(name)


def _effect(generator: Generator, faces: Tensor, start: str | None, name: str) -> Tensor:
    """Mean change of w by an edit of faces that had some value, or any; float32 [W]."""
    before = faces if start is None else edited(faces, start)
    return (_w(generator, edited(before, name)) - _w(generator, before)).mean(0)


def _w(generator: Generator, factors: Tensor) -> Tensor:
    device = next(generator.parameters()).device
    return generator.map(code(factors, generator.style_dim).to(device)).float()


def _refined_or_mean(
    generator: Generator,
    renderer: PairRenderer,
    name: str,
    made: list[tuple[str, str, Tensor]],
    chosen: argparse.Namespace,
) -> tuple[list[Tensor], Comparison]:
    """Of what `mean_offsets` made, the offsets [n_codes, W] to write; how good the first one is."""
    attribute, _, _ = name.partition("_")
    starts, more = starts_when_unknown(name), EXAGGERATION.get(attribute, 1.0)

    def pairs(which: int, starts: Sequence[str | None]) -> Pairs:
        count = chosen.people if which == 0 else chosen.people // 2
        faces = people(count, chosen.seed + 1 + which)
        return renderer.pairs(faces, FIRST_SEED + APART * which, name, starts)

    means = [offset[None].repeat(generator.n_codes, 1) for _, _, offset in made]
    descended = refined(
        generator, pairs(0, starts), means[0], exaggeration=more, steps=chosen.steps
    )
    kept = [least_cost(generator, pairs(1, starts), [means[0], descended], more)]
    for (_, called, _), mean in zip(made[1:], means[1:], strict=True):
        start = f"{attribute}_{called.rpartition('_')[2]}"
        candidates = [mean, mean + descended - means[0], descended]
        kept.append(least_cost(generator, pairs(1, [start]), candidates, more))
    report = pairs(2, starts)
    both = [fit(generator, report, one, exaggeration=more) for one in (means[0], kept[0])]
    return kept, Comparison(*both)


def least_cost(
    generator: Generator, pairs: Pairs, candidates: list[Tensor], exaggeration: float
) -> Tensor:
    """The offset that comes nearest to what is wanted; the first of equals."""
    costs = [fit(generator, pairs, one, exaggeration=exaggeration).cost for one in candidates]
    return candidates[int(np.argmin(costs))]


def _write(path: Path, offset: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, offset, allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def _card(shown: Mapping[str, Comparison], chosen: argparse.Namespace) -> list[str]:
    people, others = chosen.people, chosen.people // 2
    lines = [
        "# Named translations of the embedded generator",
        "",
        f"Mean changes of w over {chosen.faces} faces of the face world, refined on {people} "
        "people by descent through the generator until they change its pictures as the true "
        f"pictures change (`python -m unripple.training translations`); {others} other people "
        "decided whether the mean or the refined one is kept. `conditional/` holds those that "
        "start from a known value.",
        "",
        f"Share and correlation are about {others} more people, inside the region that truly "
        "changes, at half the size: the slope of the drawn change against the true one (1: all of "
        "it is drawn), and their correlation through the origin (1: nothing else is drawn); in "
        "brackets those of the mean. `times` is how far the true change is exaggerated where it is "
        f"faint, so that shares may be above 1. Weak is a share below {WEAK_SHARE:g} or a "
        f"correlation below {WEAK_CORRELATION:g}.",
        "",
        "| translation | factors set | times | share (mean) | correlation (mean) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (mean, kept) in shown.items():
        factors = ", ".join(f"{factor} {level:g}" for factor, level in EDITS[name].items())
        times = EXAGGERATION.get(name.partition("_")[0], 1.0)
        weak = kept.share < WEAK_SHARE or kept.correlation < WEAK_CORRELATION
        lines.append(
            f"| {name} | {factors} | {times:g} | {kept.share:.2f} ({mean.share:.2f})"
            f"{' (weak)' if weak else ''} | {kept.correlation:.2f} ({mean.correlation:.2f}) |"
        )
    return lines
