"""The ways to invert, and what is measured of one photo by one of them; see `inverters`."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch

from benchmarks.edits import E4E, FAITHFUL
from benchmarks.heldout import Case
from unripple import atomic
from unripple.conventions import Floats, Photo, UnrippleError
from unripple.io.artifact import Artifact, encode_part
from unripple.io.config import Edit
from unripple.io.digest import value_sha256
from unripple.metrics.features import kernel_distance
from unripple.metrics.fidelity import l2, psnr
from unripple.metrics.ghost import ghost_transmission, inner_ghost
from unripple.metrics.structure import hyperstyle_ms_ssim
from unripple.metrics.subject import SameFace, cosine, identity, yaw_error
from unripple.models.lpips import LPIPS
from unripple.ops.tensors import resized, to_tensor
from unripple.pipeline.digests import role_sha256
from unripple.pipeline.graph import RECIPES
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.editor import Editor
from unripple.stages.interface import RIPPLE
from unripple.stages.measure import embed, yaw_of
from unripple.zoo import zoo
from unripple.zoo.zoo import Zoo

Row = dict[str, float]
Settings = Mapping[str, Any]

VERSION = 2  # of what is measured: figures of another are not read
TRUTH = "truth"
"""The row of the true pictures themselves: what a perfect edit would read."""
ALWAYS: Settings = {"align": {"mode": "aligned"}, "edit": {"turn": "generator"}}
"""Held-out people are crops already, and it is the inverter that is asked to turn them."""
PTI: Settings = {"invert": {"method": "pti"}}
METHODS: Mapping[str, Settings] = {
    "e4e": E4E,
    "w": E4E | {"project": {"method": "w"}},
    "optimise": E4E | {"project": {"method": "optimise"}},
    "restyle": E4E | {"project": {"method": "restyle"}},
    "psp": E4E | {"project": {"method": "psp"}},
    "hfgi-faithful": FAITHFUL,
    "hfgi": {},
    "sfe": {"invert": {"method": "sfe"}},
    "hyperstyle": {"invert": {"method": "hyperstyle"}},
    "pti": PTI,
    "pivot": E4E | {"project": {"method": "pivot"}},
    "pti, 150 steps": {"invert": {"method": "pti", "pti": {"tune": "steps", "steps": 150}}},
}
"""HyperStyle starts from e4e's codes, as the embedded hypernetwork was trained."""
SLOW, SLOW_PHOTOS = ("pivot", "pti, 150 steps"), 32
"""Methods of half a minute a photo look at the first photos alone."""

JUDGES = {"lpips_trunk": "lpips_alex_packaged", "lpips_head": "lpips_alex_packaged"}
LOOKED_AT_PX = 256  # LPIPS as published; and a smaller picture has no fifth scale
FEWEST_FOR_KID = 16  # people: below that it says nothing

KINDS = ("left", "right", "smile", "glasses")
"""The edits of a photo, in the order of its cases."""


class Measured(NamedTuple):
    """One photo by one method.

    Attributes:
        figures: by name; nan is undefined.
        features: of the edits' pictures, float16 [4, E], for the distance of sets.
        pictures: the inversion and the edits, uint8 [5, S, S, 3]; None where nobody shows them.
    """

    figures: Row
    features: Floats
    pictures: Photo | None = None


class Bench:
    """Methods under test, and the networks that judge them.

    Args:
        methods: settings by name.
    """

    def __init__(self, methods: Mapping[str, Settings]) -> None:
        self.settings = {name: {**ALWAYS, **own} for name, own in methods.items()}
        zoo.keep_networks()
        judges = Zoo({"base": "embedded", **JUDGES})
        self.pose, self.identity = judges.load("pose"), judges.load("identity")
        trunk: Any = judges.load("lpips_trunk").net
        head: Any = judges.load("lpips_head").net
        self.lpips = LPIPS(trunk, head).eval()
        reference = self.identity.metadata["same_face"]
        self.same_face = SameFace(**{name: np.array(row) for name, row in reference.items()})
        self.judged_by = [role_sha256(judges, role) for role in ("pose", "identity", *JUDGES)]

    def editor(self, method: str) -> Editor:
        """A session of its own, so that nothing is found done."""
        return Editor(settings=self.settings[method])

    def digest(self, method: str) -> str:
        """Of what decides its figures: settings and weights of every stage, and the judges."""
        decided: list[Any] = [VERSION, self.judged_by]
        if method == TRUTH:
            return value_sha256(decided)
        config = self.editor(method).config
        chosen = Zoo(config["models"])
        for direction in ("pose", "smile", "glasses"):
            edit = Edit("edit", ((direction, 3.0),))
            jobs = [
                job_from_config(config, step.stage, of, chosen, edit=edit)
                for step in RECIPES[RIPPLE].values()
                for of in step.places((edit.name,))
                if step.stage not in ("report", "measure")
            ]
            decided += [[job.step.version, job.settings, job.weights] for job in jobs]
        return value_sha256(decided)

    def measure(self, method: str, cases: Sequence[Case], *, shown: bool = False) -> Measured:
        """One photo: its inversion, and its edits against the truth.

        Args:
            method: a name of `METHODS`, or `TRUTH`.
            cases: in the order of `KINDS`.
            shown: keep the pictures.
        """
        if method == TRUTH:
            photo, row, edits = cases[0].photo, {}, [case.counterfactual for case in cases]
            drawn, results, spent = photo, edits, [math.nan] * len(cases)
            began = time.process_time()
        else:
            began = time.process_time()
            drawn, row, edits, results, spent = self._made(method, cases)
        row |= self._inversion(drawn, cases[0])
        for kind, case, edit, result in zip(KINDS, cases, edits, results, strict=True):
            row |= {f"{kind}_{name}": v for name, v in self._edit(edit, result, case).items()}
        row |= {"edit_cpu_s": float(np.mean(spent)), "took_cpu_s": time.process_time() - began}
        features = np.stack([self._features(edit) for edit in edits])
        return Measured(row, features, np.stack([drawn, *edits]) if shown else None)

    def _made(
        self, method: str, cases: Sequence[Case]
    ) -> tuple[Photo, Row, list[Photo], list[Photo], list[float]]:
        """Inversion, what it took, edits as the inverter draws them, the results, CPU-s an edit."""
        editor, photo = self.editor(method), cases[0].photo
        started, clock = time.process_time(), time.perf_counter()
        found = editor.run(photo, "invert")
        row = {
            "cpu_s": time.process_time() - started,
            "seconds": time.perf_counter() - clock,
            "kilobytes": kept_bytes(found) / 1000,
        }
        edits, results, spent = [], [], []
        for case in cases:
            edit = Edit("edit", ((case.direction, case.degree),))
            started = time.process_time()
            edited: Any = editor.run(photo, "edit", edit)["edit"]["picture"]
            spent.append(time.process_time() - started)
            edits.append(edited)
            composed: Any = editor.run(photo, "compose", edit)["compose"]["picture"]
            results.append(composed)
        drawn: Any = found["invert"]["picture"]
        return drawn, row, edits, results, spent

    def _inversion(self, drawn: Photo, case: Case) -> Row:
        """How near to the photo."""
        return {
            "psnr": psnr(drawn, case.photo),
            "psnr_person": psnr(drawn, case.photo, case.before),
            "l2": l2(drawn, case.photo),
            "lpips": self._lpips(drawn, case.photo),
            "ms_ssim": hyperstyle_ms_ssim(
                *(resized(one, LOOKED_AT_PX) for one in (drawn, case.photo))
            ),
            "identity": cosine(self._face(drawn), self._face(case.photo)),
        }

    def _edit(self, drawn: Photo, result: Photo, case: Case) -> Row:
        """How near to the true picture of the edit, and what shines through."""
        masks = case.before, case.after
        row = {
            "psnr": psnr(drawn, case.counterfactual),
            "person": psnr(drawn, case.counterfactual, case.after),
            "lpips": self._lpips(drawn, case.counterfactual),
            "inner_ghost": inner_ghost(drawn, case.photo, case.counterfactual, *masks),
            "ghost": ghost_transmission(drawn, case.photo, case.plate, *masks),
            "ghost_removed": ghost_transmission(result, case.photo, case.plate, *masks),
        }
        if case.direction != "pose":
            return row
        before, after = self._yaw(case.photo), self._yaw(drawn)
        return row | {
            "yaw_error": abs(yaw_error(after, case.yaw_deg)),
            "identity": identity(
                self._face(case.photo),
                self._face(drawn),
                yaw_change_deg=after - before,
                same_face=self.same_face,
            ),
        }

    def _lpips(self, one: Photo, other: Photo) -> float:
        with torch.inference_mode():
            pair = (to_tensor(resized(shown, LOOKED_AT_PX)) for shown in (one, other))
            return float(self.lpips(*pair))

    def _features(self, shown: Photo) -> Floats:
        """What KID compares: AlexNet's last convolution, averaged over the picture, [256].

        Inception's weights can be had from their publisher alone.
        """
        with torch.inference_mode():
            looked = to_tensor(resized(shown, LOOKED_AT_PX))
            last = self.lpips.trunk((looked - self.lpips.mean) / self.lpips.std)[-1]
        vector: Floats = last.mean((2, 3))[0].numpy().astype(np.float16)
        return vector

    def _yaw(self, shown: Photo) -> float:
        return yaw_of(shown, self.pose.net, net_size_px=self.pose.size_px)

    def _face(self, shown: Photo) -> Floats:
        return embed(shown, self.identity.net, net_size_px=self.identity.size_px)


def kept_bytes(found: Mapping[str, Artifact]) -> int:
    """What edits need of a photo: codes, and what the inversion keeps that is no picture."""
    parts = [*found["project"].values(), *found["invert"].values()]
    return sum(
        len(encode_part(part)[1])
        for part in parts
        if not (isinstance(part, np.ndarray) and part.dtype == np.uint8)
    )


def missing(method: str, settings: Settings) -> str:
    """Why a method cannot be measured here, or ""."""
    try:
        config = Editor(settings={**ALWAYS, **settings}).config
        chosen = Zoo(config["models"])
        for stage in ("project", "invert"):
            job = job_from_config(config, stage, None, chosen)
            for role in job.step.roles(job.settings):
                if not chosen.path(role).exists():
                    return f"{chosen.path(role)} is not here"
        if method == "psp" and chosen.load("encoder").network != "psp":
            return f"{chosen.path('encoder')} is no pSp"
    except UnrippleError as error:
        return str(error)
    return ""


def set_distance(features: Mapping[int, Floats], true: Mapping[int, Floats]) -> float:
    """KID of a method's edits to the true pictures of other people's, times 1000.

    Edits of the even people with the truth of the odd ones, and the other way round: a picture is
    never compared with its own truth, so that the truth itself reads what chance leaves. Each kind
    of edit by itself: pictures of one person in a set would look like each other.

    Args:
        features, true: photo -> [4, E].

    Returns:
        nan for too few people.
    """
    shared = sorted(set(features) & set(true))
    if len(shared) < FEWEST_FOR_KID:
        return math.nan
    halves = [[i for i in shared if i % 2 == side] for side in (0, 1)]
    if not all(halves):
        return math.nan
    distances = [
        kernel_distance(
            np.stack([features[i][kind] for i in own]).astype(np.float64),
            np.stack([true[i][kind] for i in others]).astype(np.float64),
        )
        for own, others in (halves, halves[::-1])
        for kind in range(len(KINDS))
    ]
    return 1000 * float(np.mean(distances))


def kept_measured(path: Path, digest: str, *, shown: bool = False) -> Measured | None:
    """What was measured of a photo, if it is here, whole, and of these settings and weights."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["digest"]) != digest:
                return None
            pictures = kept.get("pictures")
            figures = dict(zip(kept["names"].tolist(), kept["values"].tolist(), strict=True))
            found = Measured(figures, kept["features"], pictures)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return None if shown and found.pictures is None else found


def keep(path: Path, digest: str, found: Measured) -> None:
    """Keep what was measured of a photo, whole or not at all."""
    arrays: dict[str, Any] = {
        "digest": np.array(digest),
        "names": np.array(list(found.figures)),
        "values": np.array(list(found.figures.values()), np.float64),
        "features": found.features,
    }
    if found.pictures is not None:
        arrays["pictures"] = found.pictures
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(path, content.getvalue())
