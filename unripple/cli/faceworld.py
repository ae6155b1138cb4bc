"""`unripple faceworld`: render sample photos whose edits have a known truth.

People are drawn from seeds that no training uses (trainings count up from 0), so the samples are
held-out identities.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.cli import options as shared
from unripple.conventions import Photo, UnrippleError

if TYPE_CHECKING:
    import torch

    from unripple.faceworld import RenderedFaces, View

HELP = "render sample photos and the truth of their edits"
FIRST_SAMPLE_SEED = 700_000_000
YAW_DEG_PER_DEGREE = 20 / 3
"""What one degree of the embedded direction `pose` turns a head."""
FACTOR_PER_DEGREE = 1 / 3
"""What one degree of any other embedded direction adds to its factor."""

TRUE_EDITS: dict[str, dict[str, float]] = {
    "look_left": {"pose": -3.0},
    "look_right": {"pose": 3.0},
    "short_hair": {"hair_length": -2.5},
}
"""The edits of the default config, whose truth is rendered beside each photo."""


class Scene(NamedTuple):
    """A photo that is wider than a portrait; the face is off-centre and tilted.

    Attributes:
        width, height: px, multiples of 8.
        face_px: side of the portrait window within it.
        at: where the portrait's middle lies, as shares of width and height.
        tilt_deg: roll of the camera, degrees.
    """

    width: int
    height: int
    face_px: int
    at: tuple[float, float]
    tilt_deg: float


SCENES = (
    Scene(640, 480, 330, (0.36, 0.47), 6.0),
    Scene(640, 480, 290, (0.66, 0.50), -9.0),
    Scene(896, 1200, 520, (0.45, 0.40), -5.0),
    Scene(896, 1200, 460, (0.58, 0.46), 8.0),
)


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("faceworld", help=HELP, description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="photos")
    photos = actions.add_parser("photos", help=HELP, description=__doc__)
    photos.add_argument("--out", type=Path, default=Path("data/photos"), help="folder to fill")
    shared.add_knob(photos, "--portraits", "faceworld.portraits", "how many aligned portraits")
    shared.add_knob(photos, "--scenes", "faceworld.scenes", "how many wider, unaligned scenes")
    shared.add_knob(photos, "--size", "faceworld.size_px", "side of a portrait, px")
    shared.add_knob(photos, "--seed", "faceworld.seed", "another seed gives other people")
    photos.add_argument(
        "--overwrite", action="store_true", help="replace other photos of the samples' names"
    )
    photos.add_argument(
        "--compiled", action="store_true", help="faster for many photos; needs a C compiler"
    )
    photos.set_defaults(run=_render_photos)


def _render_photos(chosen: argparse.Namespace) -> int:
    """One photo after the other; each is complete before the next begins."""
    from unripple.faceworld import portrait

    people = _people(chosen.seed, chosen.portraits + chosen.scenes)
    seeds = iter(range(FIRST_SAMPLE_SEED + 1000 * chosen.seed, FIRST_SAMPLE_SEED * 2))
    for i in range(chosen.portraits):
        name = f"portrait-{i + 1:02d}.png"
        _write(chosen, name, next(people), next(seeds), portrait(chosen.size))
    for i in range(chosen.scenes):
        view = scene_view(SCENES[i % len(SCENES)])
        _write(chosen, f"scene-{i + 1:02d}.jpg", next(people), next(seeds), view)
    return 0


def scene_view(scene: Scene) -> View:
    """The window of the world that a scene shows."""
    import math

    from unripple.faceworld import View
    from unripple.faceworld.camera import PORTRAIT_HALF

    units_per_px = 2 * PORTRAIT_HALF / scene.face_px
    # The portrait's middle is the optical axis; the window moves the other way, in tilted axes.
    dx = (0.5 - scene.at[0]) * scene.width * units_per_px
    dy = -(0.5 - scene.at[1]) * scene.height * units_per_px
    tilt = math.radians(scene.tilt_deg)
    return View(
        scene.width,
        scene.height,
        centre_x=dx * math.cos(tilt) - dy * math.sin(tilt),
        centre_y=dx * math.sin(tilt) + dy * math.cos(tilt),
        units_per_px=units_per_px,
        tilt_deg=scene.tilt_deg,
    )


def _people(seed: int, count: int) -> Iterator[torch.Tensor]:
    """Varied people who look more or less at the camera, so that every edit stays in range."""
    from unripple.faceworld import INDEX, PITCH_MAX_DEG, YAW_MAX_DEG, sample_factors

    factors = sample_factors(50 * count + 200, seed=FIRST_SAMPLE_SEED + seed)
    yaw = factors[:, INDEX["yaw"]].abs() * YAW_MAX_DEG
    pitch = factors[:, INDEX["pitch"]].abs() * PITCH_MAX_DEG
    frontal = (yaw < 14) & (pitch < 7) & (factors[:, INDEX["smile"]] < 0.34)
    kept = factors[frontal]
    # Every kind of background comes up in turn.
    by_plate = [kept[kept[:, INDEX["plate_kind"]] == kind] for kind in range(7)]
    for i in range(count):
        rows = by_plate[i % 7]
        yield rows[(i // 7) % len(rows)][None]


def _write(
    chosen: argparse.Namespace, name: str, factors: torch.Tensor, seed: int, view: View
) -> None:
    import torch

    from unripple.atomic import write_bytes
    from unripple.faceworld import caption, render, with_factors
    from unripple.io.sheet import photo_id

    seeds = torch.tensor([seed])
    faces = render(factors, seeds, view=view, compiled=chosen.compiled)
    scene = name.endswith(".jpg")
    truth = chosen.out / "truth" / photo_id(name, ())
    ending = "jpg" if scene else "png"
    photo = _encode(_picture(faces), ending)
    _check_free(chosen.out / name, photo, overwrite=chosen.overwrite)
    truths: dict[str, Any] = {
        "caption": caption(factors[0]),
        "seed": seed,
        "factors": [round(value, 6) for value in factors[0].tolist()],
        "yaw_deg": float(faces.pose_deg[0, 0]),
        "pitch_deg": float(faces.pose_deg[0, 1]),
        "roll_deg": float(faces.pose_deg[0, 2]),
        "landmarks": faces.landmarks[0].tolist(),
        "edits": {},
    }
    for edit, moves in TRUE_EDITS.items():
        changed = with_factors(factors, **_true_factors(factors, moves))
        after = render(changed, seeds, view=view, compiled=chosen.compiled, plates=faces.plate)
        truths["edits"][edit] = {"yaw_deg": float(after.pose_deg[0, 0]), "moves": moves}
        write_bytes(truth / edit / f"photo.{ending}", _encode(_picture(after), ending))
        write_bytes(truth / edit / "alpha.png", _encode(after.alpha[0].numpy(), "png"))
    plate = faces.plate[0].permute(1, 2, 0).numpy()
    write_bytes(truth / f"plate.{ending}", _encode(plate, ending))
    write_bytes(truth / "alpha.png", _encode(faces.alpha[0].numpy(), "png"))
    write_bytes(truth / "labels.png", _encode(faces.labels[0].numpy(), "png"))
    write_bytes(truth / "meta.json", (json.dumps(truths, indent=1) + "\n").encode())
    write_bytes(chosen.out / name, photo)


def _check_free(path: Path, sample: bytes, *, overwrite: bool) -> None:
    if path.exists() and not overwrite and path.read_bytes() != sample:
        raise UnrippleError(
            f"{path}: another photo has this sample's name; choose another folder by --out, or add "
            "--overwrite to lose it"
        )


def _true_factors(factors: torch.Tensor, moves: dict[str, float]) -> dict[str, float]:
    """The factors that an edit is meant to change; all but `pose` are amounts in [0, 1]."""
    from unripple.faceworld import INDEX, YAW_MAX_DEG

    changes: dict[str, float] = {}
    for direction, degree in moves.items():
        if direction == "pose":
            yaw_deg = float(factors[0, INDEX["yaw"]]) * YAW_MAX_DEG
            changes["yaw_deg"] = yaw_deg + degree * YAW_DEG_PER_DEGREE
        else:
            moved = float(factors[0, INDEX[direction]]) + degree * FACTOR_PER_DEGREE
            changes[direction] = min(1.0, max(0.0, moved))
    return changes


def _picture(faces: RenderedFaces) -> Photo:
    return faces.photo[0].permute(1, 2, 0).contiguous().numpy()


def _encode(picture: np.ndarray[Any, Any], ending: str) -> bytes:
    """PNG, or JPEG without chroma subsampling for the large scenes."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if ending == "png":
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=93, subsampling=0)
    return buffer.getvalue()
