"""align: crops and faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.conventions import BadPhoto, NoFace, Photo, SeveralFaces, ShapeMismatch
from unripple.ops.faces import DetectedFace, face_unit
from unripple.ops.geometry import FFHQ, Framing, apply
from unripple.stages import align as stage
from unripple.stages import face_search

FACE = np.array([[40, 50], [60, 50], [50, 60], [43, 72], [57, 72]], np.float32)


def noise(high: int, wide: int) -> Photo:
    return np.random.default_rng(0).integers(0, 256, (high, wide, 3), dtype=np.uint8)


def test_an_upright_crop_is_cut_and_shrunk() -> None:
    photo = noise(120, 130)
    aligned = stage.align(photo, FACE, size_px=40)
    # The frontal FFHQ quad of this face is 80 px wide from (10, 12.2).
    assert aligned.transform == pytest.approx(np.array([[2, 0, 10], [0, 2, 12.2]]))
    assert aligned.picture.shape == (40, 40, 3) and aligned.picture.dtype == np.uint8
    assert aligned.landmarks is not FACE and np.array_equal(aligned.landmarks, FACE)
    assert apply(aligned.transform, np.array([0.0, 0.0])) == pytest.approx([10, 12.2])


def test_a_framing_reaches_the_crop() -> None:
    wide = stage.align(noise(120, 130), FACE, size_px=40, framing=Framing(scale=1.5))
    assert wide.transform[0, 0] == pytest.approx(3)


def test_landmarks_must_be_five() -> None:
    with pytest.raises(ShapeMismatch, match="five"):
        stage.align(noise(9, 9), FACE[:4], size_px=8)


def test_an_aligned_photo_of_the_right_size_keeps_every_byte() -> None:
    photo = noise(64, 64)
    aligned = stage.already_aligned(photo, size_px=64)
    assert np.array_equal(aligned.picture, photo)
    assert np.array_equal(aligned.transform, np.eye(2, 3))
    assert np.isnan(aligned.landmarks).all()


def test_a_larger_aligned_photo_is_averaged() -> None:
    photo = np.repeat(np.repeat(noise(16, 16), 4, 0), 4, 1)
    aligned = stage.already_aligned(photo, size_px=16, landmarks=FACE)
    assert aligned.transform == pytest.approx(np.array([[4, 0, 0], [0, 4, 0]]))
    assert aligned.picture.shape == (16, 16, 3)
    assert aligned.picture.mean() == pytest.approx(photo.mean(), abs=1)
    assert np.array_equal(aligned.landmarks, FACE)


def test_an_oblong_photo_is_not_aligned() -> None:
    with pytest.raises(BadPhoto, match="12 x 10"):
        stage.already_aligned(noise(10, 12), size_px=8)


class CornerNet(torch.nn.Module):
    """Puts the landmarks at fixed places, shifted by the mean brightness."""

    def forward(self, picture: Tensor) -> Tensor:
        base = torch.tensor(FACE) / 100
        return base[None] + picture.mean((1, 2, 3)).view(-1, 1, 1)


def test_a_reader_gives_pixels_and_keeps_the_order_over_chunks() -> None:
    levels = np.arange(face_search.CHUNK + 5, dtype=np.uint8)
    crops = np.broadcast_to(levels[:, None, None, None], (len(levels), 8, 8, 3))
    read = face_search.reader_of(CornerNet())(crops.copy())
    expected = (FACE / 100)[None] + (levels / 127.5 - 1)[:, None, None]
    assert read == pytest.approx(expected * 8, abs=1e-5)


def test_a_network_that_sees_no_face_finds_none() -> None:
    """CornerNet gives the same place in every crop: a guess, not a face."""
    grey = np.full((90, 90, 3), 128, np.uint8)
    assert stage.faces_by_network(grey, CornerNet(), net_size_px=32) == []


def test_a_photo_is_searched_once_by_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[float] = []

    def find_faces(photo: Photo, *_: Any, **__: Any) -> list[DetectedFace]:
        searched.append(photo.mean())
        return [DetectedFace(FACE.astype(np.float32), 0.0)]

    monkeypatch.setattr(face_search, "find_faces", find_faces)
    net, grey = CornerNet(), np.full((90, 90, 3), 128, np.uint8)
    (first,) = face_search.faces_by_network(grey, net, net_size_px=32)
    first += 1  # what one does with it is not the other's
    (again,) = face_search.faces_by_network(grey.copy(), net, net_size_px=32)
    assert again == pytest.approx(FACE)
    face_search.faces_by_network(grey + 1, net, net_size_px=32)
    face_search.faces_by_network(grey + 1, CornerNet(), net_size_px=32)
    assert searched == [128, 129, 129]


class Detector:
    """Answers as facenet-pytorch's MTCNN does."""

    def __init__(self, *confidences: float) -> None:
        self.confidences = confidences

    def detect(self, photo: Photo, landmarks: bool):
        assert landmarks
        if not self.confidences:
            return None, [None], None
        points = np.stack([FACE + number for number in range(len(self.confidences))])
        return points[:, :4, 0], np.array(self.confidences), points


def test_mtcnn_finds_are_sorted_and_sifted() -> None:
    photo = noise(40, 40)
    assert stage.faces_by_mtcnn(photo, Detector()) == []
    found = stage.faces_by_mtcnn(photo, Detector(0.95, 0.5, 0.99))
    assert [face[0, 0] for face in found] == [42, 40]


def test_policies_on_several_faces() -> None:
    small, large = FACE, FACE * 2
    assert stage.choose_faces([small], "refuse") == [small]
    with pytest.raises(SeveralFaces, match="2 faces"):
        stage.choose_faces([small, large], "refuse")
    assert stage.choose_faces([small, large], "largest")[0] is large
    assert [face is large for face in stage.choose_faces([small, large], "all")] == [True, False]
    for policy in ("refuse", "largest", "all"):
        with pytest.raises(NoFace, match="no face"):
            stage.choose_faces([], policy)


def test_a_refusal_names_the_setting_that_would_change_it() -> None:
    with pytest.raises(SeveralFaces, match=r"--set align\.faces=largest.*--set align\.faces=all"):
        stage.choose_faces([FACE, FACE * 2], "refuse")
    for mode, other in (("embedded", "mtcnn"), ("mtcnn", "embedded")):
        with pytest.raises(NoFace, match=rf"--set align\.mode={other}.*--set align\.mode=file"):
            stage.choose_faces([], "refuse", mode=mode)
    with pytest.raises(BadPhoto, match=r"--set align\.mode=auto"):
        stage.already_aligned(noise(10, 12), size_px=8)


def test_default_framing_is_ffhq() -> None:
    assert Framing() == FFHQ == (2.0, 1.8, 0.1, 1.0, (0.0, 0.0), 0.0)


ASIDE = FACE + np.array((60, 5), np.float32)


class _Finds:
    """A net of MTCNN's manners that sees given faces, in pixels of what it is shown."""

    def __init__(self, *faces: np.ndarray) -> None:
        self.faces, self.shown = faces, []

    def detect(self, photo: Photo, landmarks: bool) -> tuple:
        self.shown.append(photo.shape)
        if not self.faces:
            return None, [None], None
        return None, [0.99] * len(self.faces), list(self.faces)


def test_mtcnn_looks_at_a_long_photo_shrunk() -> None:
    net = _Finds(FACE)
    (face,) = stage.faces_by_mtcnn(noise(300, 400), net, longest_px=200)
    assert net.shown == [(150, 200, 3)]
    assert face == pytest.approx(2 * FACE)
    (face,) = stage.faces_by_mtcnn(noise(150, 200), net, longest_px=200)
    assert face == pytest.approx(FACE)


class _Work:
    def __init__(self, mtcnn: _Finds) -> None:
        self.photo = type("Photo", (), {"srgb": noise(120, 160)})()
        landmarks = type("Model", (), {"net": None, "size_px": 64, "metadata": {}})()
        self._nets = {"mtcnn": type("Model", (), {"net": mtcnn})(), "landmarks": landmarks}

    def load(self, role: str) -> object:
        return self._nets[role]


@pytest.mark.parametrize(
    ("ours", "theirs", "mode"),
    [
        ([FACE], [FACE + 1], "embedded"),
        ([FACE], [], "embedded"),
        ([FACE], [ASIDE], "mtcnn"),
        ([], [FACE], "mtcnn"),
        ([FACE], [FACE, ASIDE], "mtcnn"),
        ([FACE, ASIDE], [FACE], "mtcnn"),
        ([FACE], [FACE, FACE * 0.3], "embedded"),
    ],
)
def test_each_photo_decides_who_finds_its_faces(
    monkeypatch: pytest.MonkeyPatch, ours: list, theirs: list, mode: str
) -> None:
    monkeypatch.setattr(stage, "faces_by_network", lambda *_, **__: ours)
    settled = stage.settle(_Work(_Finds(*theirs)), stage.AlignSettings(mode="embedded"))
    assert settled.get("mode", "embedded") == mode


def test_where_nobody_finds_a_face_the_refusal_names_the_switches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stage, "faces_by_network", lambda *_, **__: [])
    with pytest.raises(NoFace, match=r"neither by .* nor by MTCNN; .*align\.mode=aligned"):
        stage.settle(_Work(_Finds()), stage.AlignSettings(mode="embedded"))


def test_a_face_that_the_embedded_network_does_not_see_is_not_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_near = []

    def looks(*_: object, starts: list | None, **__: object) -> list:
        looked_near.append(np.array(starts).tolist())
        return []

    monkeypatch.setattr(stage, "faces_by_network", looks)
    settled = stage.settle(_Work(_Finds(FACE, FACE * 2)), stage.AlignSettings(mode="embedded"))
    assert settled == {"mode": "mtcnn", "longest_px": stage.LONGEST_PX}
    assert looked_near == [(FACE * 2)[None].tolist()]  # the largest alone


def test_the_embedded_network_looks_where_mtcnn_found_the_faces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    near = FACE + np.float32(0.123)
    monkeypatch.setattr(stage, "faces_by_network", lambda *_, starts, **__: list(np.array(starts)))
    settled = stage.settle(_Work(_Finds(near)), stage.AlignSettings(mode="embedded"))
    assert np.array(settled["starts"]) == pytest.approx(near[None], abs=0.005)


def test_large_faces_are_looked_for_first() -> None:
    class Finds(_Finds):
        def detect(self, photo: Photo, landmarks: bool, least_px: float = 0.0) -> tuple:
            self.least.append(round(least_px))
            seen = [face for face in self.all if 2 * float(face_unit(face)) >= least_px]
            return None, [0.99] * len(seen), seen if seen else None

    for times, least in ((6, [100]), (3, [100, 50]), (0.7, [100, 50, 0])):
        net = Finds()
        net.all, net.least = [FACE * times, FACE * times / 2], []
        found = stage.main_faces_by_mtcnn(noise(600, 900), net, longest_px=1600)
        assert net.least == least
        assert found[0] == pytest.approx(FACE * times)
    net.least = []
    stage.main_faces_by_mtcnn(noise(600, 900), net, longest_px=450)
    assert net.least[0] == 50  # of what it looks at


def test_a_camera_s_photo_is_mtcnn_s_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "LONGEST_PX", 100)
    monkeypatch.setattr(stage, "faces_by_network", None)
    settled = stage.settle(_Work(_Finds(FACE)), stage.AlignSettings(mode="embedded"))
    assert settled == {"mode": "mtcnn", "longest_px": 100}
