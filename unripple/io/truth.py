"""What is known of a rendered photo, kept beside the photos and read by `measure`.

    <photos>/truth/<photo>/plate.png             the background without the person
    <photos>/truth/<photo>/alpha.png             the person's coverage
    <photos>/truth/<photo>/meta.json             {"yaw_deg": ..., "edits": {<edit>: {"yaw_deg": ...,
                                                 "moves": {<direction>: <degree>}}}}
    <photos>/truth/<photo>/<edit>/photo.png      the true picture of the edit
    <photos>/truth/<photo>/<edit>/alpha.png      the person's coverage there

All pictures are as large as the photo; plate and photo may be .jpg. Every file may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unripple.conventions import BadPhoto, Mask, Photo
from unripple.io.digest import file_sha256
from unripple.io.photo import PHOTO_SUFFIXES, read_photo
from unripple.outside import Unfit, explained, json_of, read_text

_HALF_COVERED = 128


@dataclass(frozen=True)
class PhotoTruth:
    """The truth about one edit of one photo; None where unknown. Sizes are the photo's."""

    plate: Photo | None = None
    before: Mask | None = None
    counterfactual: Photo | None = None
    after: Mask | None = None
    yaw_deg: float | None = None


class TruthFolder:
    """The truth files of one photo for one edit."""

    def __init__(self, photo_path: Path, photo: str, edit: str, moves: Mapping[str, float]) -> None:
        self._folder = photo_path.parent / "truth" / photo
        self._edit = edit
        self._moves = dict(moves)

    def digests(self) -> dict[str, str]:
        """SHA-256 of every file that speaks of this edit, by name; empty without truth."""
        folders = (self._folder, self._folder / self._edit)
        files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
        return {
            path.relative_to(self._folder).as_posix(): file_sha256(path)
            for path in sorted(files)
            if path.is_file()
        }

    def read(self, *, only_edit: bool = False) -> PhotoTruth | None:
        """Read what there is; None without truth.

        The true picture of an edit counts only for the degrees that it was rendered for.

        Args:
            only_edit: read nothing but the edit's picture and turn.

        Raises:
            BadPhoto: a file is damaged.
        """
        if not self._folder.is_dir():
            return None
        moves, yaw_deg = self._about()
        plate = None if only_edit else self._picture("plate")
        before = None if only_edit else self._mask("alpha")
        if moves != self._moves:
            return PhotoTruth(plate, before)
        counterfactual = self._picture(f"{self._edit}/photo")
        after = None if only_edit else self._mask(f"{self._edit}/alpha")
        return PhotoTruth(plate, before, counterfactual, after, yaw_deg)

    def _about(self) -> tuple[Any, float | None]:
        """What the edit's true picture was rendered for, and how far it turns."""
        path = self._folder / "meta.json"
        if not path.exists():
            return self._moves, None
        with explained(path, BadPhoto, "write it anew, or remove it"):
            edits = _section(json_of(read_text(path)), "edits")
            edit = _section(edits, self._edit)
            yaw_deg = edit.get("yaw_deg")
            if yaw_deg is not None and not isinstance(yaw_deg, int | float):
                raise Unfit(f"yaw_deg of {self._edit} is {str(yaw_deg)[:40]!r}, no number")
            return edit.get("moves", self._moves), yaw_deg

    def _picture(self, name: str) -> Photo | None:
        files = (self._folder / f"{name}{suffix}" for suffix in PHOTO_SUFFIXES)
        return next((read_photo(path).srgb for path in files if path.exists()), None)

    def _mask(self, name: str) -> Mask | None:
        coverage = self._picture(name)
        return None if coverage is None else coverage[..., 0] >= _HALF_COVERED


def _section(content: Any, name: str) -> Mapping[str, Any]:
    section = content.get(name, {}) if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise Unfit(f"its {name!r} is no section")
    return section
