"""Train the attribute net: the visible factors of a face, to measure what edits move.

It judges edits, so no edit's loss uses it. Every factor is standardised, so that a smile counts as
much as a turn, and counts only where it can be seen: the hair of a bald head cannot, nor can eyes
behind sunglasses. Generators blur, so half of the pictures are blurred.
"""

from __future__ import annotations

import json
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple import faceworld
from unripple.conventions import Photo
from unripple.models.attributes import AttributeNet
from unripple.training import augment, grids
from unripple.training.identity import area_under_curve
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.randomised_net import FIELDS as RANDOMISED_FIELDS
from unripple.training.randomised_net import RandomisedNet
from unripple.training.shards import FaceShards

NAMES: tuple[str, ...] = (
    "yaw", "pitch", "smile", "mouth_open", "eye_open", "masculinity", "age", "melanin", "redness",
    "freckles", "lipstick", "head_width", "face_length", "jaw_width", "chin", "cheek", "eye_size",
    "nose_length", "nose_width", "nose_up", "brow_height", "brow_thickness", "lip_fullness",
    "mouth_width", "ear_size", "hair_length", "hair_volume", "hair_curl", "fringe", "bald",
    "hair_light", "hair_warmth", "grey", "beard", "moustache", "glasses", "glasses_dark", "hat",
    "earring",
)  # fmt: skip
"""The factors that it sees, in the order of its outputs."""

SWITCHES = frozenset(factor.name for factor in faceworld.FACTORS if factor.kind == "switch")
COLUMNS = [faceworld.INDEX[name] for name in NAMES]
HAIR = ("hair_length", "hair_volume", "hair_curl", "fringe", "hair_light", "hair_warmth", "grey")
CHANGED = (
    *HAIR, "bald", "hat", "beard", "moustache", "melanin", "redness", "freckles", "lipstick",
    "ear_size", "earring",
)  # fmt: skip
"""What randomised pictures no longer show as it was rendered."""

SIZES: dict[str, Any] = {"widths": (24, 48, 80, 128), "hidden": 128, "n_factors": len(NAMES)}
FIELDS = (*RANDOMISED_FIELDS, "factors")
RECOLOURED = 0.35  # of the usual strength: the colours of skin and hair are asked for


def visible(factors: Tensor) -> Tensor:
    """How well each factor of `NAMES` can be seen, [B, len(NAMES)] in [0, 1].

    Args:
        factors: of the face world, [B, K].
    """
    f = {name: factors[:, i] for name, i in faceworld.INDEX.items()}
    visibility = dict.fromkeys(NAMES, torch.ones(len(factors), device=factors.device))
    hair, bare = 1 - f["bald"], 1 - f["hat"]
    visibility |= dict.fromkeys(HAIR, hair)
    visibility |= {"fringe": hair * bare, "hair_volume": hair * bare}
    visibility |= dict.fromkeys(("hair_light", "hair_warmth"), hair * (1 - f["grey"]))
    visibility |= dict.fromkeys(("eye_size", "eye_open"), 1 - f["glasses"] * f["glasses_dark"])
    visibility |= {"glasses_dark": f["glasses"], "bald": bare, "freckles": 1 - f["melanin"]}
    return torch.stack([visibility[name] for name in NAMES], dim=1)


def attribute_loss(scores: Tensor, targets: Tensor, visibility: Tensor, switch: Tensor) -> Tensor:
    """Mean over the factors: Huber loss of standardised values, cross entropy of switches.

    Args:
        scores, targets, visibility: [B, N]; `targets` is 0 or 1 where `switch` is.
        switch: bool [N].
    """
    regression = F.smooth_l1_loss(scores, targets, reduction="none")
    classification = F.binary_cross_entropy_with_logits(
        scores, targets.clamp(0, 1), reduction="none"
    )
    each = torch.where(switch, classification, regression) * visibility
    return (each.sum(0) / visibility.sum(0).clamp_min(1e-3)).mean()


class AttributesTask(RandomisedNet):
    """See `loop.Task`."""

    role = "attributes"
    arch = "attributes.AttributeNet"
    fields = FIELDS
    n_held_out = 512

    def __init__(self, *faces: FaceShards, sizes: dict[str, Any] = SIZES, **options: Any) -> None:
        self.net_sizes = sizes
        net = AttributeNet(**sizes)
        population = faceworld.sample_factors(4096, seed=0)[:, COLUMNS]
        net.switch.copy_(torch.tensor([name in SWITCHES for name in NAMES]))
        net.mean.copy_(torch.where(net.switch, 0.0, population.mean(0)))
        net.spread.copy_(torch.where(net.switch, 1.0, population.std(0)))
        super().__init__(net, *faces, **options)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random faces, half of them mirrored, moved a little, blurred and a little recoloured."""
        n = self.batch_size
        batch = self.data.batch(n, rng)
        flipped = torch.rand(n, generator=rng) < 0.5
        moves = augment.jitter(rng, n, degrees=4, zoom=0.05, shift=0.05, flip=False)
        photo, _ = self.partly_randomised(batch, rng)
        turned = flipped.to(photo.device).view(-1, 1, 1, 1)
        photo = torch.where(turned, photo.flip(-1), photo)
        photo = augment.soften(augment.warp(photo, moves), rng)
        photo = augment.photometric(photo, rng, strength=RECOLOURED)
        device = batch["factors"].device
        mirrored = faceworld.mirrored(batch["factors"])
        factors = torch.where(flipped.to(device)[:, None], mirrored, batch["factors"])
        seen = visible(factors)
        changed = [NAMES.index(name) for name in CHANGED]
        seen[: round(self.randomise_share * n), changed] = 0
        return {"photo": augment.noisy(photo, rng), "factors": factors, "seen": seen}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """See `attribute_loss`."""
        net: Any = self.net
        with autocast(self.device):
            scores = net.scores(batch["photo"].contiguous(memory_format=torch.channels_last))
        targets = (batch["factors"][:, COLUMNS] - net.mean) / net.spread
        return {"loss": attribute_loss(scores, targets, batch["seen"], net.switch)}

    def validate(self) -> dict[str, float]:
        """Of each factor where it can be seen: explained variance, or area under the curve."""
        predicted, true = self.predict(self.held_out["photo"]), self.held_out["factors"]
        in_view = visible(true) > 0.5
        figures = {}
        for i, name in enumerate(NAMES):
            one, targets = predicted[in_view[:, i], i], true[in_view[:, i], COLUMNS[i]]
            if name in SWITCHES:
                present = targets > 0.5
                if present.all() or not present.any():
                    continue
                figures[f"{name}_auc"] = area_under_curve(one[present], one[~present])
            else:
                missed = (one - targets).square().mean() / targets.var().clamp_min(1e-6)
                figures[f"{name}_r2"] = float(1 - missed)
        means = {
            f"mean_{kind}": _mean([v for k, v in figures.items() if k.endswith(kind)])
            for kind in ("r2", "auc")
        }
        return means | figures

    def sample(self) -> Photo:
        """Held-out photos in the order of the smile, and of the age, that the net sees."""
        photo = self.held_out["photo"]
        predicted = self.predict(photo)
        rows = []
        for name in ("smile", "age"):
            order = predicted[:, NAMES.index(name)].argsort()
            picked = order[torch.linspace(0, len(order) - 1, 12).long()]
            rows.append(grids.from_uint8(photo[picked.cpu()]))
        return grids.rows(*rows)

    def metadata(self) -> dict[str, str]:
        """Also which factors its outputs are."""
        return super().metadata() | {"factors": json.dumps(NAMES)}

    def notes(self) -> str:
        """For the card."""
        return (
            f"AttributeNet {self.net_sizes} at {self.size_px} px: Huber loss of standardised "
            "factors, cross entropy of switches, each where it can be seen; pictures mirrored, "
            "moved, blurred, a little recoloured. "
            f"{super().notes()} There colours, hair, beards and hats do not count."
        )


def _mean(values: list[float]) -> float:
    return sum(values) / max(1, len(values))


add_arguments, build = AttributesTask.add_arguments, AttributesTask.build
