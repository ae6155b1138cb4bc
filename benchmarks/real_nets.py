"""The embedded nets on real photographs, judged by nets that know such photographs.

    python -m benchmarks.real_nets FOLDER [--net pose=FILE ...] [--out FILE]

FOLDER holds photographs of one face each, as `benchmarks.real` leaves them in OUT. Every face is
cut out where MTCNN finds it, as edits of photographs do, and shown to the landmark, pose, depth and
attribute nets; the inpainter paints over everybody, and is judged in a ring around them, where the
photo shows what was there. Judges (`unripple models fetch packaged`): MediaPipe's face mesh for
landmarks, angles, open mouths and eyes, its segmenter of selfies for the person. Signs that anybody
sees, such as glasses, are listed below by photo. `--net` puts other weights in the place of a
role's, which are float16 as in an export; a run's folder gives its average.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from unripple.conventions import Floats, Mask, NoFace, Photo
from unripple.metrics.fidelity import psnr
from unripple.metrics.regions import MIN_PIXELS, fine, rms
from unripple.models.landmarks import soft_argmax
from unripple.ops.clusters import nearer_cluster
from unripple.ops.geometry import apply, inverse
from unripple.ops.masks import grow
from unripple.ops.mesh import FaceAngles, face_angles, mesh_of
from unripple.ops.tensors import resized, to_tensor
from unripple.runtime.editor import Editor
from unripple.stages.align import Aligned
from unripple.stages.depth import depth
from unripple.stages.inpaint import lama_fill
from unripple.stages.parse import person_share
from unripple.training import start
from unripple.training.identity import area_under_curve
from unripple.training.latent_directions import factor_names
from unripple.zoo.zoo import Zoo

ROLES = ("landmarks", "pose", "depth", "attributes", "inpainter")
_NEAR_PX, _FAR_PX = 2.0, 8.0
"""The ring around a person in which paintings are judged, px from the outline."""
_EYES, _NOSE_TIP, _MOUTH = ((33, 133), (362, 263)), 1, (61, 291)
"""Points of the mesh: corners of the picture-left and picture-right eye, nose, mouth corners."""
_LIPS, _LIDS = ((13, 14),), ((159, 145), (386, 374))

SIGNS: Mapping[str, frozenset[str]] = {
    "glasses": frozenset({"multi_face-1", "grace_hopper", "test"}),
    "bald": frozenset({"zidane-1", "test", "test2"}),
    "hat": frozenset({"grace_hopper"}),
    "grey": frozenset({"grace_hopper", "biden", "zidane-2", "test2"}),
    "hair_length": frozenset(
        {"0-f15-hao-ph", "multi_face-2", "multi_face-4", "multi_face-5", "t1-1", "t1-6"}
    ),
    "smile": frozenset(
        {"0-f15-hao-ph", "multi_face-1", "multi_face-2", "multi_face-4", "multi_face-5"}
        | {"obama", "single_face", "t1-3", "t1-4", "t1-6", "astronaut"}
    ),
    "masculinity": frozenset(
        {"45-m7-di-ph", "Tom_Hanks_54745", "biden", "multi_face-1", "multi_face-3", "obama"}
        | {"obama2", "obama3", "single_face", "t1-3", "t1-4", "t1-5", "test", "test2"}
        | {"zidane-1", "zidane-2"}
    ),
    "age": frozenset({"biden", "grace_hopper", "test", "test2", "zidane-2"}),
}
"""Factor -> the photographs of those who show much of it, as one sees."""


class Face(NamedTuple):
    """A face that was cut out of a photograph, and what the judges say of it.

    Attributes:
        name: of the photograph.
        crop: uint8 [S, S, 3].
        points: five landmarks by the mesh, shares of the side, [5, 2].
        angles: by the mesh.
        mouth, lids: how far mouth and eyes are open by it, in distances between the eyes.
        person: by the segmenter, bool [S, S].
    """

    name: str
    crop: Photo
    points: Floats
    angles: FaceAngles
    mouth: float
    lids: float
    person: Mask


def five_points(mesh: Floats) -> Floats:
    """Eyes, nose tip and mouth corners of a mesh [468, 3], as [5, 2]."""
    eyes = [mesh[list(corners), :2].mean(0) for corners in _EYES]
    return np.stack([*eyes, mesh[_NOSE_TIP, :2], *(mesh[point, :2] for point in _MOUTH)])


def _gap(mesh: Floats, pairs: Sequence[tuple[int, int]]) -> float:
    gaps = [np.linalg.norm(mesh[one, :2] - mesh[other, :2]) for one, other in pairs]
    left, right = five_points(mesh)[:2]
    return float(np.mean(gaps) / np.linalg.norm(right - left))


def judged(name: str, photo: Photo, editor: Editor, zoo: Zoo) -> Face:
    """Cut a face out and ask the judges.

    Raises:
        NoFace: MTCNN sees none.
    """
    made: Any = editor.run(editor.open(photo), "align")["align"]
    aligned = Aligned(**made)
    judge, segmenter = zoo.load("mesh_judge"), zoo.load("person")
    mesh = mesh_of(photo, judge.net, aligned.landmarks, size_px=judge.size_px)
    upright = inverse(aligned.transform)
    scale = float(np.hypot(upright[0, 0], upright[1, 0]))
    mesh = np.column_stack((apply(upright, mesh[:, :2]), mesh[:, 2] * scale))
    share = person_share(aligned.picture, segmenter.net, net_size_px=segmenter.size_px)
    return Face(
        name,
        aligned.picture,
        five_points(mesh) / aligned.picture.shape[0],
        face_angles(mesh),
        _gap(mesh, _LIPS),
        _gap(mesh, _LIDS),
        share > 0.5,
    )


def by_landmarks(faces: Sequence[Face], model: Any) -> dict[str, float]:
    """Errors over the distance of the eyes."""
    looked = torch.cat([to_tensor(resized(face.crop, model.size_px)) for face in faces])
    with torch.inference_mode():
        points = soft_argmax(model.net.heatmaps(looked)).numpy()
    true = np.stack([face.points for face in faces])
    eyes = np.linalg.norm(true[:, 1] - true[:, 0], axis=1)
    errors = np.linalg.norm(points - true, axis=2).mean(1) / eyes
    worst = np.percentile(errors, 90)
    return {"nme_median": float(np.median(errors)), "nme_90%": float(worst)}


def by_pose(faces: Sequence[Face], model: Any) -> dict[str, float]:
    """Degrees by which the angles differ; of pitch, beyond a difference that all faces share."""
    looked = torch.cat([to_tensor(resized(face.crop, model.size_px)) for face in faces])
    with torch.inference_mode():
        seen = model.net(looked).numpy()
    true = np.array([face.angles for face in faces])
    true[:, 2] *= -1  # the net counts a roll counter-clockwise
    off = seen - true
    off[:, 1] -= np.median(off[:, 1])
    figures = {}
    for column, name in enumerate(("yaw", "pitch", "roll")):
        sizes = np.abs(off[:, column])
        figures |= {f"{name}_median": float(np.median(sizes)), f"{name}_mean": float(sizes.mean())}
        figures[f"{name}_r"] = float(np.corrcoef(seen[:, column], true[:, column])[0, 1])
    return figures


def by_depth(faces: Sequence[Face], model: Any) -> dict[str, float]:
    """How well the foreground that follows from depth, and depth alone, tell the person."""
    ious, areas = [], []
    for face in faces:
        near = depth(face.crop, model.net, net_size_px=model.size_px)
        mask = nearer_cluster(near)
        ious.append((mask & face.person).sum() / max((mask | face.person).sum(), 1))
        values = torch.from_numpy(near)
        person = torch.from_numpy(face.person)
        areas.append(area_under_curve(values[person], values[~person]))
    return {
        "foreground_iou_mean": float(np.mean(ious)),
        "foreground_iou_median": float(np.median(ious)),
        "person_auc_mean": float(np.mean(areas)),
    }


def by_attributes(faces: Sequence[Face], model: Any, names: Sequence[str]) -> dict[str, float]:
    """Area under the curve of signs that are known, correlation with what the mesh reads."""
    looked = torch.cat([to_tensor(resized(face.crop, model.size_px)) for face in faces])
    with torch.inference_mode():
        scores = dict(zip(names, model.net.scores(looked).T.double(), strict=True))
    figures = {}
    for sign, who in SIGNS.items():
        shows = torch.tensor([face.name in who for face in faces])
        figures[f"{sign}_auc"] = area_under_curve(scores[sign][shows], scores[sign][~shows])
    areas = list(figures.values())
    read = {
        "yaw": [face.angles.yaw_deg for face in faces],
        "pitch": [face.angles.pitch_deg for face in faces],
        "mouth_open": [face.mouth for face in faces],
        "eye_open": [face.lids for face in faces],
    }
    for name, values in read.items():
        figures[f"{name}_r"] = float(np.corrcoef(scores[name].numpy(), values)[0, 1])
    means = {
        "mean_auc": float(np.mean(areas)),
        "mean_r": float(np.mean([figures[f"{name}_r"] for name in read])),
    }
    return means | figures


def by_painting(faces: Sequence[Face], model: Any) -> dict[str, float]:
    """PSNR and texture energy of what is painted around people; also where all is plain."""
    fill = lama_fill(model.net, corrects=bool(model.metadata.get("corrects", False)))
    rows = []
    for face in faces:
        hole = grow(face.person, _FAR_PX)
        ring = hole & ~grow(face.person, _NEAR_PX)
        if ring.sum() < MIN_PIXELS or hole.all():
            continue
        painted = fill(face.crop, hole)
        true, made = rms(fine(face.crop)[ring]), rms(fine(painted)[ring])
        rows.append((psnr(painted, face.crop, ring), made / max(true, 1e-6), true))
    scores = np.array(rows)
    plain = scores[:, 2] <= np.median(scores[:, 2])
    kinds = {"": np.ones_like(plain), "plain_": plain}
    return {
        f"{kind}{name}": float(np.median(scores[chosen, column]))
        for kind, chosen in kinds.items()
        for column, name in enumerate(("psnr", "energy"))
    }


def with_weights(zoo: Zoo, role: str, path: Path | None) -> Any:
    """The net of a role, with other weights if there are some."""
    model: Any = zoo.load(role)
    if path is not None:
        state = {
            key: value.half().to(value.dtype) if value.is_floating_point() else value
            for key, value in start.averaged(path, role).items()
        }
        model.net.load_state_dict(state)
    return model


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--net", action="append", default=[], metavar="ROLE=FILE")
    parser.add_argument("--out", type=Path, help="figures as JSON")
    options = parser.parse_args(arguments)
    other = {role: Path(path) for role, _, path in (one.partition("=") for one in options.net)}
    zoo = Zoo()
    editor = Editor(settings={"align": {"mode": "mtcnn", "faces": "largest"}}, zoo=zoo)
    faces = []
    for path in sorted(options.photos.glob("*.png")):
        with Image.open(path) as opened:
            photo = np.array(opened.convert("RGB"))
        try:
            faces.append(judged(path.stem, photo, editor, zoo))
        except NoFace as error:
            sys.stderr.write(f"{path.stem}: {error}\n")
    figures: dict[str, dict[str, float]] = {}
    for role in ROLES:
        model = with_weights(zoo, role, other.get(role))
        if role == "attributes":
            figures[role] = by_attributes(faces, model, factor_names(zoo))
        else:
            ask = {
                **{"landmarks": by_landmarks, "pose": by_pose, "depth": by_depth},
                "inpainter": by_painting,
            }[role]
            figures[role] = ask(faces, model)
    sys.stdout.write(f"{len(faces)} photographs\n")
    for role, listed in figures.items():
        for name, value in listed.items():
            sys.stdout.write(f"{role} {name} {value:.4f}\n")
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
