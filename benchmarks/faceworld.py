"""How fast faces render: pictures per second at 64, 128 and 256 px, eager and compiled.

    python benchmarks/faceworld.py [--device cpu|cuda] [--batch 8]

One thread on the CPU. The first, untimed batch of each row pays for compiling.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time

import torch

from unripple.faceworld import render, sample_factors

SIZES = (64, 128, 256)
REPEATS = 3


def pictures_per_second(size: int, batch: int, device: str, compiled: bool) -> float:
    """Median over a few batches of fresh faces."""
    speeds = []
    for repeat in range(REPEATS + 1):
        factors = sample_factors(batch, seed=repeat).to(device)
        seeds = torch.arange(batch) + 1000 * repeat
        started = time.perf_counter()
        render(factors, seeds, size=size, compiled=compiled)
        if device == "cuda":
            torch.cuda.synchronize()
        speeds.append(batch / (time.perf_counter() - started))
    return statistics.median(speeds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    modes = [False, True] if chosen.device == "cpu" and shutil.which("gcc") else [False]
    print(f"{'size':>6}" + "".join(f"{'compiled' if mode else 'eager':>12}" for mode in modes))
    for size in SIZES:
        row = [pictures_per_second(size, chosen.batch, chosen.device, mode) for mode in modes]
        print(f"{size:>6}" + "".join(f"{speed:>12.2f}" for speed in row), flush=True)


if __name__ == "__main__":
    main()
