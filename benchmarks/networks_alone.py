"""How well each network does its own task on held-out people: one function, one table of rows."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.edits import ALIGNED, Row
from benchmarks.heldout import MEETINGS_DEG, TURNS, Stored, mask, picture
from unripple.conventions import Face, Mask, Photo
from unripple.io.config import complete
from unripple.metrics.fidelity import ms_ssim, psnr
from unripple.metrics.subject import cosine
from unripple.models.bisenet import BiSeNet
from unripple.models.perceptual import FeatureDistance
from unripple.ops.tensors import to_tensor
from unripple.runtime.editor import Editor
from unripple.stages.depth import depth as depth_of
from unripple.stages.foreground import foreground
from unripple.stages.interface import grown
from unripple.stages.measure import embed
from unripple.stages.parse import parse
from unripple.stages.ripple import person
from unripple.training.depth import best_fit
from unripple.training.identity import area_under_curve
from unripple.training.landmarks import normalised_error
from unripple.zoo.zoo import Zoo

Table = dict[str, Row]

INVERTERS: dict[str, dict[str, Any]] = {
    "e4e": {"invert": {"method": "e4e"}},
    "hfgi": {},
    "hfgi-faithful": {"models": {"hfgi": "hfgi-faithful"}},
}
LEAST_MS_SSIM_PX = 176  # of the metric: smaller pictures are enlarged twice


def perceptual_distance() -> FeatureDistance:
    """Our perceptual distance, on the parser's features."""
    net = Zoo().load("parser").net
    assert isinstance(net, BiSeNet)
    return FeatureDistance(net)


def distance(net: FeatureDistance, one: Photo, other: Photo, region: Mask | None = None) -> float:
    """Perceptual distance of two pictures, or of a region of them."""
    weight = None if region is None else torch.from_numpy(region.astype(np.float32))[None, None]
    with torch.inference_mode():
        return float(net(to_tensor(one), to_tensor(other), weight))


def median(values: list[float]) -> float:
    """Median of what is defined; nan if nothing is."""
    defined = [value for value in values if np.isfinite(value)]
    return float(np.median(defined)) if defined else float("nan")


def reconstruction(stored: Stored) -> Table:
    """Every inverter: how near the drawn picture comes to the photo, and how long it takes."""
    net, identity = perceptual_distance(), Zoo().load("identity")
    table: Table = {}
    for name, settings in INVERTERS.items():
        editor = Editor(settings=ALIGNED | settings)
        editor.run(picture(stored["photo"][0]), "invert")  # networks are loaded
        found: dict[str, list[float]] = {}
        for pixels in stored["photo"]:
            photo = picture(pixels)
            started = time.perf_counter()
            drawn: Any = editor.run(photo, "invert")["invert"]["picture"]
            figures = {
                "seconds": time.perf_counter() - started,
                "psnr_db": psnr(drawn, photo),
                "ms_ssim": ms_ssim(_enlarged(drawn), _enlarged(photo)),
                "perceptual": distance(net, drawn, photo),
                "identity_cosine": cosine(*(_embedding(one, identity) for one in (photo, drawn))),
            }
            for figure, value in figures.items():
                found.setdefault(figure, []).append(value)
        table[name] = {figure: median(values) for figure, values in found.items()}
    table["hfgi"]["psnr_above_e4e_db"] = table["hfgi"]["psnr_db"] - table["e4e"]["psnr_db"]
    return table


def _enlarged(shown: Photo) -> Photo:
    if shown.shape[0] >= LEAST_MS_SSIM_PX:
        return shown
    twice: Photo = shown.repeat(2, 0).repeat(2, 1)
    return twice


def _embedding(shown: Photo, identity: Any) -> Any:
    return embed(shown, identity.net, net_size_px=identity.size_px)


def parser(stored: Stored) -> Table:
    """IoU of every part over all pixels, and of the person, median over the photos."""
    model = Zoo().load("parser")
    net: Any = model.net
    hits, seen, true = (np.zeros(len(Face)) for _ in range(3))
    persons: list[float] = []
    for pixels, labels, alpha in zip(
        stored["photo"], stored["labels"].numpy(), stored["alpha"], strict=True
    ):
        photo = picture(pixels)
        told = parse(photo, net, net_size_px=model.size_px)
        hits += np.bincount(told[told == labels].ravel(), minlength=len(Face))
        seen += np.bincount(told.ravel(), minlength=len(Face))
        true += np.bincount(labels.ravel(), minlength=len(Face))
        persons.append(iou(person(told, min_area_px=min_area(photo)), mask(alpha)))
    parts = {part.name.lower(): hits[part] / max(seen[part] + true[part] - hits[part], 1)
             for part in Face}  # fmt: skip
    shown = [float(parts[part.name.lower()]) for part in Face if true[part]]
    means = {"mean_iou": float(np.mean(shown)), "person_iou": median(persons)}
    return {"parser": means, "parser, by part": {name: float(v) for name, v in parts.items()}}


def min_area(photo: Photo) -> int:
    """Pixels of the specks that the pipeline drops from masks of such a photo."""
    area: int = grown("min_area_px", complete({})["ripple"]["min_area_px"], photo)
    return area


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union; nan for two empty masks."""
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else float("nan")


def depth(stored: Stored) -> Table:
    """Errors of depth on the person after the best scale and shift of inverse depth, and masks."""
    model = Zoo().load("depth")
    net: Any = model.net
    found: dict[str, list[float]] = {}
    for pixels, true, alpha in zip(
        stored["photo"], stored["inverse_depth"].float(), stored["alpha"], strict=True
    ):
        photo = picture(pixels)
        seen = depth_of(photo, net, net_size_px=model.size_px)
        told, here = torch.from_numpy(seen), torch.from_numpy(mask(alpha))
        near = foreground(seen, seen, min_area_px=min_area(photo)).before
        figures = {"foreground_iou": iou(near, mask(alpha))}
        fits = {
            "": best_fit(told[None], true[None])[0],
            "_fitted_to_person": best_fit(told[here][None, None], true[here][None, None])[0, 0],
        }
        for name, fit in fits.items():
            wanted = true[here]
            ratio = (fit if name else fit[here]).clamp_min(true.min() / 4) / wanted
            figures[f"abs_rel{name}"] = float((1 / ratio - 1).abs().mean())
            inside = torch.maximum(ratio, 1 / ratio) < 1.25
            figures[f"delta1{name}"] = float(inside.float().mean())
        for figure, value in figures.items():
            found.setdefault(figure, []).append(value)
    return {"depth": {figure: median(values) for figure, values in found.items()}}


def landmarks(stored: Stored) -> Table:
    """Mean distance over the distance of the eyes; median and mean over the photos."""
    model = Zoo().load("landmarks")
    net: Any = model.net
    size = stored["photo"].shape[-1]
    told = torch.cat([net(look(pixels, model.size_px)) for pixels in stored["photo"]]) * size
    errors = normalised_error(told, stored["landmarks"])
    return {"landmarks": {"nme": float(errors.median()), "nme_mean": float(errors.mean())}}


def look(pixels: Tensor, size_px: int) -> Tensor:
    """What a network of that size sees of a picture, float32 [1, 3, n, n] in [-1, 1]."""
    shown = to_tensor(picture(pixels))
    if shown.shape[-1] == size_px:
        return shown
    return F.interpolate(shown, size=(size_px, size_px), mode="bilinear", antialias=True)


def pose(stored: Stored) -> Table:
    """Mean absolute errors in degrees: of photos, and of yaw when they are turned."""
    model = Zoo().load("pose")
    net: Any = model.net

    def angles(photos: Tensor) -> Tensor:
        return torch.cat([net(look(pixels, model.size_px)) for pixels in photos])

    errors = (angles(stored["photo"]) - stored["pose_deg"]).abs().mean(0).tolist()
    row = dict(zip(("yaw_mae_deg", "pitch_mae_deg", "roll_mae_deg"), errors, strict=True))
    for turn in TURNS:
        yaw = angles(stored[f"{turn}_photo"])[:, 0]
        row[f"yaw_mae_turned_{turn}_deg"] = float((yaw - stored[f"{turn}_yaw"]).abs().mean())
    return {"pose": row}


def identity(stored: Stored) -> Table:
    """Chance that a person seen again, turned and elsewhere, is nearer than a stranger there."""
    model = Zoo().load("identity")

    def vectors(photos: Tensor) -> Tensor:
        found = np.stack([_embedding(picture(pixels), model) for pixels in photos])
        return F.normalize(torch.from_numpy(found), dim=1)

    known = vectors(stored["photo"])
    apart = ~torch.eye(len(known), dtype=torch.bool)
    table: Table = {}
    for name, row in {"seen": "identity", "relit": "identity, in other light"}.items():
        table[row] = {}
        for degrees in MEETINGS_DEG:
            cosines = known @ vectors(stored[f"{name}_{degrees:g}"]).T
            true, strangers = cosines.diagonal(), cosines[apart]
            table[row] |= {
                f"auc_{degrees:g}_deg": area_under_curve(true, strangers),
                f"cosine_{degrees:g}_deg": float(true.median()),
                f"cosine_strangers_{degrees:g}_deg": float(strangers.median()),
            }
    return table
