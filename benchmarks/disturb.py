"""What other editors do to a photograph beside the edit: drift, resampling, blur, casts, leftovers.

Each disturbance is a function of a picture and a random generator; what it did to geometry and
colour is known exactly, so that whoever undoes it can be judged against the truth.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from unripple.conventions import Floats, Mask, Photo


class Disturbed(NamedTuple):
    """A disturbed picture and how it came about.

    Attributes:
        picture: uint8 [h, w, 3].
        places: from pixels of the photograph to pixels of `picture`, float64 [3, 3], homogeneous.
        background: the plate was replaced by an invented or blurred one.
        words: what was done, in words.
    """

    picture: Photo
    places: Floats
    background: bool
    words: str


def _about_centre(width: int, height: int, rng: np.random.Generator) -> Floats:
    """Zoom of .2 to 3%, up to 8 px of shift per 1,024, up to one degree."""
    zoom = 1 + rng.uniform(0.002, 0.03) * rng.choice((-1, 1))
    angle = np.deg2rad(rng.uniform(-1, 1))
    shift = rng.uniform(-8, 8, 2) * max(width, height) / 1024
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    centre = np.array((width, height)) / 2
    linear = np.array(((cos, -sin), (sin, cos)))
    places = np.eye(3)
    places[:2, :2] = linear
    places[:2, 2] = centre + shift - linear @ centre
    return places


def warp(picture: Photo, places: Floats, width: int, height: int) -> Photo:
    """Draw a picture so that its pixel p lands on `places` p; the border is mirrored."""
    to_index = np.array(((1, 0, -0.5), (0, 1, -0.5), (0, 0, 1.0)))
    matrix = to_index @ places @ np.linalg.inv(to_index)
    drawn: Photo = cv2.warpPerspective(
        picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return drawn


def _resized(picture: Photo, width: int, height: int) -> Photo:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def recompressed(picture: Photo, codec: str, quality: int) -> Photo:
    """Through JPEG or WebP."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, codec, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def autoencoded(picture: Photo, rng: np.random.Generator) -> Photo:
    """What an autoencoder of factor 8 leaves: no finest detail, and a little noise of its own."""
    sigma = rng.uniform(0.6, 1.2)
    soft = cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.float32)
    noise = cv2.GaussianBlur(rng.normal(0, 3, picture.shape).astype(np.float32), (0, 0), 1.0)
    return np.rint(np.clip(soft + noise, 0, 255)).astype(np.uint8)


def toned(picture: Photo, rng: np.random.Generator) -> Photo:
    """A cast, a gain and a gamma."""
    gain = rng.uniform(0.94, 1.06, 3)
    gamma = rng.uniform(0.88, 1.14)
    bias = rng.uniform(-5, 5, 3)
    levels = 255 * (picture / 255.0) ** gamma * gain + bias
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


def disturb(
    edited: Photo, person: Mask | None, rng: np.random.Generator, *, old: Photo | None = None
) -> Disturbed:
    """Do to an edited picture what editors do.

    Args:
        edited: uint8 [H, W, 3], in register with its photograph.
        person: where the background may not be replaced; None keeps the background.
        rng: decides what is done.
        old: the photograph, of which an outline is blended in now and then.
    """
    height, width = edited.shape[:2]
    picture, words = edited, []
    if old is not None and rng.random() < 0.3:
        share = rng.uniform(0.1, 0.3)
        picture = np.rint(picture * (1 - share) + old * share).astype(np.uint8)
        words.append(f"old outline {share:.2f}")
    background = person is not None and rng.random() < 0.35
    if background:
        assert person is not None
        weight = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.0)[..., None]
        sigma = rng.uniform(1.5, 6) * max(width, height) / 512
        soft = cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.float32)
        picture = np.rint(weight * picture + (1 - weight) * soft).astype(np.uint8)
        words.append(f"background blurred {sigma:.1f}")
    places = _about_centre(width, height, rng)
    picture = warp(picture, places, width, height)
    out_width, out_height = (max(32, round(side / 32) * 32) for side in (width, height))
    if rng.random() < 0.5:
        scale = rng.uniform(0.8, 1.25)
        out_width, out_height = (max(32, round(side * scale / 32) * 32) for side in (width, height))
    picture = _resized(picture, out_width, out_height)
    places = np.diag((out_width / width, out_height / height, 1.0)) @ places
    if rng.random() < 0.5:  # and back, to the size of the photograph
        picture = _resized(picture, width, height)
        places = np.diag((width / out_width, height / out_height, 1.0)) @ places
    picture = autoencoded(picture, rng)
    picture = toned(picture, rng)
    if rng.random() < 0.3:
        text = cv2.putText(
            picture.copy(), "made by", (4, picture.shape[0] - 6), 0, 0.5, (255, 255, 255), 1
        )
        picture = text
        words.append("watermark")
    codec, quality = rng.choice(("JPEG", "WEBP")), int(rng.integers(75, 96))
    picture = recompressed(picture, str(codec), quality)
    words.append(f"{codec} {quality}, {picture.shape[1]}x{picture.shape[0]}")
    return Disturbed(picture, places, background, ", ".join(words))
