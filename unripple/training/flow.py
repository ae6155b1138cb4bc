"""Train the flow net: where an edited picture's points lie in the photo.

Two pictures of one person at two poses, whose true flow is known to the pixel because both were
rendered. The net sees what an edit sees: the photo, its redrawing by generator and encoder (both
frozen), and that redrawing's edit. `hfgi --flow` takes the result along and trains it on.

Its role, its checkpoint's keys and its keys in hfgi files are called `motion`, its first name.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unripple.conventions import BadCheckpoint, Photo
from unripple.faceworld.correspondence import correspondence
from unripple.models.e4e import Encoder
from unripple.models.flow import Details, EditFlowNet, Flow, warped_details
from unripple.models.pose import sizes_from_state
from unripple.models.stylegan2 import Generator
from unripple.training import grids, losses, start, true_pairs
from unripple.training.encoders import SIZE, load_encoder
from unripple.training.latents import load_generator
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards
from unripple.training.single import SingleNet
from unripple.zoo.weights import read_header

FIELDS = (*true_pairs.FIELDS, "labels", "inverse_depth")
WIDTHS = (24, 40, 64, 96)
PAIRS = 0.8  # of a batch; the others stay as they are, which an inversion needs
BACKGROUND_WEIGHT = 0.2  # its true flow is none
FLOW_WEIGHT = 0.1  # of the endpoint error in px, beside that of the picture
DISOCCLUSION_WEIGHT = 0.2  # of `true_pairs.disocclusion_loss`
VALIDATION_FACES = 64
FLOW_PREFIX = "motion."  # in hfgi files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the flow net."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--encoder", type=Path, default=Path("runs/e4e"), help="run folder or safetensors")
    add("--pose", type=Path, default=Path("runs/pose"), help="run folder or safetensors")
    add("--lr", type=float, default=2e-3)


def build(chosen: argparse.Namespace) -> FlowTask:
    """Open the data and the frozen nets, and build the one that learns."""
    return FlowTask(
        FaceShards(chosen.data, FIELDS, "train", chosen.device),
        FaceShards(chosen.data, FIELDS, "val", chosen.device),
        load_generator(chosen.generator, chosen.device),
        load_encoder(chosen.encoder, chosen.device),
        start.averaged(chosen.pose, "pose"),
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
    )


def flow_state(path: Path) -> dict[str, Tensor]:
    """The averaged weights of a flow net: of its run, of its own file, or out of an hfgi file.

    Raises:
        BadCheckpoint: there are none.
    """
    if path.suffix != ".safetensors" or read_header(path)[0].get("role") != "hfgi":
        return start.averaged(path, FlowTask.role)
    state = {
        name.removeprefix(FLOW_PREFIX): value
        for name, value in start.averaged(path, "hfgi").items()
        if name.startswith(FLOW_PREFIX)
    }
    if not state:
        raise BadCheckpoint(f"{path}: holds no flow net; name a run of one")
    return state


def endpoint_error_px(batch: Batch, offsets: Tensor, *, off: float = BACKGROUND_WEIGHT) -> Tensor:
    """Mean endpoint error of a flow over the points that both photos show, px.

    Args:
        batch: rows with `FIELDS`, of which the last ones have a pair, see `true_pairs.with_pairs`.
        offsets: that were found for the pairs, see `models.flow.Flow`, [B, 2, S, S].
        off: weight of points that are not of the person.
    """
    n = len(batch["photo"]) - len(offsets)
    on = {name: value.to(offsets.device) for name, value in batch.items()}
    true = correspondence(
        on["factors"][n:],
        on["inverse_depth"][n:],
        on[true_pairs.TARGET + "factors"],
        on[true_pairs.TARGET + "labels"],
        on[true_pairs.TARGET + "inverse_depth"],
    )
    side = on["photo"].shape[-1]
    offsets_px = offsets * (side / 2)  # [B, 2, S, S] px
    centres = torch.arange(side, device=offsets.device) + 0.5
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    true_px = true.position.permute(0, 3, 1, 2) - torch.stack((columns, rows))
    error = (offsets_px - true_px).square().sum(1).add(1e-4).sqrt()  # [B, S, S]
    weight = torch.where(on[true_pairs.TARGET + "alpha"] > 127, 1.0, off) * true.visible
    return (error * weight).sum() / weight.sum().clamp_min(1)


class FlowTask(SingleNet):
    """Flow, and the details warped by it; see `single.SingleNet`.

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
    arch = "flow.EditFlowNet"
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
        net = EditFlowNet(**self.net_sizes)
        net.pose.load_state_dict(pose)
        super().__init__(net, batch_size=batch_size, device=device, lr=lr)
        self.edits = true_pairs.PoseEdits(generator, encoder, device)
        self.data, self.held_out = data, held_out.first(VALIDATION_FACES)

    def start_from(self, path: Path) -> None:
        """Start from another run's average, or from exported weights, `hfgi` files among them."""
        start.load(flow_state(path), path, self.net, self.average)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random photos; those of pairs come last."""
        n = round(PAIRS * self.batch_size)
        return true_pairs.with_pairs(
            self.data.batch(self.batch_size - n, rng), *self.data.pairs(n, rng)
        )

    def estimate(self, batch: Batch) -> tuple[true_pairs.PairedBatch, Tensor, Flow, Details]:
        """(case, edited pictures, their flow, the details warped by it)."""
        case = true_pairs.PairedBatch.of(batch, self.device)
        w_plus, before = self.edits.invert(case.photo)
        _, after = self.edits.turn(w_plus, before, case)
        net = self.net if torch.is_grad_enabled() else self.average
        with autocast(self.device):
            flow = net(case.photo, before, after)
        return case, after, flow, warped_details(flow, case.photo - before, before, after)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Endpoint error where points are visible, and error of the picture with its details."""
        case, after, flow, details = self.estimate(batch)
        missed = (details.laid_over(after, after) - case.target) * case.observed
        flow_error = self.endpoint_error_px(batch, flow, case.n)
        figures = {"pyramid": losses.pyramid_l1(missed), "square": missed.square().mean()}
        ghost = true_pairs.disocclusion_loss(flow.visibility, case)
        loss = (
            figures["pyramid"]
            + figures["square"]
            + FLOW_WEIGHT * flow_error
            + DISOCCLUSION_WEIGHT * ghost
        )
        return {**figures, "motion_px": flow_error, "left": ghost, "loss": loss}

    def endpoint_error_px(
        self, batch: Batch, flow: Flow, n: int, off: float = BACKGROUND_WEIGHT
    ) -> Tensor:
        """See `endpoint_error_px`; the first n rows, without a pair, do not count."""
        return endpoint_error_px(batch, flow.offsets[n:], off=off)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Endpoint error on the person, and nearness to true edits with and without it."""
        batch = true_pairs.swapped(self.held_out)
        _, after, flow, details = self.estimate(batch)
        drawn = details.laid_over(after, after)
        return {
            "motion_px": float(self.endpoint_error_px(batch, flow, 0, off=0.0)),
            "seen": float(flow.visibility.mean()),
            "same": float(flow.redraw_error.mean()),
            **true_pairs.figures(self.held_out, drawn),
            "e4e_psnr_db": true_pairs.figures(self.held_out, after)["edit_psnr_db"],
        }

    @torch.no_grad()
    def sample(self) -> Photo:
        """Photos, their partners, the edits to them, with the warped details, visibility."""
        few = {name: value[:12] for name, value in self.held_out.items()}
        case, after, flow, details = self.estimate(true_pairs.swapped(few))
        gate = (flow.visibility * 2 - 1).expand(-1, 3, -1, -1)
        return grids.rows(case.photo, case.target, after, details.laid_over(after, after), gate)

    def notes(self) -> str:
        """For the card."""
        return (
            "EditFlowNet at 128 px: where the points of an edited picture lie in the photo. "
            f"{PAIRS:.0%} of the training were true pairs with their true flow."
        )
