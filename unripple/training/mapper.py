"""Train a mapper: one network that moves codes as each of several texts asks.

Source: Patashnik et al. 2021, section 5, in the variants of yubin1219/text2image_manipulation. The
text of a sample is drawn, whoever the person is: the published data set ties texts to people by
their numbers, and never reaches 17 of its 26 combinations.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unripple import faceworld
from unripple.conventions import LEVELS, BadConfig, Photo
from unripple.models import clip as clip_models
from unripple.models import mapper as models
from unripple.models.clip_text import tokens_of
from unripple.models.irse import crop_for_identity
from unripple.models.stylegan2 import Generator
from unripple.runtime.codes import read_codes
from unripple.runtime.texts import read_texts
from unripple.training import cards, grids, latents, start
from unripple.training.loop import Batch, Figures, frozen
from unripple.training.mapper_losses import mapper_losses
from unripple.training.ranger import Ranger
from unripple.zoo import networks

MODES = ("sum", "cat", "multi")
MOST_COMBINATIONS = 256
VECTORS = ("clip", "embedding")
HELD_OUT, SHOWN = 16, 6
SEED = 30  # of held-out faces; training draws its own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a mapper."""
    add = parser.add_argument
    add("--texts", type=Path, default=Path("data/texts/faceworld.yaml"), help="{name: text}")
    add(
        "--mode",
        choices=MODES,
        default="cat",
        help="texts beside the codes, added to them, or several at once",
    )
    about = "of multi: names of texts of which a face gets one at most; may be repeated"
    add("--one-of", nargs="+", action="append", metavar="NAME", help=about)
    add("--vectors", choices=VECTORS, default="clip", help="of texts: CLIP's, or one for each name")
    add("--norm", choices=("rows", "features"), default="features", help="rows: as published")
    about = "codes that may move (published: some leave out the fine ones)"
    add("--levels", nargs="+", choices=tuple(LEVELS), default=tuple(LEVELS), help=about)
    add(
        "--lr",
        type=float,
        default=2.0,
        help="of Ranger, of layers at 0.01 of its pace (published: 0.5)",
    )
    add("--codes", type=Path, metavar="FILE", help="faces of `unripple codes` (default: random)")
    add("--generator", type=Path, default=Path("runs/generator"))
    add("--clip", type=Path, default=Path("data/models/clip.safetensors"))
    add("--identity", type=Path, default=Path("data/models/identity.safetensors"))
    parser.set_defaults(batch=4)


def build(chosen: argparse.Namespace) -> MapperTask:
    """Load the networks that judge, and build the mapper."""
    device = torch.device(chosen.device)
    codes = None if chosen.codes is None else torch.from_numpy(read_codes(chosen.codes).w_plus)
    return MapperTask(
        read_texts(chosen.texts),
        latents.load_generator(chosen.generator, chosen.device),
        networks.load("clip", chosen.clip, device).net,
        networks.load("identity", chosen.identity, device).net,
        mode=chosen.mode,
        vectors=chosen.vectors,
        norm=chosen.norm,
        batch_size=chosen.batch,
        device=chosen.device,
        lr=chosen.lr,
        codes=codes,
        levels=chosen.levels,
        one_of=chosen.one_of or (),
    )


def combinations(
    texts: Mapping[str, str], mode: str, one_of: Sequence[Sequence[str]] = ()
) -> Tensor:
    """Which texts a face may get at once, a row of 0 and 1 for each way, float32 [C, T].

    Args:
        texts: by name.
        mode: one of `MODES`; but for multi every face gets one.
        one_of: names of which a face gets one at most, a list each; the others go with all.

    Raises:
        BadConfig: a name is none of a text, is in two lists, or there are too many ways.
    """
    names = list(texts)
    if mode != "multi":
        if one_of:
            raise BadConfig("--one-of: is about --mode multi, where faces get several texts")
        return torch.eye(len(names))
    listed = [name for group in one_of for name in group]
    for name in listed:
        if name not in texts or listed.count(name) > 1:
            why = "is named twice" if name in texts else f"is none of {', '.join(names)}"
            raise BadConfig(f"--one-of: {name!r} {why}")
    groups = [*map(list, one_of), *([name] for name in names if name not in listed)]
    count = math.prod(len(group) + 1 for group in groups) - 1
    if count > MOST_COMBINATIONS:
        raise BadConfig(
            f"--mode multi: {count} combinations of texts, {MOST_COMBINATIONS} at most; name by "
            "--one-of those that exclude each other"
        )
    ways = [set(way) - {None} for way in itertools.product(*([None, *group] for group in groups))]
    return torch.tensor([[float(name in way) for name in names] for way in ways if way])


def apart(codes: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Codes [N, L, W] to train on, and the last ones, which are held out.

    Raises:
        BadConfig: they are another generator's, or too few.
    """
    wanted = [generator.n_codes, generator.style_dim]
    if list(codes.shape[1:]) != wanted:
        raise BadConfig(f"--codes: {list(codes.shape[1:])} each, this generator has {wanted}")
    if len(codes) < 2:
        raise BadConfig(f"--codes: {len(codes)} face: wanted two at least, one is held out")
    held_out = min(HELD_OUT, len(codes) // 2)
    return codes[:-held_out], codes[-held_out:]


class MapperTask:
    """See `loop.Task`."""

    role = "mapper"

    def __init__(
        self,
        texts: Mapping[str, str],
        generator: Generator,
        clip: nn.Module,
        person: nn.Module,
        *,
        mode: str = "cat",
        vectors: str = "clip",
        norm: models.Norm = "features",
        batch_size: int = 4,
        device: str = "cpu",
        lr: float = 2.0,
        codes: Tensor | None = None,
        levels: Sequence[str] = tuple(LEVELS),
        one_of: Sequence[Sequence[str]] = (),
    ) -> None:
        self.texts, self.batch_size, self.device, self.progress = texts, batch_size, device, 0.0
        self.generator, self.clip = frozen(generator, device), frozen(clip, device)
        self.person: Any = frozen(person, device)
        with torch.no_grad():
            tokens = tokens_of(clip, list(texts.values()), said_by="--texts").to(device)
            self.said = clip_models.encode_text(clip, tokens).float()
        width = generator.style_dim
        self.own = vectors == "embedding"
        self.vectors = models.published_vectors(len(texts), width) if self.own else self.said
        if self.vectors.shape[1] != width and mode != "cat":
            raise BadConfig(
                f"--mode {mode}: CLIP's vectors have {self.vectors.shape[1]} entries, codes "
                f"{width}; take --mode cat or --vectors embedding"
            )
        first = width + self.vectors.shape[1] if mode == "cat" else width
        # The published networks: eight layers, and ten of twice the width for several texts.
        inner = [2 * width] * 9 if mode == "multi" else [first] * 7
        self.sizes: dict[str, Any] = {"widths": [first, *inner, width], "norm": norm}
        self.combinations = combinations(texts, mode, one_of).to(device)
        rows = {LEVELS[level] for level in levels}
        self.sizes["groups"] = [name for name, own in models.GROUPS.items() if own in rows]
        self.net = models.LatentMapper(**self.sizes).to(device)
        self.nets: dict[str, nn.Module] = {self.role: self.net}
        self.ema: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Any] = {self.role: Ranger(self.net.parameters(), lr)}
        self.vectors = self.vectors.to(device)
        self.faces: Tensor | None = None
        if codes is None:
            self.held_out = self._codes(faceworld.sample_factors(HELD_OUT, SEED))
        else:
            self.faces, self.held_out = apart(codes.to(device), generator)

    @torch.no_grad()
    def _codes(self, factors: Tensor) -> Tensor:
        z = latents.code(factors, self.generator.style_dim).to(self.device)
        return self.generator.rows(self.generator.map(z)[:, None]).clone()

    def start_from(self, path: Path) -> None:
        """Start from another run's weights."""
        start.load(start.averaged(path, self.role), path, self.net)

    def draw(self, rng: torch.Generator) -> Batch:
        """Codes of random faces, and for each the number of a way to combine texts."""
        n = self.batch_size
        if self.faces is None:
            normal = torch.randn(n, len(faceworld.FACTORS), generator=rng)
            codes = self._codes(faceworld.factors_from_normal(normal))
        else:
            codes = self.faces[torch.randint(len(self.faces), (n,), generator=rng)]
        which = torch.randint(len(self.combinations), (n,), generator=rng)
        return {"codes": codes, "which": which.to(self.device)}

    def identify(self, pictures: Tensor) -> Tensor:
        """Vectors of the people in pictures."""
        found: Tensor = self.person(crop_for_identity(pictures, self.person.input_size))
        return found

    def train_step(self, batch: Batch, step: int) -> Figures:  # noqa: ARG002
        """One step of Ranger on the mean loss of the batch."""
        self.net.train()
        optimizer = self.optimizers[self.role]
        optimizer.zero_grad(set_to_none=True)
        figures = self._losses(batch["codes"], batch["which"])
        figures["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return {name: value.detach() for name, value in figures.items()}

    def _losses(self, codes: Tensor, which: Tensor) -> dict[str, Tensor]:
        """Means over samples, each with the texts that were drawn for it alone."""
        chosen = self.combinations[which]  # [B, T]
        w_hat = models.moved(self.net, codes, chosen @ self.vectors)
        with torch.no_grad():
            before = self.generator.synthesize(codes)
        after = self.generator.synthesize(w_hat)
        each = [
            mapper_losses(
                before[i : i + 1],
                after[i : i + 1],
                codes[i : i + 1],
                w_hat[i : i + 1],
                clip=self.clip,
                texts=self.said[own > 0],
                identify=self.identify,
            )
            for i, own in enumerate(chosen)
        ]
        named = {
            "loss": [one.total for one in each],
            "identity": [one.identity for one in each],
            "text": [one.text for one in each],
            "near": [one.near for one in each],
        }
        return {name: torch.stack(values).mean() for name, values in named.items()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Losses of held-out faces, and by how much each text gains on them."""
        self.net.eval()
        figures: dict[str, float] = {}
        seen = self._seen(self.held_out)
        for number, name in enumerate(self.texts):
            vector = self.vectors[number].expand(len(self.held_out), -1)
            moved = models.moved(self.net, self.held_out, vector)
            gain = self._seen(moved)[:, number] - seen[:, number]
            figures[f"{name}_gain"] = float(gain.mean())
        which = torch.arange(len(self.held_out), device=self.device) % len(self.combinations)
        losses = self._losses(self.held_out, which)
        return {name: float(value) for name, value in losses.items()} | figures

    def _seen(self, codes: Tensor) -> Tensor:
        """Cosines of pictures with all texts, [N, T]."""
        seen = clip_models.text_loss(self.clip, self.generator.synthesize(codes), self.said)
        return 1 - seen

    @torch.no_grad()
    def sample(self) -> Photo:
        """Held-out faces, and below them as each text has them."""
        self.net.eval()
        codes = self.held_out[:SHOWN]
        rows = [self.generator.synthesize(codes)]
        for number in range(len(self.texts)):
            moved = models.moved(self.net, codes, self.vectors[number].expand(len(codes), -1))
            rows.append(self.generator.synthesize(moved))
        return grids.rows(*rows)

    def export(self, folder: Path) -> list[Path]:
        """Write the mapper alone, without a generator, with its texts and their vectors."""
        path = folder / f"{self.role}.safetensors"
        state = dict(self.net.state_dict())
        if self.own:
            state["text_vectors"] = self.vectors
        about = {"texts": json.dumps(dict(self.texts)), "size": str(self.generator.size)}
        about["vectors"] = json.dumps("embedding" if self.own else "clip")
        about["arguments"] = json.dumps({"norm": self.sizes["norm"]})
        return [cards.save_half(path, state, role=self.role, network="latent_mapper", **about)]

    def notes(self) -> str:
        """For the card."""
        listed = "; ".join(f"{name}: {text}" for name, text in self.texts.items())
        return (
            f"LatentMapper {self.sizes}, for the texts {listed}. The published losses (0.1 "
            "identity, 1 CLIP, 0.8 codes) and Ranger; the text of a sample is drawn, whoever the "
            "person is."
        )
