"""What inversions start from, made once before a training: the codes of photos, and what they draw.

Encoder and generator are frozen, so a step that asks them again for the same photo learns nothing
by it. Each part of 256 photos is one file; it says of which photos, encoder and generator it was
made, and is made again where one of these is another.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from unripple.atomic import write_bytes
from unripple.models.layers.framing import pooled
from unripple.models.layers.synthesis import Synthesis
from unripple.models.w_encoder import WEncoder
from unripple.ops.tensors import to_photos
from unripple.training import grids
from unripple.training.encoders import load_encoder
from unripple.training.loop import Batch, frozen
from unripple.training.shards import FaceShards, FolderPhotos
from unripple.zoo import networks
from unripple.zoo.weights import read_header

log = logging.getLogger("unripple.training")

PART = 256  # photos per file, those of a shard
CHUNK = 8  # photos encoded at once

Encode = Callable[[Tensor], Tensor]
"""Photos [B, 3, S, S] in [-1, 1] to the codes to start from, float32 [B, L, W]."""


def load_start(path: Path, generator: Synthesis, device: str) -> tuple[Encode, nn.Module]:
    """The encoder whose codes inversions start from.

    Args:
        path: of an e4e (run folder or safetensors), or of a W encoder, told apart by what the file
            says of itself.
        generator: draws the codes.
        device: where to put it.

    Returns:
        the function from photos to codes, and the network in it.
    """
    role = read_header(path)[0].get("role") if path.suffix == ".safetensors" else "encoder"
    if role != "w_encoder":
        e4e, latent_avg = load_encoder(path, device)
        return (lambda photo: e4e(photo).float() + latent_avg), e4e
    model = networks.load("w_encoder", path, torch.device(device))
    net, mean = frozen(model.net, device), model.extras["latent_avg"].to(device)
    assert isinstance(net, WEncoder)
    return (lambda photo: (net(photo) + mean).expand(-1, generator.n_codes, -1)), net


class Starts:
    """Random access to photos, their codes and their first pictures.

    Args:
        photos: where the photos are.
        parts: of `PART` photos each, the last one maybe of fewer: `w_plus`, float32 [N, L, W], and
            `drawn`, uint8 [N, 3, S, S].
    """

    def __init__(self, photos: FaceShards | FolderPhotos, parts: Sequence[Batch]) -> None:
        self.photos, self.parts = photos, parts

    def __len__(self) -> int:
        return sum(len(part["w_plus"]) for part in self.parts)

    def batch(self, n: int, rng: torch.Generator) -> Batch:
        """`n` random photos with their fields, and `w_plus` and `drawn`."""
        return self.rows(torch.randint(len(self), (n,), generator=rng).tolist())

    def rows(self, picks: list[int]) -> Batch:
        """The photos of these numbers."""
        of_photos = {
            name: torch.stack([self.parts[n // PART][name][n % PART] for n in picks])
            for name in ("w_plus", "drawn")
        }
        return {**self.photos.rows_of(picks), **of_photos}


def extracted(
    photos: FaceShards | FolderPhotos,
    encode: Encode,
    generator: Synthesis,
    *,
    folder: Path,
    made_by: str,
    most: int | None = None,
) -> Starts:
    """The starts of photos, made as far as the folder lacks them.

    Args:
        photos: of one size.
        encode, generator: see `load_start`.
        folder: of the files.
        made_by: digest of both networks, see `digest`.
        most: how many photos, None for all.
    """
    count = len(photos) if most is None else min(most, len(photos))
    parts = []
    for number, first in enumerate(range(0, count, PART)):
        path = folder / f"starts-{number:05d}.safetensors"
        photo = photos.rows_of(list(range(first, min(first + PART, count))))["photo"]
        of = f"{made_by} {digest([photo])}"
        if (part := _read(path, of)) is None:
            part = _made(photo, encode, generator)
            write_bytes(path, save(part, metadata={"format": "pt", "of": of}))
            part = _read(path, of) or part  # mapped from the file, not kept in memory
            log.info("starts: %d of %d photos", min(first + PART, count), count)
        parts.append(part)
    return Starts(photos, parts)


@torch.no_grad()
def _made(photo: Tensor, encode: Encode, generator: Synthesis) -> Batch:
    device = generator.constant.device
    made: dict[str, list[Tensor]] = {"w_plus": [], "drawn": []}
    for few in torch.split(photo, CHUNK):
        shown = grids.from_uint8(few.to(device))
        w_plus = encode(shown)
        picture = pooled(generator.synthesize(w_plus).float(), (few.shape[2], few.shape[3]))
        made["w_plus"].append(w_plus.float().cpu())
        drawn = torch.from_numpy(to_photos(picture))  # [B, S, S, 3]
        made["drawn"].append(drawn.permute(0, 3, 1, 2).contiguous())
    return {name: torch.cat(values) for name, values in made.items()}


def _read(path: Path, of: str) -> Batch | None:
    """A part, if it is there, whole, and made of just these."""
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("of") != of:
                return None
            return {name: file.get_tensor(name) for name in ("w_plus", "drawn")}
    except (OSError, SafetensorError):
        return None


def digest(tensors: Iterable[Tensor]) -> str:
    """SHA-256 of values."""
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
