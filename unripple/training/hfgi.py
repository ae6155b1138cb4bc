"""Train HFGI's aligner and residual encoder on top of a frozen generator and encoder.

The residual is what the inversion lost: photo minus G(e4e(photo)). The residual encoder turns it
into a scale and a shift of one layer's features, so that the picture comes back. For edits the
residual lies in the wrong place, so the aligner must learn to move it. Two ways, mixed at will:

- as published (`--warped`): residuals are bent by a random perspective, shown together with the
  inversion, and must come back unbent. Bending every one holds the reconstruction down.
- from true pairs (`--pairs`), which only a rendered world has: the codes of one photo are turned to
  the pose of the person's other photo, and the residual must become what is missing there, so that
  the other photo comes out. What the person hid in the first photo cannot be known and counts 0.

`--flow` adds the net of `training.flow`, which warps residuals to where an edit needs them.
It learns on together with the other two, from pictures alone; residuals are not warped then.

`--pairs 0 --name hfgi-faithful` is the published training.

Source: Wang et al. 2022, "High-Fidelity GAN Inversion for Image Attribute Editing", section 3.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import BadConfig, Photo, UnrippleError
from unripple.models import hfgi
from unripple.models.e4e import Encoder
from unripple.models.flow import (
    EditFlowNet,
    flip_averaged,
    pixel_centres,
    sizes_from_state,
    warped_details,
)
from unripple.models.stylegan2 import Generator
from unripple.training import auxiliary, cards, ema, grids, losses, start, true_pairs
from unripple.training.encoders import SIZE, load_encoder
from unripple.training.flow import FLOW_PREFIX, flow_state
from unripple.training.latents import CHANNELS, load_generator
from unripple.training.loop import Batch, Figures, adam, optimizer_step, parameters, to_device
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards, FolderPhotos, Split, has_shards, open_photos
from unripple.training.single import decay_at

INJECT_AFTER = 7  # code index of the first styled convolution of the 64 px block
STRIDES = (2, 1)  # residuals of 128 px -> conditions of 64 px
ALIGNER_WIDTHS = (16, 16, 32, 48)
RESIDUAL_WIDTHS = (16, 32, 32)
PREFIXES = {"grid_align.": "aligner", "residue.": "residual", FLOW_PREFIX: "motion"}  # in files
VALIDATION_FACES = 32
DISOCCLUSION_WEIGHT = 0.2  # of `true_pairs.disocclusion_loss`, where a flow net learns along
PAIRS = 0.75  # 1 cost 1.6 dB of inversion, 0.5 left more of the ghost: training/README.md


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the aligner and the residual encoder."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--encoder", type=Path, default=Path("runs/e4e"), help="run folder or safetensors")
    add("--lr", type=float, default=2e-3)
    add("--name", default="hfgi", help="of the exported files, without suffix")
    add("--blend", type=Path, help="run folder whose averaged nets are mixed into the export; the "
        "weights of a run that started from it lie near enough")  # fmt: skip
    add("--blend-share", type=float, default=0.25, help="share of those in the mean of weights")
    add("--pairs", type=float, help="share of each batch that learns from true pairs; default "
        f"{PAIRS} with shards, 0 with plain photos")  # fmt: skip
    add("--warped", type=float, default=0.4, help="share of the other residuals that are warped")
    add("--flow", "--motion", dest="motion", type=Path, help="run folder of a flow net to take "
        "along, or an hfgi file that has one")  # fmt: skip
    add("--align", type=float, default=0.5, help="weight of the aligner's own loss")
    add("--perceptual", type=float, default=0.0, help="weight of the parser's features")
    add("--identity", type=float, default=0.0, help="weight of the identity net's cosine")


def build(chosen: argparse.Namespace) -> HfgiTask:
    """Open the data and the frozen nets, and build the two that learn.

    Raises:
        BadConfig: `--pairs` is no share.
        UnrippleError: pairs are asked of plain photos.
    """
    device = chosen.device
    rendered = has_shards(chosen.data)
    if chosen.pairs is not None and not 0 <= chosen.pairs <= 1:
        raise BadConfig(f"--pairs {chosen.pairs:g}: a share of the batch, from 0 to 1")
    if chosen.pairs and not rendered:
        raise UnrippleError(
            f"--pairs {chosen.pairs:g}: plain photos have no true pairs; use shards, or --pairs 0"
        )

    def open_split(split: Split) -> FaceShards | FolderPhotos:
        return open_photos(
            chosen.data, size=SIZE, split=split, device=device, fields=true_pairs.FIELDS
        )

    return HfgiTask(
        open_split("train"),
        open_split("val"),
        load_generator(chosen.generator, device),
        load_encoder(chosen.encoder, device),
        auxiliary=auxiliary.load(chosen),
        batch_size=chosen.batch,
        device=device,
        lr=chosen.lr,
        pairs=(PAIRS if rendered else 0.0) if chosen.pairs is None else chosen.pairs,
        warped=chosen.warped,
        align_weight=chosen.align,
        flow=flow_state(chosen.motion) if chosen.motion else None,
        name=chosen.name,
        blend=(chosen.blend, chosen.blend_share) if chosen.blend else None,
    )


def trained_state(path: Path) -> dict[str, Tensor]:
    """The averaged nets of a run folder or an exported file, by their names in a training.

    Raises:
        BadCheckpoint: there are none.
    """
    state = start.averaged(path, "hfgi")
    for prefix, net in PREFIXES.items():
        for name in [name for name in state if name.startswith(prefix)]:
            state[f"{net}.{name.removeprefix(prefix)}"] = state.pop(name)
    return state


def random_homographies(count: int, strength: float = 0.06) -> Tensor:
    """Small random perspective maps of the plane [-1, 1] x [-1, 1], float32 [count, 3, 3]."""
    spread = strength * torch.tensor([[1.0, 0.8, 1.2], [0.8, 1.0, 1.2], [0.6, 0.6, 0.0]])
    return torch.eye(3) + spread * torch.randn(count, 3, 3)


def warp_by_homography(pictures: Tensor, maps: Tensor) -> Tensor:
    """Sample each picture where its homography sends the output's pixels; outside is zero.

    Args:
        pictures: [B, C, H, W].
        maps: [B, 3, 3], output to input coordinates, (x, y, 1) in [-1, 1].

    Returns:
        [B, C, H, W].
    """
    points = F.pad(pixel_centres(pictures), (0, 1), value=1.0)  # [H, W, 3], homogeneous
    moved = torch.einsum("hwk,bjk->bhwj", points, maps.to(pictures))
    grid = moved[..., :2] / moved[..., 2:].clamp_min(0.2)  # [B, H, W, 2]
    return F.grid_sample(pictures, grid, align_corners=False)


class HfgiTask(true_pairs.PoseEdits):
    """Reconstruction, with an aligner that learns from warps and true pairs; see `loop.Task`.

    Args:
        data, held_out: photos; with pairs, shards with `true_pairs.FIELDS`.
        generator: frozen.
        encoder: frozen, and the mean w of its codes.
        auxiliary: further losses.
        batch_size: pictures per step.
        device: where everything lives.
        lr: of Adam.
        pairs: share of a batch that learns from true pairs, in [0, 1].
        warped: share of the rest whose residuals are warped.
        align_weight: of the aligner's own loss.
        flow: weights of the flow net to begin with, if one belongs to it.
        name: of the exported files.
        blend: run folder whose averaged nets are mixed into the export, and their share.
    """

    role = "hfgi"

    def __init__(
        self,
        data: FaceShards | FolderPhotos,
        held_out: FaceShards | FolderPhotos,
        generator: Generator,
        encoder: tuple[Encoder, Tensor],
        *,
        auxiliary: auxiliary.AuxiliaryLosses,
        batch_size: int,
        device: str = "cpu",
        lr: float = 2e-3,
        pairs: float = PAIRS,
        warped: float = 0.4,
        align_weight: float = 0.5,
        flow: dict[str, Tensor] | None = None,
        name: str = "hfgi",
        blend: tuple[Path, float] | None = None,
    ) -> None:
        super().__init__(generator, encoder, device)
        self.data, self.batch_size, self.auxiliary = data, batch_size, auxiliary
        self.warped, self.align_weight, self.progress = warped, align_weight, 0.0
        self.pairs, self.name, self.blend = pairs, name, blend
        aligner = hfgi.Aligner(ALIGNER_WIDTHS)
        residual = hfgi.ResidualEncoder(RESIDUAL_WIDTHS, CHANNELS[64], STRIDES)
        residual.exact = False
        nets: dict[str, nn.Module] = {"aligner": aligner, "residual": residual}
        if flow is not None:
            nets["motion"] = EditFlowNet(**sizes_from_state(flow))
            nets["motion"].load_state_dict(flow)
            self.warped = 0.0
        self.net = to_device(nn.ModuleDict(nets), device)
        self.average = ema.shadow(self.net)
        self.nets: dict[str, nn.Module] = {"hfgi": self.net}
        self.ema: dict[str, nn.Module] = {"hfgi": self.average}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"hfgi": adam(parameters(self.net), lr)}
        self.held_out = held_out.first(VALIDATION_FACES)

    def start_from(self, path: Path) -> None:
        """Start from the nets of another run, or of an exported file; `--flow` says which flow net
        is ours, whatever lies there.
        """
        state = trained_state(path)
        if "motion" in self.net:
            state |= {f"motion.{k}": v for k, v in self.net["motion"].state_dict().items()}
        start.load(state, path, self.net, self.average)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random photos; the last rows, as many as learn from pairs, with their true targets."""
        n = round(self.pairs * self.batch_size)
        if n == 0:
            return self.data.batch(self.batch_size, rng)
        assert isinstance(self.data, FaceShards)
        one, other = self.data.pairs(n, rng)
        same = self.data.batch(self.batch_size - n, rng) if n < self.batch_size else None
        return true_pairs.with_pairs(same, one, other)

    def consult(
        self, net: nn.ModuleDict, w_plus: Tensor, residual: Tensor, before: Tensor, picture: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Draw codes while a residual tells what they miss.

        Args:
            net: those that learn, or their averages.
            w_plus: edited codes, or not.
            residual: of the unedited photo.
            before: picture of the unedited codes.
            picture: of `w_plus`.

        Returns:
            (aligned residual, picture with the residual's scale and shift injected, the
            visibility that the flow net finds, [B, 1, S, S], or None without one).
        """
        details = None
        with autocast(self.device):
            if "motion" in net:
                # A step looks one way, which costs half; what is judged looks as the stages do.
                shown = (before + residual, before, picture)
                learns = torch.is_grad_enabled()
                flow = net["motion"](*shown) if learns else flip_averaged(net["motion"], *shown)
                details = warped_details(flow, residual, before, picture)
            aligned = net["aligner"](details.visible if details else residual, picture)
            scale, shift = net["residual"](aligned)
            restored = self.generator.synthesize(
                w_plus,
                noise="none",
                inject={INJECT_AFTER: lambda features: hfgi.fuse(features, scale, shift)},
            )
        drawn = restored.float()
        if details is None:
            return aligned.float(), drawn, None
        return aligned.float(), details.laid_over(drawn, picture), details.visibility

    def train_step(self, batch: Batch, step: int) -> Figures:
        """Draw each target through the aligned residual; the aligner must make it fit."""
        case = true_pairs.PairedBatch.of(batch, self.device)
        w_plus, before = self.invert(case.photo)
        residual = case.photo - before
        w_plus, picture = self.turn(w_plus, before, case)
        moved = (torch.rand(len(residual)) < self.warped) & (torch.arange(len(residual)) < case.n)
        maps = torch.where(moved[:, None, None], random_homographies(len(moved)), torch.eye(3))
        # Only rows without a pair are bent; those of pairs lie in the wrong place by themselves.
        bent = warp_by_homography(residual, maps) if self.warped else residual
        aligned, drawn, visibility = self.consult(self.net, w_plus, bent, before, picture)
        missed = (drawn - case.target) * case.observed
        figures = {
            "pyramid": losses.pyramid_l1(missed),
            "square": missed.square().mean(),
            "align": ((aligned - (case.target - picture)) * case.observed).abs().mean(),
            **self.auxiliary(case.target + missed, case.target),
        }
        if visibility is not None:
            figures["left"] = true_pairs.disocclusion_loss(visibility, case)
        weights = {
            "pyramid": 1.0,
            "square": 1.0,
            "align": self.align_weight,
            "left": DISOCCLUSION_WEIGHT,
        }
        weights |= self.auxiliary.weights
        total = torch.stack([weights[name] * value for name, value in figures.items()]).sum()
        optimizer_step(total, self.optimizers["hfgi"], clip=1.0)
        ema.follow(self.average, self.net, decay_at(step))
        return {name: value.detach() for name, value in figures.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR of inversions, what the aligner mends of a fixed shift, nearness to true edits."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))
        w_plus, picture = self.invert(photo)
        residual = photo - picture
        aligned, restored, _ = self.consult(self.average, w_plus, residual, picture, picture)
        shift = torch.eye(3).repeat(len(photo), 1, 1)
        shift[:, 0, 2] = 8 / photo.shape[-1]  # 4 px to the left
        shifted = warp_by_homography(residual, shift)
        mended = self.average["aligner"](shifted, picture)
        return {
            "psnr_db": losses.psnr(restored, photo),
            "psnr_e4e_db": losses.psnr(picture, photo),
            "l1": float((restored - photo).abs().mean()) / 2,
            "align": float((aligned - residual).abs().mean()),
            "align_shifted": float((mended - residual).abs().mean()),
            "left_shifted": float((shifted - residual).abs().mean()),
            **(true_pairs.figures(self.held_out, self.edited()[1]) if self.has_pairs else {}),
        }

    @property
    def has_pairs(self) -> bool:
        """Whether the held-out photos are true pairs."""
        return set(true_pairs.FIELDS) <= set(self.held_out)

    @torch.no_grad()
    def edited(self) -> tuple[Tensor, Tensor]:
        """Every held-out photo turned to the pose of its partner: (by e4e, by HFGI)."""
        case = true_pairs.PairedBatch.of(true_pairs.swapped(self.held_out), self.device)
        w_plus, before = self.invert(case.photo)
        residual = case.photo - before
        w_plus, picture = self.turn(w_plus, before, case)
        return picture, self.consult(self.average, w_plus, residual, before, picture)[1]

    @torch.no_grad()
    def sample(self) -> Photo:
        """Photos, e4e's inversions, the restored ones; partners, e4e's and our edits to them."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))
        w_plus, picture = self.invert(photo[:12])
        residual = photo[:12] - picture
        _, restored, _ = self.consult(self.average, w_plus, residual, picture, picture)
        strips = [photo[:12], picture, restored]
        if self.has_pairs:
            strips += [
                photo[true_pairs.partners(len(photo))][:12],
                *(p[:12] for p in self.edited()),
            ]
        return grids.rows(*strips)

    def export(self, folder: Path) -> list[Path]:
        """Write both nets into one file, under the published prefixes.

        Blending as in Wortsman et al. 2022 (model soups).
        """
        if self.blend is not None:
            run, share = self.blend
            others = trained_state(run)
            for name, own in self.average.state_dict().items():
                if own.is_floating_point():
                    own.lerp_(others[name].to(own), share)
        state = {
            prefix + name: value
            for prefix, net in PREFIXES.items()
            if net in self.average
            for name, value in self.average[net].state_dict().items()
        }
        about = {
            "role": self.role,
            "arch": "hfgi.Aligner hfgi.ResidualEncoder"
            + (" flow.EditFlowNet" if "motion" in self.net else ""),
            "size": str(SIZE),
            "inject_after": str(INJECT_AFTER),
        }
        return [cards.save_half(folder / f"{self.name}.safetensors", state, **about)]

    def notes(self) -> str:
        """For the card."""
        return (
            "HFGI's aligner and residual encoder at 128 px; conditions of 64 px act after code "
            f"{INJECT_AFTER}. {self.pairs:.0%} of the training were true pairs; of the rest, "
            f"{self.warped:.0%} of the residuals were warped."
            + (" A flow net warps residuals to their place." if "motion" in self.net else "")
        ) + (f" The weights hold {self.blend[1]:.0%} of {self.blend[0]}." if self.blend else "")
