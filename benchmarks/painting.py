"""Painters of backgrounds against the true plate, on the holes that people leave."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.edits import Row
from benchmarks.heldout import TURNS, Stored, mask, picture
from benchmarks.networks_alone import Table, distance, median, perceptual_distance
from unripple.conventions import Face, Mask, Photo
from unripple.metrics.fidelity import psnr
from unripple.metrics.ghost import FAINT, shares
from unripple.metrics.regions import MIN_PIXELS, fine, rms
from unripple.models.perceptual import FeatureDistance
from unripple.ops.inpainting import navier_stokes, telea
from unripple.ops.masks import grow
from unripple.stages.compose import STILL
from unripple.stages.inpaint import Fill, borrow_fill, inpaint, lama_fill
from unripple.zoo.zoo import Zoo

GROW_PX = 3.0  # at 128 px, as `inpaint.grow_px`
RIVALS = ("telea", "navier_stokes")


def painters() -> dict[str, Fill]:
    """All painters; `patchmatch` if PyPatchMatch is there (`pip install pypatchmatch`)."""
    found = {
        "lama": lama(),
        "telea": telea,
        "navier_stokes": navier_stokes,
        "borrow": borrow_fill(),
        "mean colour": mean_colour,
    }
    return found | ({} if (rival := _patchmatch()) is None else {"patchmatch": rival})


def lama() -> Fill:
    """The embedded painter."""
    model = Zoo().load("inpainter")
    net: Any = model.net
    return lama_fill(net, corrects=bool(model.metadata.get("corrects", False)))


def mean_colour(photo: Photo, hole: Mask) -> Photo:
    """The mean of what is known, everywhere."""
    filled = np.broadcast_to(photo[~hole].mean(0).round().astype(np.uint8), photo.shape)
    return np.array(filled)


def _patchmatch() -> Fill | None:
    """Barnes et al. 2009, by the package PyPatchMatch (MIT), which is no dependency."""
    try:
        import patchmatch
    except ImportError:
        return None
    patchmatch.set_random_seed(0)

    def fill(photo: Photo, hole: Mask) -> Photo:
        painted: Photo = patchmatch.inpaint(photo, hole.astype(np.uint8) * 255, patch_size=3)
        return painted

    return fill


def holes(stored: Stored, i: int) -> dict[str, Mask]:
    """What may have to be painted behind one person: all of it, the head, what a turn leaves."""
    person = mask(stored["alpha"][i])
    labels = stored["labels"][i].numpy()
    still = np.isin(labels, [int(part) for part in (Face.BACKGROUND, *STILL)])
    after = mask(stored[f"{list(TURNS)[i % 2]}_alpha"][i])
    grow_px = GROW_PX * person.shape[0] / 128
    return {
        "person": grow(person, grow_px),
        "head": grow(person & ~still, grow_px),
        "band": grow(person & ~after, grow_px),
    }


def painting(stored: Stored) -> Table:
    """Every painter on every kind of hole, medians over the plates."""
    net, fills = perceptual_distance(), painters()
    found: dict[str, dict[str, list[float]]] = {}
    for i, plate in enumerate(stored["plate"]):
        true = picture(plate)
        for kind, hole in holes(stored, i).items():
            if hole.sum() < MIN_PIXELS or hole.all():
                continue
            for name, fill in fills.items():
                started = time.perf_counter()
                painted = inpaint(true, hole, fill)
                row = {"seconds": time.perf_counter() - started, **judge(painted, true, hole, net)}
                lists = found.setdefault(f"{name}, {kind}", {})
                for figure, value in row.items():
                    lists.setdefault(figure, []).append(value)
    table = {
        row: {figure: median(values) for figure, values in lists.items()}
        for row, lists in sorted(found.items(), key=lambda item: item[0].split(", ")[1])
    }
    for kind in ("person", "head", "band"):
        table[f"lama, {kind}"] |= _lead(table, kind)
    return table


def judge(painted: Photo, true: Photo, hole: Mask, net: FeatureDistance) -> Row:
    """PSNR, perceptual distance, texture return and texture energy within a hole."""
    nothing = np.full_like(true, 128)
    expected = rms(fine(true)[hole])
    return {
        "psnr_db": psnr(painted, true, hole),
        "perceptual": distance(net, painted, true, hole),
        "texture_return": shares(painted, nothing, true, hole)[1],
        "texture_energy": rms(fine(painted)[hole]) / expected if expected >= FAINT else np.nan,
    }


def _lead(table: Table, kind: str) -> Row:
    """By how much LaMa leads the better one of its rivals; negative where it does not."""
    own, rivals = table[f"lama, {kind}"], [table[f"{name}, {kind}"] for name in RIVALS]
    return {
        "lead_psnr_db": own["psnr_db"] - max(row["psnr_db"] for row in rivals),
        "lead_perceptual": min(row["perceptual"] for row in rivals) - own["perceptual"],
        "lead_texture_energy": min(abs(row["texture_energy"] - 1) for row in rivals)
        - abs(own["texture_energy"] - 1),
    }
