"""True pictures of edits: people of the face world before and after, rendered once and kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from unripple import faceworld
from unripple.atomic import write_bytes
from unripple.conventions import Face
from unripple.faceworld.attributes import UNDER_EYES, edited, under_eyes

log = logging.getLogger("unripple.training")

GROUP = 8  # people rendered at once, who start from the same value
FIRST_SEED = 800_000_000  # trainings count up from 0, sample photos start at 700 million
AGE = "A"  # is held to what is no hair, whose line is another characteristic
CHANGED = 6 / 127.5  # less than six levels of 255 is a fold's soft end


class Pairs(NamedTuple):
    """People before and after one edit.

    Attributes:
        factors: of the people before, float32 [B, K].
        change: after - before, float32 [B, 3, S, S], where pictures range in [-1, 1].
        region: 1 where the edit truly changes the picture, 0 elsewhere, float32 [B, 1, S, S].
    """

    factors: Tensor
    change: Tensor
    region: Tensor


def people(count: int, seed: int) -> Tensor:
    """Factors of people whose hair and eyes can be seen: without hats and dark glasses.

    Args:
        count: a multiple of GROUP.
        seed: of the draw.

    Returns:
        float32 [count, K].
    """
    drawn = faceworld.sample_factors(count, seed=seed)
    return faceworld.with_factors(drawn, hat=0.0, glasses_dark=0.0)


class PairRenderer:
    """Renders people, and keeps the pictures in a folder so that a stopped run goes on.

    Args:
        folder: where pictures are kept; what differs in factors, seeds or size has another name.
        size: side of the pictures, px.
        compiled: see `faceworld.render`.
        device: where pairs are wanted.
    """

    def __init__(self, folder: Path, size: int, *, compiled: bool, device: str = "cpu") -> None:
        self.folder, self.size, self.compiled, self.device = folder, size, compiled, device

    def pairs(self, faces: Tensor, first: int, name: str, starts: Sequence[str | None]) -> Pairs:
        """People who are given a value by an edit, and what they had before.

        Args:
            faces: factors, float32 [B, K], B a multiple of GROUP.
            first: detail seed of the first one.
            name: the edit, a word of `faceworld.attributes.SETTINGS`.
            starts: the values that they had, in turn by groups; None for what they happen to have.

        Returns:
            As many pairs.
        """
        parts = []
        for i, group in enumerate(torch.split(faces, GROUP)):
            value = starts[i % len(starts)]
            start = group if value is None else edited(group, value)
            before = self._rendered(start, first + GROUP * i)
            after = self._rendered(edited(start, name), first + GROUP * i)
            change = (after["photo"].float() - before["photo"].float()) / 127.5
            attribute, _, _ = name.partition("_")
            if attribute == UNDER_EYES:
                change = change * _skin_under_eyes(before["eyes"], self.size)
            if attribute == AGE:
                hair = (before["labels"] == Face.HAIR) | (after["labels"] == Face.HAIR)
                change = change * ~hair[:, None]
            parts.append(Pairs(start, change, _region(change)))
        columns = (torch.cat(column) for column in zip(*parts, strict=True))
        return Pairs(*(column.to(self.device) for column in columns))

    def _rendered(self, factors: Tensor, first: int) -> dict[str, Tensor]:
        """Pictures uint8 [B, 3, S, S], labels [B, S, S] and eyes [B, 2, 2] px of one group."""
        seeds = first + torch.arange(len(factors))
        about = f"{faceworld.VERSION} {self.size} {first} {self.compiled}".encode()
        digest = hashlib.sha256(about + factors.numpy().tobytes()).hexdigest()[:20]
        path = self.folder / f"{digest}.safetensors"
        if not path.exists():
            faces = faceworld.render(factors, seeds, size=self.size, compiled=self.compiled)
            eyes = faces.landmarks[:, :2].contiguous()
            kept = {"photo": faces.photo, "labels": faces.labels, "eyes": eyes}
            write_bytes(path, save(kept))
            return kept
        return dict(load_file(path))


def _skin_under_eyes(eyes: Tensor, size: int) -> Tensor:
    """1 there, 0 elsewhere, float32 [B, 1, S, S]."""
    marks = [torch.from_numpy(under_eyes(pair.numpy(), size)) for pair in eyes]
    return torch.stack(marks)[:, None].float()


def _region(change: Tensor) -> Tensor:
    """Changed pixels and their neighbours: a line may be drawn a pixel or two aside."""
    changed = (change.abs().amax(1, keepdim=True) > CHANGED).float()
    return torch.nn.functional.max_pool2d(changed, 5, stride=1, padding=2)
