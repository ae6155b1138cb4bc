"""A person before a wall, drawn so that every figure has a known answer."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from unripple.conventions import Mask, Photo


class Scene(NamedTuple):
    photo: Photo
    plate: Photo
    counterfactual: Photo
    before: Mask
    after: Mask


def texture(size: int, seed: int, *, mean: float, spread: float = 35.0) -> np.ndarray:
    """Noise with structure of about 1 px at 128 px, float [H, W, 3] in levels."""
    noise = np.random.default_rng(seed).normal(0, 1, (size, size, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), size / 128)
    return mean + spread * soft / soft.std()


def to_bytes(levels: np.ndarray) -> Photo:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def mix(share: float, one: Photo, other: Photo) -> Photo:
    """`share` of one picture and the rest of the other."""
    return to_bytes(share * one.astype(float) + (1 - share) * other.astype(float))


def person_at(size: int, x: float) -> Mask:
    """A head and shoulders, the head at x in sides of the picture."""
    rows, columns = (np.mgrid[:size, :size] + 0.5) / size
    head = ((columns - x) / 0.2) ** 2 + ((rows - 0.45) / 0.26) ** 2 <= 1
    return head | (((columns - 0.5) / 0.36) ** 2 + ((rows - 1.0) / 0.3) ** 2 <= 1)


def scene(size: int = 128, *, before: float = 0.42, after: float = 0.58, seed: int = 0) -> Scene:
    """The head turns from `before` to `after`; its own texture moves with it."""
    old, new = person_at(size, before), person_at(size, after)
    plate = to_bytes(texture(size, seed, mean=110))
    face = texture(size, seed + 1, mean=150)
    turned = np.roll(face, round((after - before) * size), axis=1)
    return Scene(
        photo=np.where(old[..., None], to_bytes(face), plate),
        plate=plate,
        counterfactual=np.where(new[..., None], to_bytes(turned), plate),
        before=old,
        after=new,
    )
