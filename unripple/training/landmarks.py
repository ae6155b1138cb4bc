"""Train the landmark net: eyes, nose tip and mouth corners, wherever in the picture the face is.

Finding a face in a photo starts from windows in which it may be small, tilted, off-centre, cut off
or absent. So people are cut out of their pictures and put, smaller and turned, before plates; the
lowest row of a picture goes on downwards, so that nobody floats. Windows without a face teach the
heatmaps to stay flat, which makes the highest share of a heatmap a measure of certainty.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Face, Photo
from unripple.models.landmarks import LandmarkNet, soft_argmax
from unripple.training import augment, grids, randomise
from unripple.training.framing import about
from unripple.training.identity import area_under_curve
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.randomised_net import FIELDS as RANDOMISED_FIELDS
from unripple.training.randomised_net import RandomisedNet, known
from unripple.training.shards import FaceShards
from unripple.training.single import in_parts

SIZES: dict[str, Any] = {"widths": (16, 32, 64, 96, 128), "head": 48, "n_points": 5}
FIELDS = (*RANDOMISED_FIELDS, "landmarks")

TIGHT = (0.75, 1.5)  # scale of the person, against the aligned framing
WIDE = (0.3, 0.8)
TIGHT_TURN_DEG, WIDE_TURN_DEG = 15.0, 35.0
FACELESS = 0.1  # share of the pictures
SPOT_PX = 1.5  # of the wanted heatmaps, in their cells
EDGE = 0.04  # landmarks nearer to the border than this share of the side do not count
SIDES_SWAPPED = [1, 0, 2, 4, 3]  # what the landmarks become in a mirror


def framing(points: Tensor, rng: torch.Generator, *, wide: Tensor) -> Tensor:
    """Random similarities [B, 2, 3] that keep most of a face in the picture.

    Args:
        points: landmarks in units of the side, [B, 5, 2].
        rng: where the chance comes from.
        wide: bool [B], which faces become small and may go anywhere.
    """
    n = len(points)
    draw = torch.rand(n, 4, generator=rng)
    low, high = (torch.where(wide, WIDE[i], TIGHT[i]).log() for i in (0, 1))
    scale = torch.exp(low + (high - low) * draw[:, 0])
    most = torch.where(wide, WIDE_TURN_DEG, TIGHT_TURN_DEG)
    turn = (draw[:, 1] * 2 - 1) * most
    mirrored = (torch.rand(n, generator=rng) < 0.5).float()
    moves = augment.similarity(turn, scale, torch.zeros(n, 2), mirrored)
    # Where the face's centre may go: as far as its own size leaves room, in half sides.
    centre = augment.move_points(points.mean(1, keepdim=True), moves)[:, 0] * 2 - 1
    room = (1.0 - 0.42 * scale).clamp_min(0.12)
    goal = (draw[:, 2:] * 2 - 1) * room[:, None]
    moves[:, :, 2] = goal - centre
    return moves


def scene(photo: Tensor, alpha: Tensor, plate: Tensor, moves: Tensor) -> Tensor:
    """Put people before plates.

    Args:
        photo: [B, 3, S, S] in [-1, 1].
        alpha: [B, 1, S, S] in [0, 1].
        plate: [B, 3, S, S] in [-1, 1].
        moves: of the people, [B, 2, 3].

    Returns:
        [B, 3, S, S].
    """
    layers = torch.cat((photo * alpha, alpha), dim=1)  # premultiplied: no rim of the old plate
    # At twice the size and averaged down, so that small people are not pixel soup.
    n, _, side, _ = photo.shape
    size = [n, 4, 2 * side, 2 * side]
    grid = F.affine_grid(augment.inverted(moves).to(photo), size, align_corners=False)
    drawn = F.grid_sample(layers, grid, padding_mode="border", align_corners=False)
    x, y = grid.unbind(3)
    inside = ((x.abs() < 1) & (y > -1)).float()[:, None]
    drawn = F.avg_pool2d(drawn * inside, 2)
    return drawn[:, :3] + plate * (1 - drawn[:, 3:])


def target_heatmaps(points: Tensor, cells: int) -> Tensor:
    """Gaussian spots [B, N, cells, cells], each of sum 1, at landmarks in units of the side."""
    centres = (torch.arange(cells, device=points.device) + 0.5) / cells
    spread = SPOT_PX / cells
    across = torch.exp(-((centres - points[..., :1]) ** 2) / (2 * spread**2))  # [B, N, cells]
    down = torch.exp(-((centres - points[..., 1:]) ** 2) / (2 * spread**2))
    spots = down[..., :, None] * across[..., None, :]
    return spots / spots.sum((2, 3), keepdim=True).clamp_min(1e-8)


def certainty(heatmaps: Tensor) -> Tensor:
    """How sure the net is that a face is there: the mean of the heatmaps' highest shares, [B]."""
    return heatmaps.flatten(2).softmax(2).amax(2).mean(1)


class LandmarksTask(RandomisedNet):
    """See `loop.Task`."""

    role = "landmarks"
    arch = "landmarks.LandmarkNet"
    fields = FIELDS

    def __init__(self, *faces: FaceShards, sizes: dict[str, Any] = SIZES, **options: Any) -> None:
        self.net_sizes = sizes
        super().__init__(LandmarkNet(**sizes), *faces, **options)
        batch = self.held_out
        side = batch["photo"].shape[-1]
        self.aligned = {
            "photo": grids.from_uint8(batch["photo"]),
            "points": batch["landmarks"] / side,
        }
        rng = torch.Generator().manual_seed(0)
        self.wide = self.staged(batch, rng, wide_share=1.0, faceless=0.0)
        self.empty = grids.from_uint8(batch["plate"])

    def draw(self, rng: torch.Generator) -> Batch:
        """Half tight, half wide framings, a few without a face, blurred and recoloured."""
        count = round(self.randomise_share * self.batch_size)
        batch = self.staged(self.data.batch(self.batch_size, rng), rng, randomised=count)
        photo = batch["photo"]
        if count:
            photo = torch.cat((randomise.photographed(photo[:count], rng), photo[count:]))
        photo = augment.soften(photo, rng, chance=0.4)
        batch["photo"] = augment.noisy(augment.photometric(photo, rng), rng, most=0.06)
        return batch

    def staged(
        self,
        batch: Batch,
        rng: torch.Generator,
        *,
        wide_share: float = 0.5,
        faceless: float = FACELESS,
        randomised: int = 0,
    ) -> Batch:
        """People before other plates: pictures, landmarks, and where there is a face (`there`).

        The first `randomised` of them have other hair, clothes, light and plates.
        """
        n, side = len(batch["photo"]), batch["photo"].shape[-1]
        device = batch["photo"].device
        points = batch["landmarks"].cpu() / side
        wide = torch.rand(n, generator=rng) < wide_share
        moves = framing(points, rng, wide=wide)
        mirrored = augment.is_mirrored(moves)[:, None, None]
        points = torch.where(mirrored, points[:, SIDES_SWAPPED], points)
        there = (torch.rand(n, generator=rng) >= faceless).float()
        photo, alpha = grids.from_uint8(batch["photo"]), batch["alpha"][:, None].float() / 255
        plate = grids.from_uint8(batch["plate"][torch.randperm(n, generator=rng)])
        if randomised:
            faces = randomise.Faces(*(layer[:randomised] for layer in known(batch)))
            photo[:randomised], labels = randomise.randomised(faces, rng)
            person = (labels != Face.BACKGROUND).float()[:, None]
            alpha[:randomised] = torch.maximum(alpha[:randomised], person)
            plate[:randomised] = randomise.other_plates(plate[:randomised], rng)
        alpha = alpha * there.to(device)[:, None, None, None]
        zoom = torch.exp(augment.uniform(rng, -0.5, 0.7, n))
        tilt, still = augment.uniform(rng, -15, 15, n), torch.zeros(n, 2)
        plate = augment.warp(plate, augment.similarity(tilt, zoom, still))
        return {
            "photo": scene(photo, alpha, plate, moves),
            "points": augment.move_points(points, moves).to(device),
            "there": there.to(device),
        }

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Heatmaps like spots, their means on the landmarks, and flat ones where no face is."""
        points, there = batch["points"], batch["there"][:, None]
        photo = batch["photo"].contiguous(memory_format=torch.channels_last)
        net: Any = self.net
        with autocast(self.device):
            heat = net.heatmaps(photo)
        inside = ((points > EDGE) & (points < 1 - EDGE)).all(2).float()  # [B, 5]
        counted = inside * there
        face_target = target_heatmaps(points, heat.shape[-1])
        flat = torch.full_like(face_target, 1 / heat.shape[-1] ** 2)
        target = torch.where(there[..., None, None] > 0, face_target, flat)
        per_point = -(target * heat.flatten(2).log_softmax(2).view_as(heat)).sum((2, 3))
        use = counted + (1 - there)
        spots = (per_point * use).sum() / use.sum().clamp_min(1)
        off = (soft_argmax(heat) - points).abs().sum(2)
        means = (off * counted).sum() / counted.sum().clamp_min(1)
        return {"loss": spots + 10 * means, "spots": spots, "means": means}

    @torch.no_grad()
    def heatmaps(self, photo: Tensor) -> Tensor:
        """Heatmaps of pictures in [-1, 1], by the averaged net."""
        average: Any = self.average
        with autocast(self.device):
            return in_parts(average.heatmaps, photo)

    def validate(self) -> dict[str, float]:
        """Mean error over the distance of the eyes, aligned and wide; faces against no faces."""
        tight, wide = self.heatmaps(self.aligned["photo"]), self.heatmaps(self.wide["photo"])
        nothing = self.heatmaps(self.empty)
        errors = normalised_error(soft_argmax(wide), self.wide["points"])
        far = self.heatmaps(grids.from_uint8(self.held_out_far["photo"]))
        far_errors = normalised_error(soft_argmax(far), self.aligned["points"])
        return {
            "nme": float(normalised_error(soft_argmax(tight), self.aligned["points"]).mean()),
            "nme_randomised": float(far_errors.mean()),
            "nme_wide": float(errors.mean()),
            "nme_wide_median": float(errors.median()),
            "presence_auc": area_under_curve(
                torch.cat((certainty(tight), certainty(wide))), certainty(nothing)
            ),
        }

    def sample(self) -> Photo:
        """Aligned and wide pictures with the landmarks that the net sees, in green."""
        framings = (self.aligned["photo"][:12], self.wide["photo"][:12])
        return grids.rows(*(marked(p, soft_argmax(self.heatmaps(p))) for p in framings))

    def metadata(self) -> dict[str, str]:
        """Also how to crop by its landmarks."""
        return super().metadata() | about()

    def notes(self) -> str:
        """For the card."""
        return (
            f"LandmarkNet {self.net_sizes} at {self.size_px} px. Cross entropy of heatmaps with "
            f"spots and L1 of their means; people at {WIDE[0]:g} to {TIGHT[1]:g} times the aligned "
            f"size, turned by up to {WIDE_TURN_DEG:g} degrees, before other plates; {FACELESS:.0%} "
            "without a face, where heatmaps shall be flat. "
            f"{super().notes()}"
        )


def normalised_error(points: Tensor, true: Tensor) -> Tensor:
    """Mean distance of the landmarks over the true distance of the eyes, [B]."""
    eyes = (true[:, 1] - true[:, 0]).norm(dim=1)
    return (points - true).norm(dim=2).mean(1) / eyes.clamp_min(1e-6)


def marked(pictures: Tensor, points: Tensor) -> Tensor:
    """Pictures [B, 3, S, S] with 3 px squares at landmarks [B, N, 2] in units of the side."""
    shown, side = pictures.clone(), pictures.shape[-1]
    green = torch.tensor([-1.0, 1.0, -1.0], device=pictures.device)[:, None, None]
    for picture, spots in zip(shown, (points * side).long().clamp(1, side - 2), strict=True):
        for x, y in spots.tolist():
            picture[:, y - 1 : y + 2, x - 1 : x + 2] = green
    return shown


add_arguments, build = LandmarksTask.add_arguments, LandmarksTask.build
