"""How fast every training runs here, in float32 and in bfloat16.

    python benchmarks/training.py [--only NAME ...] [--device cpu|cuda]

Nets, batches and options of `snakemake train`, pictures of noise: what is timed is what a training
times itself before its first step (`unripple.training.precision`), the quickest step of a few. On a
CPU these are CPU seconds of one thread, so that what else the machine does does not count.

`ONEDNN_MAX_CPU_ISA=AVX2` before the command shows what a processor without bfloat16 would do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from unripple import faceworld
from unripple.training import __main__ as door
from unripple.training import precision
from unripple.training.shards import shard_path
from unripple.zoo.memory import keep_freed_memory

SIDE, PEOPLE, SHARDS = 128, 32, 4
MODELS = Path("data/models")
DRAWN = f"--generator {MODELS}/generator.safetensors"
INVERTED = f"{DRAWN} --encoder {MODELS}/encoder.safetensors"
SFE = f"--batch 8 --lr 2e-3 {INVERTED}"
TRAININGS: Mapping[str, str] = {
    "generator": "generator --batch 8 --adversarial 0.01",
    "e4e": f"e4e --batch 8 --perceptual 0.5 --identity 0.2 {DRAWN}",
    "motion": f"flow --batch 8 {INVERTED} --pose {MODELS}/pose.safetensors",
    "hfgi": f"hfgi --batch 8 {INVERTED} --motion {MODELS}/hfgi.safetensors --perceptual 0.3"
    " --pairs 0.9",
    "inverter": f"sfe --phase inverter --plain 0 {SFE}",
    "sfe_editor": f"sfe --phase editor --inverter {MODELS}/inverter.safetensors {SFE}",
    "hyperstyle": f"hyperstyle --trunk {MODELS}/parser.safetensors --batch 4 --l2 2 {INVERTED}",
    "parser": "parser",
    "depth": "depth --batch 8",
    "inpainter": "inpainter --batch 8",
    "landmarks": "landmarks",
    "pose": "pose --batch 32",
    "attributes": "attributes",
    "identity": "identity --batch 32",
}
"""Net -> words of `python -m unripple.training`, those of `rules/train.smk`."""


def noise(index: int) -> dict[str, Tensor]:
    """A shard of no faces, of the shape that trainings read."""
    faces, rng = 2 * PEOPLE, torch.Generator().manual_seed(index)
    plane = (faces, SIDE, SIDE)

    def bytes_of(*shape: int, top: int = 256) -> Tensor:
        return torch.randint(top, shape, generator=rng, dtype=torch.uint8)

    return {
        "photo": bytes_of(faces, 3, SIDE, SIDE),
        "plate": bytes_of(PEOPLE, 3, SIDE, SIDE),
        "labels": bytes_of(*plane, top=19),
        "inverse_depth": 0.1 + 0.1 * torch.rand(plane, generator=rng),
        "alpha": bytes_of(*plane),
        "landmarks": SIDE * torch.rand(faces, 5, 2, generator=rng),
        "pose_deg": 20 * torch.randn(faces, 3, generator=rng),
        "factors": faceworld.sample_factors(faces, index),
        "seed": torch.arange(faces),
    }


def rates(net: str, data: Path, device: str) -> dict[str, float]:
    """Pictures per second of one training, by precision."""
    training, *words = TRAININGS[net].split()
    words += ["--data", str(data), "--device", device, "--steps", "1"]
    chosen = door.parser_for(training).parse_args(words)
    torch.manual_seed(0)
    task = chosen.module.build(chosen)
    clock = time.process_time if device == "cpu" else time.perf_counter
    return precision.measured(task, torch.Generator().manual_seed(0), 0, clock)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TRAININGS, default=list(TRAININGS))
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    keep_freed_memory()
    if asked.device == "cpu":
        torch.set_num_threads(1)
    where = precision.processor(torch.device(asked.device))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {where}\n")
    print("| net | pictures/s, float32 | bfloat16 | gain |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for index in range(SHARDS):
            save_file(noise(index), shard_path(Path(folder), index))
        for net in asked.only:
            found = rates(net, Path(folder), asked.device)
            exact, half = found["float32"], found["bfloat16"]
            print(f"| {net} | {exact:.3g} | {half:.3g} | {half / exact:.2f} |", flush=True)


if __name__ == "__main__":
    main()
