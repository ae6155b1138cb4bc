"""Train HyperStyle's hypernetwork: how a generator's weights go, so that it draws a given photo.

Generator and encoder are frozen; codes and what they draw are made once, before the first step. In
each step the hypernetwork looks several times at the same photos. Every iteration has its own loss
and its own backward pass: what the iterations before it added to the weights is a given, as is the
picture that it looks at. The gradients add up to one step of the optimizer.

Trained on rendered faces it takes the parser's features in place of LPIPS, whose published weights
are for research; `--lpips 0.8` asks for them.

Source: Alaluf et al. 2022, sections 3.2 and 4; losses and rates of yuval-alaluf/hyperstyle (MIT),
whose trainings cannot be resumed.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import BadConfig, Face, Photo
from unripple.models.hyperstyle import Hypernet, refined, sizes_from_state
from unripple.models.layers.framing import pooled
from unripple.models.stylegan2 import Generator
from unripple.training import auxiliary, cards, ema, framing, grids, losses, start, starts
from unripple.training.hypernet import TUNED, begin_small, sizes_for, take_trunk
from unripple.training.latents import load_generator
from unripple.training.loop import Batch, Figures, adam, parameters, to_device
from unripple.training.precision import autocast
from unripple.training.ranger import Ranger
from unripple.training.shards import Split, has_shards, open_photos
from unripple.training.single import decay_at

VALIDATION_FACES, SHOWN = 32, 8
OPTIMIZERS = ("adam", "ranger")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the hypernetwork."""
    add = parser.add_argument
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--encoder", type=Path, default=Path("runs/e4e"), help="whose codes it starts from: run "
        "folder or safetensors, of an e4e or of a W encoder")  # fmt: skip
    add("--photos", type=int, help="how many photos to learn from (default: all)")
    add("--iterations", type=int, default=5, help="looks at a photo per step")
    add("--grow", type=float, default=0.4, help="share of the budget over which iterations are "
        "added, from the first one on; 0, as published: all from the first step")  # fmt: skip
    add("--published-size", action="store_true", help="the published network, not the small one")
    add("--layers", type=int, nargs="+", help="convolutions to tune, in the order of styles "
        f"(default: {' '.join(map(str, TUNED))}; with --published-size all but RGB)")  # fmt: skip
    add("--trunk", type=Path, help="whose first layers it starts from: a parser's safetensors (the "
        "small one), or torchvision's resnet34 as a file (the published one)")  # fmt: skip
    add("--separable", action="store_true", help="separable blocks where none are shared")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="ranger: as published")
    add("--lr", type=float, default=1e-3, help="published: 1e-4, of ranger")
    add("--l2", type=float, default=1.0, help="weight of the mean square difference")
    add("--background", type=float, default=1.0, help="share of the background's error that "
        "counts, where shards tell it; no code knows it")  # fmt: skip
    auxiliary.add_published(parser)
    add("--perceptual", type=float, default=0.8, help="weight of the parser's features, which "
        "stand in for LPIPS")  # fmt: skip
    add("--identity", type=float, default=0.1, help="weight of the identity net's cosine")
    add("--name", default="hypernet", help="of the exported files, without suffix")
    add("--keep", choices=("best", "last"), default="best", help="what is exported")
    parser.set_defaults(batch=8)


def build(chosen: argparse.Namespace) -> HyperstyleTask:
    """Open data and networks, and make the starts.

    Raises:
        BadConfig: options that do not go together, or layers that the generator has not.
    """
    check(chosen)
    generator = load_generator(chosen.generator, chosen.device)
    size = min(256, generator.size)
    net = Hypernet(**sizes_for(chosen, generator))
    begin_small(net)
    if chosen.trunk is not None:
        take_trunk(net, chosen.trunk)
    fields = ("photo", "labels") if has_shards(chosen.data) else ("photo",)
    encode, encoder = starts.load_start(chosen.encoder, generator, chosen.device)
    made_by = starts.digest([*generator.state_dict().values(), *encoder.state_dict().values()])

    def starts_of(split: Split, most: int | None) -> starts.Starts:
        photos = open_photos(
            chosen.data, size=size, split=split, device=chosen.device, fields=fields
        )
        folder = chosen.out / "starts" / split
        how: Any = {"folder": folder, "made_by": made_by, "most": most}
        return starts.extracted(photos, encode, generator, **how)

    return HyperstyleTask(
        net,
        starts_of("train", chosen.photos),
        starts_of("val", VALIDATION_FACES),
        generator,
        auxiliary=auxiliary.load(chosen),
        l2=chosen.l2,
        background=chosen.background,
        iterations=chosen.iterations,
        grow=chosen.grow,
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
        optimizer=chosen.optimizer,
        keep=chosen.keep,
        name=chosen.name,
    )


def check(chosen: argparse.Namespace) -> None:
    """Refuse options that make no training.

    Raises:
        BadConfig: one of them.
    """
    if chosen.identity and chosen.moco:
        raise BadConfig(
            "--identity and --moco: the one is about faces, the other about all else; "
            "set one of them to 0"
        )
    if chosen.iterations < 1:
        raise BadConfig(f"--iterations {chosen.iterations}: one at least")
    if not 0 <= chosen.grow <= 1:
        raise BadConfig(f"--grow {chosen.grow:g}: a share of the budget, from 0 to 1")
    if not 0 <= chosen.background <= 1:
        raise BadConfig(f"--background {chosen.background:g}: a share, from 0 to 1")
    if chosen.photos is not None and chosen.photos < 1:
        raise BadConfig(f"--photos {chosen.photos}: one photo at least")


class Best(nn.Module):
    """The averaged hypernetwork as it was when its held-out loss was least.

    Kept with the checkpoint, so that a resumed training still has it.
    """

    loss: Tensor

    def __init__(self, net: Hypernet) -> None:
        super().__init__()
        self.net = ema.shadow(net)
        self.register_buffer("loss", torch.tensor(float("inf")))

    def offer(self, net: Hypernet, loss: float) -> None:
        """Keep these weights, if they are better."""
        if loss < float(self.loss):
            self.net.load_state_dict(net.state_dict())
            self.loss.fill_(loss)


class HyperstyleTask:
    """Several iterations per step; see `loop.Task`.

    Args:
        net: the hypernetwork.
        data, held_out: photos, their codes, and what these draw.
        generator: frozen.
        auxiliary: losses beside the mean square.
        l2: weight of that.
        background: share of the background's error that counts, where labels are known.
        iterations: looks at a photo per step.
        grow: share of the budget over which they are added.
        batch_size: photos per step.
        device: where everything lives.
        lr, optimizer: how it learns.
        keep: `best` or `last`: what is exported.
        name: of the exported files.
    """

    role = "hypernet"

    def __init__(
        self,
        net: Hypernet,
        data: starts.Starts,
        held_out: starts.Starts,
        generator: Generator,
        *,
        auxiliary: auxiliary.AuxiliaryLosses,
        l2: float = 1.0,
        background: float = 1.0,
        iterations: int = 5,
        grow: float = 0.0,
        batch_size: int = 8,
        device: str = "cpu",
        lr: float = 1e-3,
        optimizer: str = "adam",
        keep: str = "best",
        name: str = "hypernet",
    ) -> None:
        self.data, self.generator, self.device = data, generator, device
        self.auxiliary, self.weights = auxiliary, {"l2": l2, **auxiliary.weights}
        self.iterations, self.grow, self.batch_size = iterations, grow, batch_size
        self.keep, self.name, self.background, self.progress = keep, name, background, 0.0
        self.net = to_device(net, device)
        self.net.exact = False
        self.average = ema.shadow(self.net)
        self.best = Best(self.net)
        self.nets: dict[str, nn.Module] = {self.role: self.net}
        self.ema: dict[str, nn.Module] = {self.role: self.average, "best": self.best}
        learned = parameters(self.net)
        self.optimizer = Ranger(learned, lr) if optimizer == "ranger" else adam(learned, lr)
        self.optimizers: dict[str, torch.optim.Optimizer] = {self.role: self.optimizer}
        self.held_out = held_out.rows(list(range(min(VALIDATION_FACES, len(held_out)))))

    def start_from(self, path: Path) -> None:
        """Start from another run's average, or from exported weights."""
        start.load(start.averaged(path, self.role), path, self.net, self.average)

    def draw(self, rng: torch.Generator) -> Batch:
        """Random photos with their starts."""
        return self.data.batch(self.batch_size, rng)

    def iterations_now(self) -> int:
        """Looks per step by now."""
        share = min(1.0, self.progress / self.grow) if self.grow else 1.0
        return 1 + int(share * (self.iterations - 1))

    def train_step(self, batch: Batch, step: int) -> Figures:
        """One optimizer step over several iterations, each with its own backward pass."""
        photo, picture = (grids.from_uint8(batch[k].to(self.device)) for k in ("photo", "drawn"))
        w_plus, share = batch["w_plus"].to(self.device), self.share(batch)
        figures: dict[str, list[Tensor]] = defaultdict(list)
        before: dict[int, Tensor] = {}
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        for _ in range(self.iterations_now()):
            before, picture, of_this = self.iterate(photo, w_plus, picture, before, share)
            for name, value in of_this.items():
                figures[name].append(value)
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        ema.follow(self.average, self.net, decay_at(step))
        last = {f"{name}_last": values[-1] for name, values in figures.items()}
        return {name: torch.stack(values).mean() for name, values in figures.items()} | last

    def iterate(
        self,
        photo: Tensor,
        w_plus: Tensor,
        picture: Tensor,
        before: dict[int, Tensor],
        share: Tensor | None = None,
    ) -> tuple[dict[int, Tensor], Tensor, dict[str, Tensor]]:
        """Look once, and add the gradient of what comes of it.

        Args:
            photo: [B, 3, H, W] in [-1, 1].
            w_plus: its codes.
            picture: what was drawn so far, like the photo.
            before: offsets of the iterations before this one; empty for the first.
            share: see `errors`.

        Returns:
            all offsets with this iteration's, the new picture, the losses; without gradients.
        """
        with autocast(self.device):
            codes = self.net(photo, picture)
        own = self.net.offsets(codes[:, None], 1)
        offsets = {n: offset + before[n] if before else offset for n, offset in own.items()}
        with autocast(self.device):
            drawn = self.generator.synthesize(w_plus, weight_offsets=offsets)
        drawn = pooled(drawn.float(), (photo.shape[2], photo.shape[3]))
        figures = self.errors(drawn, photo, share)
        torch.autograd.backward(self.total(figures))
        kept = {n: offset.detach() for n, offset in offsets.items()}
        return kept, drawn.detach(), {name: value.detach() for name, value in figures.items()}

    def share(self, batch: Batch) -> Tensor | None:
        """How much of each pixel's error counts, [B, 1, H, W]; None for all of it."""
        if "labels" not in batch or self.background == 1:
            return None
        person = (batch["labels"].to(self.device) != Face.BACKGROUND)[:, None].float()
        return self.background + (1 - self.background) * person

    def errors(self, drawn: Tensor, photo: Tensor, share: Tensor | None) -> dict[str, Tensor]:
        """The losses of a picture, unweighted.

        Args:
            drawn, photo: [B, 3, H, W] in [-1, 1].
            share: of each pixel's error that counts, [B, 1, H, W]; None for all of it.
        """
        seen = drawn if share is None else torch.lerp(photo, drawn, share)
        return {"l2": F.mse_loss(seen, photo), **self.auxiliary(seen, photo)}

    def total(self, figures: dict[str, Tensor]) -> Tensor:
        """The weighted sum of an iteration's losses."""
        return torch.stack([self.weights[name] * value for name, value in figures.items()]).sum()

    @torch.no_grad()
    def drawn(self, net: Hypernet, faces: Batch) -> list[Tensor]:
        """The first picture of photos and that of every iteration, float32 [B, 3, H, W] each."""
        photo, first = (grids.from_uint8(faces[k].to(self.device)) for k in ("photo", "drawn"))
        w_plus = faces["w_plus"].to(self.device)
        steps: list[list[Tensor]] = []
        for few, codes in zip(torch.split(photo, 8), torch.split(w_plus, 8), strict=True):
            size = (few.shape[2], few.shape[3])
            with autocast(self.device):
                found = refined(net, self.generator, few, codes, iterations=self.iterations)
                steps.append([pooled(step.picture.float(), size) for step in found])
        return [first, *(torch.cat(pictures) for pictures in zip(*steps, strict=True))]

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR of every iteration and the losses of the last one; the best so far are kept."""
        photo = grids.from_uint8(self.held_out["photo"].to(self.device))
        first, *drawn = self.drawn(self.average, self.held_out)
        of_last = self.errors(drawn[-1], photo, self.share(self.held_out))
        total = float(self.total(of_last))
        self.best.offer(self.average, total)
        pictures = {"start": first} | {str(n): one for n, one in enumerate(drawn, 1)}
        figures = {f"psnr_{n}_db": losses.psnr(one, photo) for n, one in pictures.items()}
        if "labels" in self.held_out:
            person = (self.held_out["labels"].to(self.device) != Face.BACKGROUND)[:, None]
            figures |= {
                f"person_psnr_{n}_db": losses.person_psnr(one, photo, person)
                for n, one in pictures.items()
            }
        return {
            **figures,
            **{name: float(value) for name, value in of_last.items()},
            "total": total,
            "best_total": float(self.best.loss),
        }

    def sample(self) -> Photo:
        """Photos, first pictures, those of the first, the middle and the last iteration."""
        faces = {
            name: value[:: max(1, len(value) // SHOWN)] for name, value in self.held_out.items()
        }
        first, *drawn = self.drawn(self.average, faces)
        shown = (drawn[0], drawn[len(drawn) // 2], drawn[-1])
        return grids.rows(grids.from_uint8(faces["photo"].to(self.device)), first, *shown)

    def export(self, folder: Path) -> list[Path]:
        """Write the averaged hypernetwork, the best or the last one."""
        best = self.keep == "best" and bool(self.best.loss.isfinite())
        state = (self.best.net if best else self.average).state_dict()
        about = {
            "role": self.role,
            "arch": "hyperstyle.Hypernet",
            "size": str(min(256, self.generator.size)),
            "sizes": json.dumps(sizes_from_state(state)),
            **framing.about(),
        }
        return [cards.save_half(folder / f"{self.name}.safetensors", state, **about)]

    def notes(self) -> str:
        """For the card."""
        return (
            f"HyperStyle's hypernetwork, {self.iterations} iterations. It tunes the convolutions "
            f"{', '.join(map(str, self.net.layers))} (in the order of styles) of the generator "
            "that it was trained with, and starts from the encoder's codes."
        )
