"""What HyperStyle's iterations bring to people that no training has seen.

    python benchmarks/hyperstyle.py [--photos 64] [--iterations 5] [--models data/models]
        [--sample runs/hyperstyle.png]

Every person is inverted from e4e's codes. Edits move the codes by the change of w that the mapping
gives for the change of the true factors, so that nothing but the inversion is judged: turns by 20
degrees to either side, and a smile. Each is compared with the true picture of the edit. Drawings
are those of `unripple adapt --to ink`, compared with what the filter makes of the true photo.
Figures are medians. Those of every 16 people are kept, so that a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.heldout import BATCH, SEED, TURN_DEG, TURNS, people
from unripple.faceworld import INDEX, RenderedFaces, counterfactual, with_factors
from unripple.models.hyperstyle import Hypernet, refined
from unripple.models.stylegan2 import Generator
from unripple.training import drawn, grids
from unripple.training.encoders import load_encoder
from unripple.training.latents import code, load_generator
from unripple.training.starts import digest
from unripple.zoo import networks

SMILE = 1.0  # of a factor from -1 to 1
PART = 16  # people whose figures are kept together
FROM_LAYERS = (0, 8, 14, 99)  # offsets that drawings take; 99: none


class Edited(NamedTuple):
    """The truth of an edit: pictures [N, 3, S, S], persons bool [N, 1, S, S], factors."""

    photo: Tensor
    person: Tensor
    factors: Tensor


def psnrs(picture: Tensor, truth: Tensor, person: Tensor | None = None) -> Tensor:
    """PSNR in dB of each picture in [-1, 1], over a person or everywhere."""
    square = ((picture.clamp(-1, 1) - truth) / 2).square().mean(1, keepdim=True)
    share = torch.ones_like(square) if person is None else person.float()
    return -10 * torch.log10((square * share).sum((1, 2, 3)) / share.sum((1, 2, 3)))


def edits_of(stored: Mapping[str, Tensor], first: int) -> dict[str, Edited]:
    """The true edits of people, of whom the first one has this number."""
    factors, yaw = stored["factors"], stored["pose_deg"][:, 0]
    edits = {
        turn: Edited(
            grids.from_uint8(stored[f"{turn}_photo"]),
            stored[f"{turn}_alpha"][:, None] > 127,
            with_factors(factors, yaw_deg=yaw + sign * TURN_DEG),
        )
        for turn, sign in TURNS.items()
    }
    return edits | {"smile": smiling(stored, first)}


def smiling(stored: Mapping[str, Tensor], first: int) -> Edited:
    """Everybody with another smile: who smiles stops, who does not begins."""
    column = INDEX["smile"]
    before = stored["factors"][:, column]
    after = before - torch.where(before > 0, SMILE, -SMILE)
    pictures, persons, compiled = [], [], shutil.which("gcc") is not None
    for rows in torch.arange(len(before)).split(BATCH):
        fields = {name: stored[name][rows] for name in RenderedFaces._fields if name != "seeds"}
        faces = RenderedFaces(**fields, seeds=SEED + first + rows)
        true = counterfactual(faces, compiled=compiled, smile=after[rows])
        pictures.append(true.photo)
        persons.append(true.alpha)
    factors = with_factors(stored["factors"], smile=after)
    return Edited(grids.from_uint8(torch.cat(pictures)), torch.cat(persons)[:, None] > 127, factors)


class Bench:
    """The networks, and what they make of people.

    Args:
        models: folder of their files.
        hypernet: the file of the hypernetwork.
        iterations: how often it looks.
    """

    def __init__(self, models: Path, hypernet: Path, iterations: int) -> None:
        cpu = torch.device("cpu")
        self.generator = load_generator(models / "generator.safetensors")
        self.encoder, self.mean = load_encoder(models / "encoder.safetensors")
        net = networks.load("hypernet", hypernet, cpu).net
        assert isinstance(net, Hypernet)
        self.hypernet, self.iterations = net, iterations
        drawing = models / "generator-ink.safetensors"
        self.drawing = networks.load("generator", drawing, cpu).net if drawing.exists() else None

    @torch.inference_mode()
    def invert(self, photo: Tensor) -> tuple[Tensor, list[dict[int, Tensor]]]:
        """e4e's codes, and the offsets before the first iteration and after each."""
        w_plus = self.encoder(photo) + self.mean
        steps = refined(self.hypernet, self.generator, photo, w_plus, iterations=self.iterations)
        return w_plus, [{}, *(dict(step.offsets) for step in steps)]

    def draw(
        self, w_plus: Tensor, offsets: dict[int, Tensor], generator: Generator | None = None
    ) -> Tensor:
        """Pictures [B, 3, S, S]."""
        with torch.inference_mode():
            return (generator or self.generator).synthesize(w_plus, weight_offsets=offsets)


Figures = dict[str, list[Tensor]]


def measured(
    bench: Bench, stored: Mapping[str, Tensor], first: int
) -> tuple[Figures, list[Tensor]]:
    """Figures of every person, a list over batches; and pictures of the first, row by row."""
    figures: Figures = defaultdict(list)
    strips: list[Tensor] = []
    edits = edits_of(stored, first)
    for rows in torch.arange(len(stored["photo"])).split(BATCH):
        photo = grids.from_uint8(stored["photo"][rows])
        person = stored["alpha"][rows][:, None] > 127
        w_plus, offsets = bench.invert(photo)
        drawn_by = [bench.draw(w_plus, one) for one in offsets]
        for n, picture in enumerate(drawn_by):
            figures[f"inversion, {n}"].append(psnrs(picture, photo))
            figures[f"inversion of the person, {n}"].append(psnrs(picture, photo, person))
        shown = [photo, drawn_by[0], drawn_by[-1]]
        for name, edit in edits.items():
            before, after = (code(f[rows]) for f in (stored["factors"], edit.factors))
            with torch.inference_mode():
                moved = w_plus + (bench.generator.map(after) - bench.generator.map(before))[:, None]
            for n, one in enumerate(offsets):
                picture = bench.draw(moved, one)
                figures[f"{name}, {n}"].append(psnrs(picture, edit.photo[rows]))
                near = psnrs(picture, edit.photo[rows], edit.person[rows])
                figures[f"{name} of the person, {n}"].append(near)
                if n in (0, len(offsets) - 1):
                    shown += [picture] if n else [edit.photo[rows], picture]
        if bench.drawing is not None:
            truth = drawn.drawings(photo, stored["labels"][rows])
            shown.append(truth)
            for first in FROM_LAYERS:
                kept = {layer: one for layer, one in offsets[-1].items() if layer >= first}
                picture = bench.draw(w_plus, kept, bench.drawing)
                figures[f"drawing, layers from {first}"].append(psnrs(picture, truth))
                near = psnrs(picture, truth, person)
                figures[f"drawing of the person, layers from {first}"].append(near)
                shown.append(picture)
        strips = strips or shown
    return figures, strips


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    parser.add_argument("--hypernet", type=Path, help="(default: hypernet.safetensors of --models)")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"), help="rendered people")
    parser.add_argument("--sample", type=Path, help="a picture of the first people, as PNG")
    chosen = parser.parse_args()
    hypernet = chosen.hypernet or chosen.models / "hypernet.safetensors"
    bench = Bench(chosen.models, hypernet, chosen.iterations)
    weights = digest(
        [*bench.hypernet.state_dict().values(), *bench.generator.state_dict().values()]
    )
    stored, parts = people(chosen.photos, 128, chosen.out), []
    for first in range(0, chosen.photos, PART):
        kept = chosen.out / f"hyperstyle-{weights[:16]}-{chosen.iterations}-{first:04d}.pt"
        if not kept.exists() or (chosen.sample is not None and first == 0):
            rows = {name: value[first : first + PART] for name, value in stored.items()}
            figures, strips = measured(bench, rows, first)
            if chosen.sample is not None and first == 0:
                grids.write(chosen.sample, grids.rows(*strips))
            torch.save({name: torch.cat(values) for name, values in figures.items()}, kept)
        parts.append(torch.load(kept, weights_only=True))
    for name in parts[0]:
        found = torch.cat([part[name] for part in parts]).numpy()
        print(
            f"{name:40}  {np.median(found):6.2f} dB  (mean {found.mean():.2f}, {len(found)} people)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
