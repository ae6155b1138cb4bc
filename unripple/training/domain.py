"""Fine-tune the embedded generator to another domain, and keep what changed.

The domain is drawings, which a fixed filter makes of the rendered faces (`training.drawn`). What
makes codes and styles stays as it is, and so does all below 32 px: the same codes go on being the
same face in the same pose, and offsets that a hypernetwork found for the one generator serve the
other one, too (`unripple adapt`). The file holds the layers that learned, and names the generator
that they go over.

Source: Pinkney and Adler 2020 (layer swapping), Gal et al. 2022 (StyleGAN-NADA), whose generators
HyperStyle adapts; here the truth is known, so that regression serves.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from torch import Tensor

from unripple.models.stylegan2 import Generator
from unripple.training import cards, drawn, grids, losses
from unripple.training.generator import GeneratorTask
from unripple.training.latents import code
from unripple.training.loop import Batch, adam, parameters
from unripple.training.shards import FaceShards
from unripple.zoo.weights import read_header, size_px

FROM_PX = 32
NAME = "generator-ink"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the domain."""
    add = parser.add_argument
    add("--lr", type=float, default=2e-3)
    add("--name", default=NAME, help="of the exported files, without suffix")
    add("--over", type=Path, default=Path("data/models/generator.safetensors"),
        help="the embedded generator, which the file goes over")  # fmt: skip
    parser.set_defaults(batch=8)


def build(chosen: argparse.Namespace) -> DomainTask:
    """Open the data and the generator."""
    return DomainTask(
        FaceShards(chosen.data, GeneratorTask.FIELDS, "train", chosen.device),
        FaceShards(chosen.data, GeneratorTask.FIELDS, "val", chosen.device),
        chosen.over,
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
        name=chosen.name,
    )


class DomainTask(GeneratorTask):
    """Regression of drawings from factors, by the fine layers alone; see `loop.Task`.

    Args:
        data, held_out: shards with `GeneratorTask.FIELDS`.
        over: an exported generator, to start from and to go over.
        batch_size: pictures per step.
        device: where everything lives.
        lr: of Adam.
        name: of the exported files.
    """

    def __init__(
        self,
        data: FaceShards,
        held_out: FaceShards,
        over: Path,
        *,
        batch_size: int,
        device: str = "cpu",
        lr: float = 2e-3,
        name: str = NAME,
    ) -> None:
        size = size_px(read_header(over)[0], over)
        super().__init__(data, held_out, size=size, batch_size=batch_size, device=device, lr=lr)
        self.over, self.name = over, name
        self.start_from(over)
        learn_from(self.net, FROM_PX)
        self.optimizers = {"generator": adam(parameters(self.net), lr)}

    def prepare(self, batch: Batch, part_weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As for photos, and drawn; see `GeneratorTask.prepare`."""
        labels = batch["labels"].to(self.device)
        photo = grids.from_uint8(batch["photo"].to(self.device))
        weights = losses.pixel_weights(labels, part_weights)
        target = losses.shrink(drawn.drawings(photo, labels), self.size)
        return code(batch["factors"].to(self.device)), target, losses.shrink(weights, self.size)

    def export(self, folder: Path) -> list[Path]:
        """Write the averaged layers that learned."""
        learned = {name for name, weight in self.net.named_parameters() if weight.requires_grad}
        state = {k: v for k, v in self.average.state_dict().items() if k in learned}
        digest = hashlib.sha256(self.over.read_bytes()).hexdigest()
        about = {
            "role": self.role,
            "arch": "stylegan2.Generator",
            "size": str(self.size),
            "over": json.dumps({"file": self.over.name, "sha256": digest}),
        }
        return [cards.save_half(folder / f"{self.name}.safetensors", state, **about)]

    def notes(self) -> str:
        """For the card."""
        return (
            f"The layers from {FROM_PX} px on of a generator of drawings, to go over "
            f"{self.over.name}, which keeps mapping, styles and all coarser layers. Regression "
            "from the face world's factors to its renders, drawn by `training.drawn`."
        )


def learn_from(net: Generator, side: int) -> None:
    """Let the convolutions of a side and above learn, and nothing else.

    Styles stay, for edits in style space and for the directions that were found for it.
    """
    net.requires_grad_(False)
    for i in range(net.n_codes - 1):
        if 4 << (i + 1) // 2 >= side:
            styled = net.styled(i)
            for weight in (styled.modulated.weight, *styled.activate.parameters()):
                weight.requires_grad_(True)
    for level in range(net.n_codes // 2):
        if 4 << level >= side:
            rgb = net.rgb(level)
            for weight in (rgb.modulated.weight, rgb.bias):
                weight.requires_grad_(True)
