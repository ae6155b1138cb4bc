"""Digests of what decides a job's bytes beside its settings: weights and directions."""

from __future__ import annotations

from unripple.io.digest import array_sha256, noted_sha256, value_sha256
from unripple.zoo.directions import Direction
from unripple.zoo.zoo import Zoo


def direction_sha256(direction: Direction) -> str:
    """SHA-256 of what decides where a direction leads."""
    vector, *rest = direction.identity()
    digest = array_sha256(vector)
    if not rest:
        return digest
    mean, *numbers = rest
    return value_sha256([digest, array_sha256(mean), *numbers])


def role_sha256(zoo: Zoo, role: str) -> str:
    """SHA-256 over the weights files of a role.

    Raises:
        BadCheckpoint: a file is missing or damaged at first sight.
    """
    files = zoo.files(role)
    if len(files) == 1:
        zoo.metadata(role)  # says what is wrong with it
        return noted_sha256(files[0])
    return value_sha256([noted_sha256(path) for path in files])
