"""Pictures to train on: shards of rendered faces, or a folder of aligned photos.

A shard `shard-00000.safetensors` holds 256 faces = 128 people x 2: rows 2k and 2k+1 are one person
in one light before one plate, at two poses, so each is the true counterfactual of the other.
Tensors are mapped from disk, not read: trainings that run side by side share one copy in memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

from unripple.conventions import BadPhoto, UnrippleError

Split = Literal["train", "val"]
Batch = dict[str, Tensor]

PLAN = "plan.json"
VALIDATION_SHARDS = 2
RESCAN_SECONDS = 60.0
PER_PERSON = {"plate"}  # fields with one row per pair of faces


def shard_path(folder: Path, index: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard-{index:05d}.safetensors"


def validation_indices(folder: Path) -> set[int]:
    """The last two shards of the planned set (`plan.json`), or of those that lie there."""
    plan = folder / PLAN
    if plan.exists():
        last = int(json.loads(plan.read_text())["shards"])
    else:
        last = 1 + max((int(p.stem[6:]) for p in folder.glob("shard-*.safetensors")), default=-1)
    return set(range(max(0, last - VALIDATION_SHARDS), last))


class FaceShards:
    """Random access to the faces of a folder of shards.

    Args:
        folder: of `shard-*.safetensors`; new ones are picked up while a training runs.
        fields: which tensors to give (`photo`, `plate`, `labels`, `inverse_depth`, `alpha`,
            `landmarks`, `pose_deg`, `factors`, `seed`).
        split: `val` is the last two shards, `train` all others.
        device: where the tensors are kept; on a GPU they move there once.

    Raises:
        UnrippleError: the split is empty.
    """

    def __init__(
        self,
        folder: Path,
        fields: Sequence[str] = ("photo",),
        split: Split = "train",
        device: torch.device | str = "cpu",
    ) -> None:
        self.folder = Path(folder)
        self.fields = tuple(fields)
        self.split = split
        self.device = torch.device(device)
        self.shards: dict[int, Batch] = {}
        self.rows: list[tuple[int, int]] = []  # (shard, pair within it)
        self._scanned = -RESCAN_SECONDS
        self._rescan()
        if not self.rows:
            raise UnrippleError(
                f"no {split} shards in {self.folder} (the last {VALIDATION_SHARDS} are held out); "
                "render some: python -m unripple.training data --out " + str(self.folder)
            )

    def __len__(self) -> int:
        """Number of faces."""
        return 2 * len(self.rows)

    def batch(self, n: int, rng: torch.Generator) -> Batch:
        """`n` random faces."""
        self._rescan()
        picks = torch.randint(len(self), (n,), generator=rng)
        return self.rows_of(picks.tolist())

    def pairs(self, n: int, rng: torch.Generator) -> tuple[Batch, Batch]:
        """`n` random people at two poses each, in random order: (one, the other)."""
        self._rescan()
        person = torch.randint(len(self.rows), (n,), generator=rng)
        which = torch.randint(2, (n,), generator=rng)
        one, other = 2 * person + which, 2 * person + 1 - which
        return self.rows_of(one.tolist()), self.rows_of(other.tolist())

    def first(self, n: int) -> Batch:
        """The first `n` faces in file order (rows 2k, 2k+1 are one person)."""
        return self.rows_of(list(range(min(n, len(self)))))

    def rows_of(self, faces: list[int]) -> Batch:
        """The faces of these numbers, in file order."""
        batch: Batch = {}
        for field in self.fields:
            half = field in PER_PERSON
            batch[field] = torch.stack(
                [
                    self.shards[shard][field][pair if half else 2 * pair + face % 2]
                    for face in faces
                    for shard, pair in (self.rows[face // 2],)
                ]
            )
        return batch

    def _rescan(self) -> None:
        """Take up shards that were finished since the last look."""
        if time.monotonic() - self._scanned < RESCAN_SECONDS:
            return
        self._scanned = time.monotonic()
        held_out = validation_indices(self.folder)
        for path in sorted(self.folder.glob("shard-*.safetensors")):
            index = int(path.stem.removeprefix("shard-"))
            if index in self.shards or (index in held_out) != (self.split == "val"):
                continue
            shard = read_shard(path, self.fields, self.device)
            self.shards[index] = shard
            people = min(len(v) // (1 if k in PER_PERSON else 2) for k, v in shard.items())
            self.rows += [(index, pair) for pair in range(people)]


def read_shard(path: Path, fields: Sequence[str], device: torch.device | str = "cpu") -> Batch:
    """Some tensors of one shard, mapped from the file when they stay on the CPU.

    Raises:
        UnrippleError: the file is damaged or lacks a field.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {field: file.get_tensor(field).to(device) for field in fields}
    except Exception as error:
        raise UnrippleError(f"{path} is not a usable shard ({error}); delete it") from error


class FolderPhotos:
    """A plain folder of aligned square photos (the layout of FFHQ and CelebA-HQ trainings).

    Every 32nd picture by name is held out for validation. Pictures are resized once and kept in
    memory as uint8.

    Raises:
        BadPhoto: a file cannot be read as a picture.
        UnrippleError: the split is empty.
    """

    EVERY = 32

    def __init__(
        self,
        folder: Path,
        size: int,
        split: Split = "train",
        device: torch.device | str = "cpu",
    ) -> None:
        paths = pictures_of(folder)
        held_out = set(paths[:: self.EVERY])
        self.paths = [p for p in paths if (p in held_out) == (split == "val")]
        if not self.paths:
            raise UnrippleError(f"no {split} pictures (png, jpg, webp) in {folder}")
        self.photo = torch.stack([read_photo(p, size) for p in self.paths]).to(device)

    def __len__(self) -> int:
        """Number of photos."""
        return len(self.paths)

    def batch(self, n: int, rng: torch.Generator) -> Batch:
        """`n` random photos, under the key `photo`."""
        picks = torch.randint(len(self), (n,), generator=rng)
        return {"photo": self.photo[picks.to(self.photo.device)]}

    def first(self, n: int) -> Batch:
        """The first `n` photos by name."""
        return {"photo": self.photo[:n]}

    def rows_of(self, picks: list[int]) -> Batch:
        """The photos of these numbers, by name."""
        return {"photo": self.photo[picks]}


SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


def pictures_of(folder: Path) -> list[Path]:
    """The picture files of a folder and of those within, by name."""
    return sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES)


def read_photos(folder: Path, size: int) -> Tensor:
    """All pictures of a folder, uint8 [N, 3, size, size] RGB, by name.

    Raises:
        BadPhoto: a file cannot be read as a picture.
        UnrippleError: there are none.
    """
    paths = pictures_of(folder)
    if not paths:
        raise UnrippleError(f"no pictures (png, jpg, webp) in {folder}")
    return torch.stack([read_photo(path, size) for path in paths])


def read_photo(path: Path, size: int) -> Tensor:
    """One picture file as uint8 [3, size, size] RGB.

    Raises:
        BadPhoto: the file cannot be read as a picture.
    """
    try:
        with Image.open(path) as file:
            picture = file.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    except OSError as error:
        raise BadPhoto(f"{path} cannot be read as a picture ({error})") from error
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()  # [3, S, S]


def has_shards(folder: Path) -> bool:
    """Whether a data folder holds shards (and not plain photos)."""
    return any(Path(folder).glob("shard-*.safetensors"))


def open_photos(
    folder: Path,
    *,
    size: int,
    split: Split,
    device: torch.device | str = "cpu",
    fields: Sequence[str] = ("photo",),
) -> FaceShards | FolderPhotos:
    """Photos from shards (with other fields, if asked) or from a folder of pictures."""
    if has_shards(folder):
        return FaceShards(folder, fields, split, device)
    return FolderPhotos(folder, size, split, device)
