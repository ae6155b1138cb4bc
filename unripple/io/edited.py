"""Pictures that were edited with other programs: `edited/<edit>/<photo>.<ext>`.

A picture and its photograph are a pair by the photo's id. Beside it `<photo>.mask.png` may say
where the edit is to stay: white there, black elsewhere, as large as the photograph.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from unripple.conventions import BadConfig, BadPhoto, Mask, NotOffered, Photo
from unripple.io.digest import array_sha256, file_sha256
from unripple.io.photo import MAX_MEGAPIXELS, PHOTO_SUFFIXES, Photograph, check_photo, read_photo
from unripple.io.sheet import PICTURE_SUFFIXES, photo_id

_MASK = ".mask.png"
_HALF = 128
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class EditedFile:
    """What somebody made of a photograph elsewhere: a file, or pixels in memory.

    Attributes:
        path: its file; only its name counts where `pixels` is given.
        pixels: what is in memory already.
        mask_path: the file that says where the edit may stay, if there is one.
        max_megapixels: larger ones are refused.
    """

    path: Path
    pixels: Photograph | None = None
    mask_path: Path | None = None
    max_megapixels: float = MAX_MEGAPIXELS

    def digests(self) -> dict[str, str]:
        """SHA-256 of all that it is made of, by what it is.

        Raises:
            BadPhoto: a file is gone, too large, or no picture at first sight.
        """
        digests = {}
        if self.pixels is not None:
            digests["edited"] = array_sha256(self.pixels.srgb)
        for name, path in (("edited", self.path), ("mask", self.mask_path)):
            if path is not None and name not in digests:
                check_photo(path, max_megapixels=self.max_megapixels)
                digests[name] = file_sha256(path)
        return digests

    @cached_property
    def srgb(self) -> Photo:
        """The picture, uint8 [h, w, 3]."""
        picture = self.pixels or read_photo(self.path, max_megapixels=self.max_megapixels)
        return picture.srgb

    @cached_property
    def mask(self) -> Mask | None:
        """Where the edit may stay, bool [H, W]; None where nobody says."""
        if self.mask_path is None:
            return None
        levels = read_photo(self.mask_path, max_megapixels=self.max_megapixels).srgb
        return levels[..., 0] >= _HALF


def edit_folders(folder: Path) -> list[str]:
    """The names of the edits: of the folders in a folder.

    Raises:
        BadConfig: there is no such folder or none in it, or one cannot name an edit.
    """
    if not folder.is_dir():
        raise BadConfig(
            f"config: edited: {folder}: no such folder; put edited pictures into "
            f"{folder}/<edit>/<photo>.png, or set `edited`"
        )
    names = sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."
    )
    if not names:
        raise BadConfig(
            f"config: edited: {folder}: no folder in it; a folder there is an edit, like "
            f"{folder}/smile/<photo>.png"
        )
    for name in names:
        if not _NAME.fullmatch(name):
            raise BadConfig(
                f"config: edited: the folder {name!r} cannot name an edit: a name starts with a "
                "letter and has only a-z, A-Z, 0-9, _ and -; rename it"
            )
    return names


@lru_cache(maxsize=64)
def _listed(folder: Path, changed_ns: int) -> dict[str, list[str]]:  # noqa: ARG001 (cache key)
    """Names of the pictures in a folder, by photo id; readable ones where there are any."""
    readable: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        hidden, ending = name.startswith("."), Path(name).suffix.lower()
        if not hidden and ending in PICTURE_SUFFIXES and not name.endswith(_MASK):
            files_of = readable if ending in PHOTO_SUFFIXES else others
            files_of.setdefault(photo_id(name, ()), []).append(name)
    return others | readable


def pictures_in(folder: Path) -> dict[str, list[str]]:
    """Names of the pictures in a folder of edited ones, by photo id; of a missing folder none."""
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return {}


def find_edited(folder: Path, edit: str, photo: str, *, max_megapixels: float) -> EditedFile:
    """The picture of a pair.

    Args:
        folder: that holds a folder per edit.
        edit: the edit's name.
        photo: the photo's id.
        max_megapixels: see `EditedFile`.

    Raises:
        NotOffered: there is none.
        BadPhoto: there are several.
    """
    place = folder / edit
    names = pictures_in(place).get(photo, [])
    if not names:
        raise NotOffered(f"no edited picture of this photo in {place}")
    if len(names) > 1:
        raise BadPhoto(f"{place}: {' and '.join(names)} are both pictures of {photo}; keep one")
    path = place / names[0]
    mask = path.with_name(path.stem + _MASK)
    return EditedFile(path, None, mask if mask.exists() else None, max_megapixels)


def files_of(folder: Path, edit: str, photo: str) -> list[Path]:
    """The files of a pair's edited side; empty if there are none."""
    paths = [folder / edit / name for name in pictures_in(folder / edit).get(photo, [])]
    masks = [path.with_name(path.stem + _MASK) for path in paths]
    return [*paths, *(mask for mask in masks if mask.exists())]


def unpaired(folder: Path, edit: str, photos: Collection[str]) -> tuple[list[str], list[str]]:
    """What has no partner: ids of photos without a picture, and names of pictures without photo."""
    pictures = pictures_in(folder / edit)
    missing = sorted(set(photos) - set(pictures))
    more = sorted(name for photo in pictures.keys() - set(photos) for name in pictures[photo])
    return missing, more
