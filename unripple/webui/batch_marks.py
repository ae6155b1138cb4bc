"""What a batch is told of single photos: masks of what stays unedited, and chosen faces.

Beside `batch.yaml` lie `batch_photos`, `batch_masks` (a mask is called like its photo's file, with
.png after it) and `batch_landmarks.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unripple import atomic
from unripple.conventions import BadConfig, BadPhoto
from unripple.io import plain_yaml
from unripple.io.digest import file_sha256
from unripple.io.landmarks import read_landmarks
from unripple.io.photo import PHOTO_SUFFIXES, encode_png

_ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".webp"}
_NOTHING_STAYS = encode_png(np.zeros((8, 8), np.uint8))  # square, so about the aligned picture


class Marked(NamedTuple):
    """A photo that goes into a batch, and what is told of it beside its file.

    Attributes:
        path: its file.
        name: what the user calls it.
        landmarks: five points of the face that is meant, where it was chosen or marked; else None.
        mask: a picture of what must stay unedited, or None.
    """

    path: Path
    name: str
    landmarks: list[list[float]] | None = None
    mask: Path | None = None


@dataclass(frozen=True)
class Marks:
    """What is told of the photos of one batch."""

    batch: Path

    @property
    def masks(self) -> Path:
        """The folder of masks."""
        return self.batch.with_name(f"{self.batch.stem}_masks")

    @property
    def landmarks(self) -> Path:
        """The file of landmarks."""
        return self.batch.with_name(f"{self.batch.stem}_landmarks.json")

    def place_for(self, photo: Marked, folder: Path) -> tuple[Path, bool]:
        """The photo's file in a folder, and whether it is still to be written.

        A photo that is there with other marks gets a second file.

        Raises:
            BadPhoto: it is no picture.
        """
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(photo.name).stem).strip("-")[:80] or "photo"
        with photo.path.open("rb") as file:
            start = file.read(8)
        endings = [ending for begin, ending in _ENDINGS.items() if start.startswith(begin)]
        if not endings:
            raise BadPhoto(f"{photo.name}: neither png, jpg nor webp")
        given = Path(photo.name).suffix
        ending = given if given.lower() == ".jpeg" else endings[0]
        number, target = 1, folder / f"{stem}{ending}"
        while target.exists():
            if file_sha256(target) == file_sha256(photo.path) and self._says(target, photo):
                return target, False
            number += 1
            target = folder / f"{stem}-{number}{ending}"
        return target, True

    def _says(self, target: Path, photo: Marked) -> bool:
        """Whether a file of the batch has the very marks of a photo."""
        wanted = _NOTHING_STAYS if photo.mask is None else photo.mask.read_bytes()
        mask = self._mask_of(target)
        found = mask.read_bytes() if mask.exists() else _NOTHING_STAYS
        return found == wanted and self._listed().get(target.name) == photo.landmarks

    def _mask_of(self, target: Path) -> Path:
        return self.masks / f"{target.name}.png"

    def _listed(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.landmarks.read_text()))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            raise BadConfig(f"{self.landmarks}: cannot be continued: {error}") from error

    def told(self, text: str, photo: Marked) -> str:
        """The batch's text, saying where masks and landmarks lie if this photo has any.

        Raises:
            BadConfig: it says something else, or in a way that cannot be continued.
        """
        if photo.mask is not None:
            keep = {"keep": self.masks.as_posix(), "keep_pixels": True}
            text = _with_settings(self.batch, text, "edit", keep)
        if photo.landmarks is not None:
            before = _section(text, "align").get("landmarks")
            if before and not self.landmarks.exists():  # others were marked already
                listed = read_landmarks(Path(before))
                atomic.write_text(self.landmarks, json.dumps(listed, indent=1) + "\n")
            marked = {"landmarks": self.landmarks.as_posix()}
            text = _with_settings(self.batch, text, "align", marked)
        return text

    def write(self, text: str, photo: Marked, target: Path) -> None:
        """Write what is told of a photo: before the batch's text, which names it."""
        if photo.landmarks is not None:
            listed = {**self._listed(), target.name: photo.landmarks}
            atomic.write_text(self.landmarks, json.dumps(listed, indent=1) + "\n")
        if photo.mask is not None:
            atomic.write_bytes(self._mask_of(target), photo.mask.read_bytes())
        kept = _section(text, "edit").get("keep")
        if kept == self.masks.as_posix():  # then every photo must have one
            for path in (target, *target.parent.iterdir()):
                is_photo = path.suffix.lower() in PHOTO_SUFFIXES
                if is_photo and not self._mask_of(path).exists():
                    atomic.write_bytes(self._mask_of(path), _NOTHING_STAYS)


def _section(text: str, name: str) -> dict[str, Any]:
    content = plain_yaml.parse(text, "batch") or {}
    return dict(content.get(name) or {})


def _with_settings(batch: Path, text: str, section: str, settings: Mapping[str, Any]) -> str:
    """A config's text in which a section says something, all other lines as they are."""
    before = _section(text, section)
    if all(before.get(key) == value for key, value in settings.items()):
        return text
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.rstrip() == f"{section}:"), None)
    if start is None:
        lines, start = [*lines, f"{section}:"], len(lines)
    own = {key: f"  {key}: {json.dumps(value)}" for key, value in settings.items()}
    end = start + 1
    while end < len(lines) and (lines[end].startswith(" ") or not lines[end].strip()):
        named = re.match(r"  (\w+):", lines[end])
        if named and named[1] in own:
            del lines[end]
        else:
            end += 1
    lines[start + 1 : start + 1] = list(own.values())
    longer = "\n".join(lines) + "\n"
    if _section(longer, section) != {**before, **settings}:
        raise BadConfig(
            f"{batch}: its section `{section}` is written in a way that cannot be continued; say "
            f"there yourself: {'; '.join(line.strip() for line in own.values())}"
        )
    return longer
