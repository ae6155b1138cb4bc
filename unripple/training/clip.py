"""Train the embedded CLIP: which sentences are true of which faces.

It sees renders and the generator's pictures, so that it can lead edits of both. The pictures' half
learns what they show, by an axis for each predicate that training alone has. The sentences' half
learns to fit what that half sees: every picture comes with a sentence that is true of it, and of
all pairs in the batch the factors say whether the sentence is true, false, or cannot be told; the
true ones are all positive, the last are left out (an ordinary CLIP takes every other pair for
false). That contrast does not reach the pictures' half, which it would hold back: most pairs
differ in many ways at once.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple import faceworld
from unripple.conventions import Photo
from unripple.models import clip as models
from unripple.models.clip_text import tokenizer
from unripple.models.stylegan2 import Generator
from unripple.training import augment, cards, clip_captions, grids, latents
from unripple.training.clip_words import INDEX, PREDICATES, truths
from unripple.training.identity import area_under_curve
from unripple.training.loop import Batch, parameters
from unripple.training.precision import autocast
from unripple.training.shards import FaceShards
from unripple.training.single import SingleNet, in_parts, task_arguments

FIELDS = ("photo", "factors")
SIDE_PX = 128  # the generator's own: mouths are seen, and no picture is resized
MERGES = 2000
SIZES: dict[str, Any] = {
    "embed": 128, "width": 24, "layers": (1, 1, 1, 1), "text_width": 128, "text_layers": 2,
}  # fmt: skip
CENTRE = (0.5, 0.5, 0.5)  # mean and deviation: CLIP's loss and its directions then see the same

CAPTIONS = 1  # for each picture; half of all others are true of it as well
DRAWN = 0.5  # share of pictures by the generator
DRAWN_FACES = 4096  # that it draws: each costs as much as training with ten pictures
DRAWN_SEED = 21
SHARP = 10.0  # of what sentences claim: sure at a cosine of 0.3
SMALL = {"smile": 2.0, "smiling": 2.0, "open_mouth": 2.0}
"""What a claim counts: mouths are 15 px wide, and else the last thing that is learned."""
VALIDATION_FACES = 512
RECOLOURED = 0.3  # of the usual strength: colours are part of what is said
HIGHEST_SCALE = 100.0
SHOWN = ("a face with glasses", "a man with a beard", "blond hair", "an open mouth", "an old face")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of CLIP."""
    parser.add_argument("--lr", type=float, default=1.5e-3)
    about = "draws half of the pictures"
    parser.add_argument("--generator", type=Path, default=Path("runs/generator"), help=about)
    parser.set_defaults(batch=48)


def build(chosen: argparse.Namespace) -> ClipTask:
    """Open the data and build the net."""
    generator = latents.load_generator(chosen.generator, chosen.device)
    return ClipTask(**task_arguments(chosen, FIELDS), generator=generator)


def small_clip(sizes: dict[str, Any] = SIZES, side: int = SIDE_PX) -> nn.Module:
    """The embedded CLIP, untrained."""
    vision = models.CLIPVisionCfg(
        layers=sizes["layers"], width=sizes["width"], head_width=models.HEAD_WIDTH, image_size=side
    )
    text = models.CLIPTextCfg(
        vocab_size=2 * 256 + MERGES + 2,
        width=sizes["text_width"],
        heads=sizes["text_width"] // models.HEAD_WIDTH,
        layers=sizes["text_layers"],
    )
    net: nn.Module = models.CLIP(sizes["embed"], vision, text, quick_gelu=True)
    for name, weight in net.named_parameters():
        if name.startswith("visual.layer") and name.endswith("bn3.weight"):
            nn.init.ones_(weight)  # open_clip's 0, meant for deep networks, learns later
    return net


def contrast(logits: Tensor, truth: Tensor) -> Tensor:
    """How far every true pair is above the false ones of its row, a scalar.

    Args:
        logits: [A, B].
        truth: 1 (true), -1 (false), 0 (left out), [A, B].
    """
    never = torch.finfo(logits.dtype).min
    false = logits.masked_fill(truth >= 0, never).logsumexp(1, keepdim=True)  # [A, 1]
    each = F.softplus(false - logits)  # -log of the true pair's share beside all false ones
    positive = (truth > 0).to(logits)
    rows = (each * positive).sum(1) / positive.sum(1).clamp_min(1)
    return rows.sum() / (positive.sum(1) > 0).sum().clamp_min(1)


class Drawings:
    """The generator's pictures of some faces, each drawn when first asked for and kept as bytes.

    Each is drawn by itself, so that a resumed training sees the very same ones.
    """

    def __init__(self, generator: Generator, faces: int = DRAWN_FACES) -> None:
        self.generator = generator
        self.factors = faceworld.sample_factors(faces, seed=DRAWN_SEED)
        self.kept: dict[int, Tensor] = {}

    def batch(self, n: int, rng: torch.Generator) -> Batch:
        """`n` random faces: `photo` uint8 [n, 3, S, S] and `factors`."""
        picks = torch.randint(len(self.factors), (n,), generator=rng).tolist()
        side = self.generator.size
        none = torch.empty(0, 3, side, side, dtype=torch.uint8)
        photo = torch.cat([none, *(self._one(face)[None] for face in picks)])
        return {"photo": photo, "factors": self.factors[picks]}

    @torch.no_grad()
    def _one(self, face: int) -> Tensor:
        if face not in self.kept:
            net = self.generator
            z = latents.code(self.factors[face][None], net.style_dim)
            w = net.map(z.to(next(net.parameters())))[:, None]
            picture = net.synthesize(net.rows(w))[0].float().clamp(-1, 1)
            self.kept[face] = ((picture + 1) * 127.5).round().to(torch.uint8).cpu()
        return self.kept[face]


class Claims(nn.Module):
    """What pictures show of each predicate, by an axis for each; for training alone.

    Pictures learn by these: the contrast of pairs, most of which differ in many ways, is slow to
    tell a network what to look for. Sentences then go where the axes point.
    """

    weights: Tensor  # of predicates, [P]

    def __init__(self, width: int) -> None:
        super().__init__()
        self.axes = nn.Linear(width, len(PREDICATES))
        weights = torch.tensor([SMALL.get(one.name, 1.0) for one in PREDICATES])
        self.register_buffer("weights", weights, persistent=False)

    def of_pictures(self, seen: Tensor, truth: Tensor) -> Tensor:
        """Cross-entropy of what can be told, a scalar.

        Args:
            seen: vectors of length 1, [B, D].
            truth: 1 (true), -1 (false), 0 (left out), [B, P].
        """
        return self._mean(self.axes(seen * seen.shape[1] ** 0.5), truth)

    def of_texts(self, said: Tensor, claimed: Tensor) -> Tensor:
        """The same of vectors of sentences and what they claim; the axes stay as they are."""
        weight = F.normalize(self.axes.weight.detach(), dim=-1)
        return self._mean(SHARP * said @ weight.T, claimed)

    def _mean(self, logits: Tensor, truth: Tensor) -> Tensor:
        weight = (truth != 0) * self.weights
        each = F.binary_cross_entropy_with_logits(
            logits, (truth > 0).to(logits), weight=weight, reduction="sum"
        )
        return each / weight.sum().clamp_min(1)


class ClipTask(SingleNet):
    """See `loop.Task`."""

    role = "clip"
    arch = "clip.CLIP"
    size_px = SIDE_PX

    def __init__(
        self,
        data: FaceShards,
        held_out: FaceShards,
        generator: Generator,
        *,
        batch_size: int,
        device: str = "cpu",
        lr: float = 1.5e-3,
        sizes: dict[str, Any] = SIZES,
    ) -> None:
        self.net_sizes = sizes
        super().__init__(small_clip(sizes), batch_size=batch_size, device=device, lr=lr)
        self.claims = Claims(sizes["embed"]).to(device)
        self.nets["claims"] = self.claims
        self.optimizers[self.role].add_param_group({"params": parameters(self.claims), "lr": lr})
        self.data = data
        self.drawings = Drawings(generator)
        self.held_out = held_out.first(VALIDATION_FACES)
        self.cut = tokenizer(2 * 256 + MERGES + 2)

    def draw(self, rng: torch.Generator) -> Batch:
        """Faces, a half as the generator draws them, some mirrored, moved, blurred, recoloured."""
        n = self.batch_size
        drawn = self.drawings.batch(round(n * DRAWN), rng)
        batch = self.data.batch(n - len(drawn["factors"]), rng)
        both = {name: torch.cat((batch[name].cpu(), drawn[name])) for name in FIELDS}
        photo, factors = (both[name].to(self.device) for name in FIELDS)
        flipped = torch.rand(n, generator=rng) < 0.5
        moves = augment.jitter(rng, n, degrees=5, zoom=0.08, shift=0.05, flip=False)
        photo = torch.where(flipped.to(photo.device).view(-1, 1, 1, 1), photo.flip(-1), photo)
        photo = augment.warp(models.area(grids.from_uint8(photo), SIDE_PX), moves)
        sharp = (n - len(drawn["factors"])) // 2  # half of the renders; what is drawn is soft
        photo[:sharp] = augment.soften(photo[:sharp], rng, chance=0.9)
        photo = augment.photometric(photo, rng, strength=RECOLOURED)
        mirrored = faceworld.mirrored(factors)
        truth = truths(torch.where(flipped.to(factors.device)[:, None], mirrored, factors)).cpu()
        chance = random.Random(int(torch.randint(2**62, (1,), generator=rng)))
        rows = truth.tolist()
        captions = [clip_captions.caption_of(row, chance) for row in rows * CAPTIONS]
        return {
            "photo": augment.noisy(photo, rng, most=0.05),
            "tokens": self.cut([caption.text for caption in captions]).to(self.device),
            "fits": clip_captions.fits(truth, captions).to(self.device),
            "truth": truth.to(self.device),
            "said": clip_captions.claimed(captions).to(self.device),
        }

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """What pictures show and sentences claim, and `contrast` both ways for the sentences."""
        net: Any = self.net
        with autocast(self.device):
            seen = net.encode_image(batch["photo"].contiguous(memory_format=torch.channels_last))
            said = models.encode_text(net, batch["tokens"])
        seen, said = (F.normalize(vectors.float(), dim=-1) for vectors in (seen, said))
        scale = net.logit_scale.exp().clamp(max=HIGHEST_SCALE)
        logits = scale * seen.detach() @ said.T
        terms = {
            "by_picture": contrast(logits, batch["fits"]),
            "by_text": contrast(logits.T, batch["fits"].T),
            "of_pictures": self.claims.of_pictures(seen, batch["truth"]),
            "of_texts": self.claims.of_texts(said, batch["said"]),
        }
        loss = torch.stack(list(terms.values())).sum()
        return {"loss": loss, **terms, "scale": scale}

    @torch.no_grad()
    def seen(self, photo: Tensor) -> Tensor:
        """Unit vectors of pictures uint8 [B, 3, S, S]."""
        net: Any = self.average
        with autocast(self.device):
            found = in_parts(
                lambda part: net.encode_image(models.area(grids.from_uint8(part), SIDE_PX)), photo
            )
        return F.normalize(found.float(), dim=-1)

    @torch.no_grad()
    def said(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors of sentences."""
        with autocast(self.device):
            tokens = self.cut(list(texts)).to(self.device)
            found = in_parts(lambda part: models.encode_text(self.average, part), tokens, 64)
        return F.normalize(found.float(), dim=-1)

    def validate(self) -> dict[str, float]:
        """How well sentences tell faces apart: area under the curve of each predicate, in words
        that training said and in others; how often the best picture fits its sentence."""
        truth = truths(self.held_out["factors"]).cpu()
        seen = self.seen(self.held_out["photo"]).cpu()
        figures = {}
        for ending, unseen in (("auc", False), ("unseen_auc", True)):
            asked = [one.name for one in PREDICATES if one.unseen or not unseen]
            said = self.said([clip_captions.plain(name, unseen=unseen) for name in asked]).cpu()
            for name, cosines in zip(asked, (seen @ said.T).T, strict=True):
                value = truth[:, INDEX[name]]
                if (value > 0).sum() > 2 and (value < 0).sum() > 2:
                    figures[f"{name}_{ending}"] = area_under_curve(
                        cosines[value > 0], cosines[value < 0]
                    )
        return {"mean_auc": _mean(figures, "_auc"), "top1": self._top1(truth, seen)} | figures

    def _top1(self, truth: Tensor, seen: Tensor) -> float:
        """How often the picture that fits a sentence best is one of which it is true."""
        chance = random.Random(0)
        captions = [clip_captions.caption_of(row, chance) for row in truth.tolist()]
        captions = [caption for caption in captions if caption.claims]
        said = self.said([caption.text for caption in captions]).cpu()
        best = (said @ seen.T).argmax(1)
        right = clip_captions.fits(truth, captions)[best, torch.arange(len(captions))] > 0
        return float(right.float().mean())

    def sample(self) -> Photo:
        """Held-out photos that fit some sentences best, a row each, and in the middle worst."""
        photo = self.held_out["photo"]
        cosines = self.said(SHOWN) @ self.seen(photo).T
        rows = []
        for fit in cosines:
            order = fit.argsort(descending=True).cpu()
            rows.append(grids.from_uint8(photo[torch.cat((order[:8], order[-4:]))]))
        return grids.rows(*rows)

    def export(self, folder: Path) -> list[Path]:
        """Write the averaged net; of its logits' scale, the published one.

        The scale was for training alone. With 100 the published loss is 1 - cosine here, too.
        """
        state = self.average.state_dict()
        state["logit_scale"] = torch.tensor(models.PUBLISHED_SCALE).log()
        path = folder / f"{self.role}.safetensors"
        return [cards.save_half(path, state, role=self.role, **self.metadata())]

    def metadata(self) -> dict[str, str]:
        """Also how pictures are prepared, the words that it was trained on, and what it tells."""
        return super().metadata() | {
            "mean": json.dumps(CENTRE),
            "std": json.dumps(CENTRE),
            "words": json.dumps(clip_captions.words()),
            "predicates": json.dumps([one.name for one in PREDICATES]),
        }

    def notes(self) -> str:
        """For the card."""
        said = "; ".join(f"{one.name}: {', '.join((*one.yes, *one.no))}" for one in PREDICATES)
        return (
            f"CLIP of open_clip's classes {self.net_sizes} at {SIDE_PX} px, {MERGES} merges of "
            "CLIP's own table. Half of the pictures are renders, half the generator's. Pictures "
            "learn by an axis for each predicate, which is not kept; sentences by the axes and by "
            "contrast, in which every true pair is positive and what cannot be told is left "
            "out.\n\n"
            f"What it knows, in the words that it was trained on: {said}.\n\n"
            "Figures: `_auc` for the first of these words, `_unseen_auc` for other ones, which no "
            "training said; `top1`: how often the best of 512 pictures fits its sentence."
        )


def _mean(figures: dict[str, float], ending: str) -> float:
    values = [v for k, v in figures.items() if k.endswith(ending) and "_unseen" not in k]
    return sum(values) / max(1, len(values))
