"""Teach a trained CLIP further phrases: each means what a phrase means that it knows.

The image half stays as it is, and so do the vectors of all sentences that it knows: what was
trained or measured with them (mappers, relevance) goes on fitting. Minutes, for no picture is
looked at.
"""

from __future__ import annotations

import argparse
import copy
import random
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import BadConfig
from unripple.models import clip as models
from unripple.training import clip, clip_captions, latents
from unripple.training.clip_words import PREDICATES, SYNONYMS, truths
from unripple.training.loop import Batch, frozen
from unripple.training.single import task_arguments

ABOUT_NEW = 0.5  # share of sentences about what the new phrases say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of CLIP; `--init` names the one that is taught."""
    clip.add_arguments(parser)
    parser.set_defaults(batch=128, lr=3e-4, name="clip")  # whose weights it replaces


def build(chosen: argparse.Namespace) -> SynonymTask:
    """Open the data and build the net.

    Raises:
        BadConfig: there is no CLIP to teach.
    """
    if chosen.init is None:
        raise BadConfig("clip_synonyms: name the CLIP that is taught by --init")
    generator = latents.load_generator(chosen.generator, chosen.device)
    return SynonymTask(**task_arguments(chosen, clip.FIELDS), generator=generator)


def in_known_words(text: str) -> str:
    """A sentence in words that the CLIP knew before."""
    for phrase, known in SYNONYMS.items():
        text = text.replace(phrase, known)
    return text


class SynonymTask(clip.ClipTask):
    """See `loop.Task`; the figures are those of `ClipTask`."""

    known: Any = None

    def start_from(self, path: Path) -> None:
        """Start from a trained CLIP, and keep it as the teacher."""
        super().start_from(path)
        self.known = frozen(copy.deepcopy(self.net), self.device)

    def notes(self) -> str:
        """For the card."""
        taught = "; ".join(f"{phrase} ({known})" for phrase, known in SYNONYMS.items())
        return f"{super().notes()}\n\nTaught after its training, by clip_synonyms: {taught}."

    def draw(self, rng: torch.Generator) -> Batch:
        """Sentences about random faces, as they are and in known words."""
        chance = random.Random(int(torch.randint(2**62, (1,), generator=rng)))
        rows = truths(self.data.batch(self.batch_size, rng)["factors"]).cpu().tolist()
        texts = [self._sentence(row, chance) for row in rows]
        return {
            "tokens": self.cut(texts).to(self.device),
            "known": self.cut([in_known_words(text) for text in texts]).to(self.device),
        }

    def _sentence(self, row: list[int], chance: random.Random) -> str:
        """One that is true of a face; often it says something that the new phrases say."""
        about_new = {
            i
            for i, one in enumerate(PREDICATES)
            if row[i] and SYNONYMS.keys() & set(one.yes if row[i] > 0 else one.no)
        }
        if not about_new or chance.random() > ABOUT_NEW:
            return clip_captions.caption_of(row, chance).text
        claims = {*clip_captions.caption_of(row, chance).claims} if chance.random() < 0.5 else set()
        claims = {claim for claim in claims if claim.predicate not in about_new}
        claims |= {clip_captions.Claim(i, said=row[i] > 0) for i in about_new}
        return clip_captions.sentence(sorted(claims), chance)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """How far the vectors are from those that the teacher gives in its own words."""
        if self.known is None:
            raise BadConfig("clip_synonyms: name the CLIP that is taught by --init")
        said = models.encode_text(self.net, batch["tokens"]).float()
        with torch.no_grad():
            wanted = models.encode_text(self.known, batch["known"]).float()
        return {"loss": (1 - F.cosine_similarity(said, wanted)).mean()}
