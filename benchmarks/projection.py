"""Encoder against optimisation: how near the generator's picture comes to the photo, and how long
it takes. `python benchmarks/projection.py --faces 8 --iterations 50 200 --strip out.png`

Faces of the face world that no training saw. PSNR is that of the drawn codes, without HFGI, in the
whole crop and on the face alone; the distance is `models.perceptual`'s.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unripple import faceworld
from unripple.conventions import Face
from unripple.io.photo import write_photo
from unripple.models.perceptual import FeatureDistance
from unripple.ops.tensors import to_photos, to_tensor
from unripple.stages import project as stage
from unripple.zoo.zoo import Zoo

FIRST_SEED = 900_000
"""No shard of training data has people of such seeds."""


def main() -> int:
    """Print the table; write a strip if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--faces", type=int, default=8)
    parser.add_argument("--iterations", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--optimiser", default="lbfgs")
    parser.add_argument("--mse-weight", type=float, default=10.0)
    parser.add_argument("--perceptual-weight", type=float, default=1.0)
    parser.add_argument("--encoder-weight", type=float, default=0.5)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--strip", type=Path, help="photos, encoder's and optimised pictures")
    chosen = parser.parse_args()
    zoo = Zoo(device=chosen.device)
    generator: Any = zoo.load("generator").net
    parser_net: Any = zoo.load("parser").net
    distance = FeatureDistance(parser_net)
    encoder = zoo.load("encoder")
    size = generator.size
    factors = faceworld.sample_factors(chosen.faces, seed=FIRST_SEED)
    seeds = torch.arange(FIRST_SEED, FIRST_SEED + chosen.faces)
    scene = faceworld.render(factors, seeds, size=size)
    photos = list(scene.photo.permute(0, 2, 3, 1).contiguous().numpy())  # [H, W, 3]
    face = (scene.labels != Face.BACKGROUND).cpu().numpy()
    started = time.monotonic()
    average = encoder.extras["latent_avg"]
    encoded = [stage.project(p, encoder.net, average, net_size_px=encoder.size_px) for p in photos]
    found = {0: (encoded, time.monotonic() - started)}
    wanted = sorted(chosen.iterations)
    codes: dict[int, list[Any]] = {n: [] for n in wanted}
    seconds = dict.fromkeys(wanted, 0.0)
    for at in range(0, chosen.faces, chosen.batch):
        part = slice(at, at + chosen.batch)
        started, last = time.monotonic(), None
        for last in stage.optimise(
            photos[part],
            encoded[part],
            generator,
            iterations=wanted[-1],
            optimiser=chosen.optimiser,
            mse_weight=chosen.mse_weight,
            encoder_weight=chosen.encoder_weight,
            perceptual=lambda a, b: chosen.perceptual_weight * distance(a, b),
            learning_rate=chosen.learning_rate,
        ):
            if last.iteration in codes:
                codes[last.iteration] += last.w_plus
                seconds[last.iteration] += time.monotonic() - started
        for n in wanted:  # one that ended early stays as it is
            if last is not None and n > last.iteration:
                codes[n] += last.w_plus
                seconds[n] += time.monotonic() - started
    found |= {n: (codes[n], seconds[n]) for n in wanted}
    rows = [np.concatenate(photos, axis=1)]
    print("| iterations | PSNR | of the person | feature distance | from the encoder's | s/photo |")
    print("| --- | --- | --- | --- | --- | --- |")
    for n, (w_plus, spent) in found.items():
        with torch.inference_mode():
            stacked = torch.from_numpy(np.stack(w_plus)).to(encoder.device)
            pictures = to_photos(torch.cat([generator.synthesize(w[None]) for w in stacked]))
            looks = (to_tensor(np.stack(p), device=encoder.device) for p in (pictures, photos))
            seen = distance(*looks)
        psnr = [_psnr(a, b) for a, b in zip(pictures, photos, strict=True)]
        person = [_psnr(a[m], b[m]) for a, b, m in zip(pictures, photos, face, strict=True)]
        moved = np.mean([np.abs(a - b).mean() for a, b in zip(w_plus, encoded, strict=True)])
        print(
            f"| {n or 'encoder'} | {np.mean(psnr):.2f} | {np.mean(person):.2f} "
            f"| {float(seen.mean()):.4f} | {moved:.3f} | {spent / chosen.faces:.2f} |"
        )
        rows.append(np.concatenate(list(pictures), axis=1))
    if chosen.strip is not None:
        write_photo(chosen.strip, np.concatenate(rows))
    return 0


def _psnr(a: Any, b: Any) -> float:
    error = np.square(a.astype(np.float64) - b.astype(np.float64)).mean()
    return float(10 * np.log10(255**2 / error))


if __name__ == "__main__":
    sys.exit(main())
