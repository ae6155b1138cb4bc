"""Train the net that finds where an edited picture's points lie in the photo.

Two pictures of one person at two poses, whose motion is known to the pixel because both were
rendered. The net sees what an edit sees: the photo, its redrawing by generator and encoder (both
frozen), and that redrawing's edit. `hfgi --motion` takes the result along and trains it on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unripple.conventions import BadCheckpoint, Photo
from unripple.faceworld import motion as truth
from unripple.models.e4e import Encoder
from unripple.models.motion import Details, Motion, MotionNet, carried
from unripple.models.pose import sizes_from_state
from unripple.models.stylegan2 import Generator
from unripple.training import grids, losses, start, turned
from unripple.training.encoders import SIZE, load_encoder
from unripple.training.latents import load_generator
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards
from unripple.training.single import SingleNet
from unripple.zoo.weights import read_header

FIELDS = (*turned.FIELDS, "labels", "inverse_depth")
WIDTHS = (24, 40, 64, 96)
PAIRS = 0.8  # of a batch; the others stay as they are, which an inversion needs
OFF_PERSON = 0.2  # weight of the background's motion, which is none
MOTION_WEIGHT = 0.1  # of its error in px, beside that of the picture
LEFT_WEIGHT = 0.2  # of `turned.left_behind`
VALIDATION_FACES = 64
MOTION_PREFIX = "motion."  # in hfgi files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the motion."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--encoder", type=Path, default=Path("runs/e4e"), help="run folder or safetensors")
    add("--pose", type=Path, default=Path("runs/pose"), help="run folder or safetensors")
    add("--lr", type=float, default=2e-3)


def build(chosen: argparse.Namespace) -> MotionTask:
    """Open the data and the frozen nets, and build the one that learns."""
    return MotionTask(
        FaceShards(chosen.data, FIELDS, "train", chosen.device),
        FaceShards(chosen.data, FIELDS, "val", chosen.device),
        load_generator(chosen.generator, chosen.device),
        load_encoder(chosen.encoder, chosen.device),
        start.averaged(chosen.pose, "pose"),
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
    )


def motion_state(path: Path) -> dict[str, Tensor]:
    """The averaged weights of a motion net: of its run, of its own file, or out of an hfgi file.

    Raises:
        BadCheckpoint: there are none.
    """
    if path.suffix != ".safetensors" or read_header(path)[0].get("role") != "hfgi":
        return start.averaged(path, MotionTask.role)
    state = {
        name.removeprefix(MOTION_PREFIX): value
        for name, value in start.averaged(path, "hfgi").items()
        if name.startswith(MOTION_PREFIX)
    }
    if not state:
        raise BadCheckpoint(f"{path}: holds no motion net; name a run of one")
    return state


class MotionTask(SingleNet):
    """Motion, and what it brings along; see `single.SingleNet`.

    Args:
        data, held_out: shards with `FIELDS`.
        generator: frozen.
        encoder: frozen, and the mean w of its codes.
        pose: weights of the pose net.
        batch_size: pictures per step.
        device: where everything lives.
        lr: of Adam.
    """

    role = "motion"
    arch = "motion.MotionNet"
    size_px = SIZE

    def __init__(
        self,
        data: FaceShards,
        held_out: FaceShards,
        generator: Generator,
        encoder: tuple[Encoder, Tensor],
        pose: dict[str, Tensor],
        *,
        batch_size: int,
        device: str = "cpu",
        lr: float = 2e-3,
    ) -> None:
        self.net_sizes: dict[str, Any] = {"widths": WIDTHS, "pose": sizes_from_state(pose)}
        net = MotionNet(**self.net_sizes)
        net.pose.load_state_dict(pose)
        super().__init__(net, batch_size=batch_size, device=device, lr=lr)
        self.turning = turned.Turning(generator, encoder, device)
        self.data, self.held_out = data, held_out.first(VALIDATION_FACES)

    def start_from(self, path: Path) -> None:
        """Start from another run's average, or from exported weights, `hfgi` files among them."""
        start.load(motion_state(path), path, self.net, self.average)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random photos; those of pairs come last."""
        n = round(PAIRS * self.batch_size)
        return turned.beside(self.data.batch(self.batch_size - n, rng), *self.data.pairs(n, rng))

    def find(self, batch: Batch) -> tuple[turned.Case, Tensor, Motion, Details]:
        """(case, edited pictures, their motion, what it brings along)."""
        case = turned.Case.of(batch, self.device)
        w_plus, before = self.turning.invert(case.photo)
        _, after = self.turning.turn(w_plus, before, case)
        net = self.net if torch.is_grad_enabled() else self.average
        with autocast(self.device):
            motion = net(case.photo, before, after)
        return case, after, motion, carried(motion, case.photo - before, before, after)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Error of the motion where it can be seen, and of the picture with what it brings."""
        case, after, motion, details = self.find(batch)
        missed = (details.laid_over(after, after) - case.target) * case.known
        moved = self.error_px(batch, motion, case.n)
        figures = {"pyramid": losses.pyramid_l1(missed), "square": missed.square().mean()}
        left = turned.left_behind(motion.seen, case)
        loss = figures["pyramid"] + figures["square"] + MOTION_WEIGHT * moved + LEFT_WEIGHT * left
        return {**figures, "motion_px": moved, "left": left, "loss": loss}

    def error_px(self, batch: Batch, motion: Motion, n: int, off: float = OFF_PERSON) -> Tensor:
        """Mean length of the motion's error over the points that both photos show, px.

        Args:
            batch: see `draw`.
            motion: what was found.
            n: how many rows come before the pairs.
            off: weight of points that are not of the person.
        """
        on = {name: value.to(self.device) for name, value in batch.items()}
        true = truth.origin(
            on["factors"][n:],
            on["inverse_depth"][n:],
            on[turned.TARGET + "factors"],
            on[turned.TARGET + "labels"],
            on[turned.TARGET + "inverse_depth"],
        )
        side = on["photo"].shape[-1]
        found = motion.offsets[n:] * (side / 2)  # [B, 2, S, S] px
        centres = torch.arange(side, device=self.device) + 0.5
        rows, columns = torch.meshgrid(centres, centres, indexing="ij")
        wanted = true.position.permute(0, 3, 1, 2) - torch.stack((columns, rows))
        size = (found - wanted).square().sum(1).add(1e-4).sqrt()  # [B, S, S]
        weight = torch.where(on[turned.TARGET + "alpha"] > 127, 1.0, off) * true.visible
        return (size * weight).sum() / weight.sum().clamp_min(1)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Error of the motion on the person, and nearness to true edits with and without it."""
        batch = turned.swapped(self.held_out)
        _, after, motion, details = self.find(batch)
        drawn = details.laid_over(after, after)
        return {
            "motion_px": float(self.error_px(batch, motion, 0, off=0.0)),
            "seen": float(motion.seen.mean()),
            "same": float(motion.same.mean()),
            **turned.figures(self.held_out, drawn),
            "e4e_psnr_db": turned.figures(self.held_out, after)["edit_psnr_db"],
        }

    @torch.no_grad()
    def sample(self) -> Photo:
        """Photos, their partners, the edits to them, with what is brought along, and its gate."""
        few = {name: value[:12] for name, value in self.held_out.items()}
        case, after, motion, details = self.find(turned.swapped(few))
        gate = (motion.seen * 2 - 1).expand(-1, 3, -1, -1)
        return grids.rows(case.photo, case.target, after, details.laid_over(after, after), gate)

    def sizes(self) -> dict[str, Any]:
        """Arguments of `MotionNet`."""
        return dict(self.net_sizes)

    def notes(self) -> str:
        """For the card."""
        return (
            "MotionNet at 128 px: where the points of an edited picture lie in the photo. "
            f"{PAIRS:.0%} of the training were true pairs with their true motion."
        )
