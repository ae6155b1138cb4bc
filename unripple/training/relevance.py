"""Find how CLIP's vector goes with each channel of a generator's style space.

Every channel of the convolutions' styles is made small and large in some pictures, all else left;
the mean way of CLIP's vector from the one to the other is its relevance. Method `global` of text
edits reads it. One style after the other is kept in the run's folder, so a stopped run goes on.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unripple import faceworld
from unripple.conventions import BadConfig
from unripple.models.stylegan2 import Generator, truncated
from unripple.models.text_leads import Reader
from unripple.ops import style_directions as ops
from unripple.runtime.codes import Codes, check_codes, read_codes
from unripple.training import cards
from unripple.training.shards import read_shard
from unripple.zoo import networks

log = logging.getLogger("unripple.training")

SEED = 5  # as published
REACH = 5.0  # standard deviations, as published
CODES = 10_000  # for mean and deviation of every channel; published: 100,000
BATCH = 8
TRUNCATED_ROWS = 8  # as published: the first rows alone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m unripple.training relevance`."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("data/models/generator.safetensors"))
    add("--clip", type=Path, default=Path("data/models/clip.safetensors"))
    add("--out", type=Path, default=Path("runs/relevance"), help="folder of this run")
    add("--models", type=Path, default=Path("data/models"), help="where the tables go")
    add("--pictures", type=int, default=8, help="for each channel (published: 100)")
    add("--layers", type=int, default=17, help="how many styles of convolutions to look at")
    about = "how the generator's z is drawn: our factors of faces, or normal"
    add("--faces", choices=("faceworld", "normal"), default="faceworld", help=about)
    about = "faces of `unripple codes` instead: their styles' mean and deviation"
    add("--codes", type=Path, metavar="FILE", help=about)
    add("--psi", type=float, default=1.0, help="truncation of the first rows (published: 0.7)")
    add("--device", default="cpu")


def main(chosen: argparse.Namespace) -> int:
    """Look at the channels that were not looked at yet, and write the tables."""
    device = torch.device(chosen.device)
    generator: Any = networks.load("generator", chosen.generator, device).net
    clip = networks.load("clip", chosen.clip, device)
    reader = Reader(clip.net, clip.metadata)
    chosen.out.mkdir(parents=True, exist_ok=True)
    with torch.inference_mode():
        if chosen.codes is None:
            styles = drawn_styles(generator, CODES, faces=chosen.faces, psi=chosen.psi)
        else:
            styles = styles_of(generator, read_codes(chosen.codes))
        means = [style.mean(0) for style in styles]
        deviations = [style.std(0, unbiased=False) for style in styles]
        first = [style[: chosen.pictures] for style in styles]
        rows = []
        for number in ops.style_numbers(len(styles))[: chosen.layers]:
            path = chosen.out / f"style-{number:02d}.safetensors"
            if not path.exists():
                found = of_style(generator, reader, first, number, means, deviations)
                cards.save_half(path, {"relevance": found})
                log.info("style %d: %d channels", number, len(found))
            rows.append(read_shard(path, ("relevance",))["relevance"].float())
    tables = {
        "relevance": torch.cat(rows),
        "mean": torch.cat(means),
        "deviation": torch.cat(deviations),
    }
    path = chosen.models / "relevance.safetensors"
    cards.save_half(path, tables, role="relevance", pictures=str(chosen.pictures))
    log.info("%s", path)
    return 0


def drawn_styles(generator: Generator, count: int, *, faces: str, psi: float) -> list[Tensor]:
    """Styles of random faces, one tensor [count, C] for each."""
    if faces == "faceworld":
        z = faceworld.code(faceworld.sample_factors(count, SEED), generator.style_dim)
    else:
        rng = torch.Generator().manual_seed(SEED)
        z = torch.randn(count, generator.style_dim, generator=rng)
    w = generator.map(z.to(next(generator.parameters()).device))
    w_plus = generator.rows(w[:, None]).clone()
    early = w_plus[:, :TRUNCATED_ROWS]
    w_plus[:, :TRUNCATED_ROWS] = truncated(early, w.mean(0), psi=psi)
    return generator.styles(w_plus)


def styles_of(generator: Generator, codes: Codes) -> list[Tensor]:
    """Styles of the faces of a file, one tensor [N, C] for each.

    Raises:
        BadConfig: they are another generator's, or one alone, which has no deviation.
    """
    check_codes(codes, generator)
    if len(codes.names) < 2:
        raise BadConfig("--codes: one face has no deviation; wanted two at least")
    device = next(generator.parameters()).device
    return generator.styles(torch.from_numpy(codes.w_plus).to(device))


def of_style(
    generator: Generator,
    reader: Reader,
    styles: list[Tensor],
    number: int,
    means: list[Tensor],
    deviations: list[Tensor],
) -> Tensor:
    """The relevance of every channel of one style, [C, D].

    Args:
        generator: draws.
        reader: sees.
        styles: of the pictures, [N, C] each.
        number: which of them.
        means, deviations: of every channel of each style.
    """
    found = []
    for channel in range(styles[number].shape[1]):
        seen = []
        for side in (-REACH, REACH):
            changed = [style.clone() for style in styles]
            value = means[number][channel] + side * deviations[number][channel]
            changed[number][:, channel] = value
            seen.append(_seen(generator, reader, changed))
        found.append(torch.stack(seen, dim=1))  # [N, 2, D]
    return ops.relevance(torch.stack(found))


def _seen(generator: Generator, reader: Reader, styles: list[Tensor]) -> Tensor:
    parts = [torch.split(style, BATCH) for style in styles]
    return torch.cat([reader.see(generator.render(part)) for part in zip(*parts, strict=True)])
