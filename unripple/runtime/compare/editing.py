"""Editing FID: whether edited pictures look like real ones that have what the edit gives."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unripple.conventions import BadPhoto, ShapeMismatch, UnknownName
from unripple.io.attributes import look_up, read_table, read_truths
from unripple.io.pairs import pictures_in
from unripple.io.photo import check_photo, printable, read_photo
from unripple.io.schema import nearest
from unripple.metrics.features import frechet_distance
from unripple.runtime.compare.folders import LEAST_OF_SET, OnPicture, _nobody, zoo_of
from unripple.runtime.compare.measures import Picture, inception_vector

FACTORS: Mapping[str, tuple[str, str, float]] = {
    "Bald": ("bald", ">", 0.5),
    "Bangs": ("fringe", ">", 0.3),
    "Eyeglasses": ("glasses", ">", 0.5),
    "Gray_Hair": ("grey", ">", 0.5),
    "Male": ("masculinity", ">", 0.0),
    "Mustache": ("moustache", ">", 0.4),
    "No_Beard": ("beard", "<", 0.4),
    "Smiling": ("smile", ">", 0.3),
    "Wearing_Earrings": ("earring", ">", 0.5),
    "Wearing_Hat": ("hat", ">", 0.5),
    "Wearing_Lipstick": ("lipstick", ">", 0.4),
    "Wearing_Necklace": ("necklace", ">", 0.5),
    "Young": ("age", "<", 0.5),
}
"""CelebA's attribute -> when a rendered face has it: factor, and on which side of what value."""

_SIDES = {">": operator.gt, "<": operator.lt}


class EditFid(NamedTuple):
    """What became of it.

    Attributes:
        value: the distance.
        attribute: which, with " (reversed)" if it is taken away.
        real: how many real pictures have it (reversed: lack it).
        edited: how many edited pictures there are of faces that lacked it (reversed: had it).
    """

    value: float
    attribute: str
    real: int
    edited: int


def edit_fid(
    real: str | Path,
    edited: str | Path,
    attribute: str,
    table: str | Path,
    *,
    reverse: bool = False,
    models: Mapping[str, str] | None = None,
    device: str = "cpu",
    part: str | None = None,
    on_progress: OnPicture = _nobody,
) -> EditFid:
    """FID between real pictures that have an attribute and edited ones that were given it.

    Args:
        real: folder of the originals.
        edited: folder of the same pictures after the edit, or some of them, by the same names.
        attribute: as the table calls it, like "Smiling".
        table: a table like CelebAMask-HQ-attribute-anno.txt, or the folder with the truth of
            rendered photos (`FACTORS` says when a rendered face has an attribute).
        reverse: the edit takes the attribute away.
        models, device, on_progress: see `compare`.
        part: edited pictures are called `<name>.<part>.<suffix>`.

    Raises:
        BadPhoto: nobody says whether a picture has the attribute, an edited one has no original,
            or a picture is damaged; the text names it.
        UnknownName: no attribute is called so.
        ShapeMismatch: one of the sets has fewer than two pictures.
        BadCheckpoint: Inception is not here.

    Source: scripts/fid_calculation.py of AIRI-Institute/StyleFeatureEditor (MIT). There all
    pictures lose up to one level by a detour through [-1, 1]; here they do not.
    """
    has = _attributes(Path(table), attribute)
    originals, results = pictures_in(Path(real)), pictures_in(Path(edited), part=part)
    if extra := [name for name in results if name not in originals]:
        raise BadPhoto(
            f"{printable(str(results[extra[0]]))} has no original in {printable(str(real))}; "
            "pictures are paired by their names without suffix"
        )
    has_it = not reverse
    theirs = [path for name, path in originals.items() if _said(has, name, table) is has_it]
    ours = [path for name, path in results.items() if _said(has, name, table) is not has_it]
    word = f"{attribute} (reversed)" if reverse else attribute
    for paths, what in ((theirs, f"real pictures in {real}"), (ours, f"pictures in {edited}")):
        if len(paths) < LEAST_OF_SET:
            raise ShapeMismatch(
                f"{word}: {len(paths)} {printable(what)} count, wanted at least {LEAST_OF_SET}"
            )
        for path in paths:
            check_photo(path)
    vector = inception_vector(zoo_of(["fid"], models, device))
    sets, done = [], 0
    for paths in (theirs, ours):
        vectors = []
        for path in paths:
            vectors.append(vector(Picture(read_photo(path).pixels)))
            done += 1
            on_progress(done, len(theirs) + len(ours), path.stem)
        sets.append(np.stack(vectors))
    return EditFid(frechet_distance(*sets), word, len(theirs), len(ours))


def _attributes(table: Path, attribute: str) -> dict[str, bool]:
    """Which pictures have an attribute.

    Raises:
        UnknownName: the face world has no such attribute, or the table.
    """
    if not table.is_dir():
        return read_table(table, attribute)
    if attribute not in FACTORS:
        raise UnknownName(f"--attribute {attribute!r}: none of rendered faces"
                          f"{nearest(attribute, FACTORS)}")  # fmt: skip
    from unripple.faceworld.factors import INDEX

    factor, side, value = FACTORS[attribute]

    def says(factors: Sequence[float]) -> bool:
        return bool(_SIDES[side](float(factors[INDEX[factor]]), value))

    return read_truths(table, says)


def _said(has: Mapping[str, bool], name: str, table: str | Path) -> bool:
    value = look_up(has, name)
    if value is None:
        raise BadPhoto(f"{printable(name)}: {table} does not say what this picture shows")
    return value
