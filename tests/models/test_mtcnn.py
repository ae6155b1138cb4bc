"""MTCNN finds what facenet-pytorch finds, to the last bit, and nothing where that fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from unripple.conventions import Photo
from unripple.io.photo import read_photo
from unripple.models.mtcnn import MTCNN, NO_FACES, Faces
from unripple.zoo.zoo import Zoo


@pytest.fixture(scope="module")
def ours() -> MTCNN:
    net = Zoo().load("mtcnn").net
    assert isinstance(net, MTCNN)
    return net


@pytest.fixture(scope="module")
def theirs() -> torch.nn.Module:
    facenet = pytest.importorskip("facenet_pytorch")
    net: torch.nn.Module = facenet.MTCNN(keep_all=True)
    return net


def as_theirs(net: torch.nn.Module, photo: Photo) -> Faces:
    boxes, confidences, landmarks = net.detect(photo, landmarks=True)
    if boxes is None:
        return NO_FACES
    return Faces(*(np.asarray(part, np.float32) for part in (boxes, confidences, landmarks)))


def crowd() -> Photo:
    """Four faces of two sizes, one of them cut by the border."""
    face = data.astronaut()[:256, 96:352]
    picture = np.full((420, 700, 3), 90, np.uint8)
    picture[:256, :256] = face
    picture[100:356, 300:556] = face[:, ::-1]
    picture[10:138, 560:688] = face[::2, ::2]
    picture[260:, 120:248] = face[:160:1, 64:192]
    return picture


def test_the_weights_are_those_of_facenet_pytorch(ours: MTCNN, theirs: torch.nn.Module) -> None:
    wanted, found = theirs.state_dict(), ours.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize(
    "name", ["portrait-01.png", "portrait-05.png", "scene-01.jpg", "scene-02.jpg", "scene-04.jpg"]
)
def test_samples_are_seen_as_facenet_pytorch_sees_them(
    ours: MTCNN, theirs: torch.nn.Module, repo: Path, name: str
) -> None:
    photo = read_photo(repo / "data/photos" / name).srgb
    for found, wanted in zip(ours(photo), as_theirs(theirs, photo), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("photo", [data.astronaut(), crowd(), data.coffee()[:200:2, :300:2]])
def test_photographs_are_seen_as_facenet_pytorch_sees_them(
    ours: MTCNN, theirs: torch.nn.Module, photo: Photo
) -> None:
    for found, wanted in zip(ours(photo), as_theirs(theirs, photo), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_detect_answers_in_their_form(ours: MTCNN) -> None:
    boxes, confidences, landmarks = ours.detect(data.astronaut(), landmarks=True)
    assert boxes.shape == (1, 4) and confidences.shape == (1,) and landmarks.shape == (1, 5, 2)
    assert len(ours.detect(data.astronaut())) == 2
    blank = np.zeros((64, 64, 3), np.uint8)
    assert ours.detect(blank, landmarks=True) == (None, [None], None)
    assert ours.detect(blank) == (None, [None])


@pytest.mark.parametrize("sides", [(1, 1), (19, 400), (20, 20), (12, 12), (21, 3000)])
def test_small_and_thin_pictures_have_no_face(ours: MTCNN, sides: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*sides, 3), np.uint8)
    assert not len(ours(noise).boxes)


def test_the_largest_face_comes_first(ours: MTCNN) -> None:
    boxes = ours(crowd()).boxes
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert len(boxes) >= 3
    assert (np.diff(areas) <= 0).all()
