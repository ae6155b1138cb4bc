"""parse: labels at the picture's own size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from unripple.conventions import Face
from unripple.models.body_parts import Body
from unripple.ops.multiscale import SCALES
from unripple.stages.parse import (
    Plain,
    network_input,
    parse,
    parse_body,
    person_share,
    within_person,
)


class ColourParser(torch.nn.Module):
    """Red is hair, green is skin, blue is background; answers as BiSeNet, with side heads."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        assert picture.shape == (1, 3, self.side, self.side)
        logits = torch.full((1, 19, self.side, self.side), -100.0)
        logits[:, [Face.HAIR, Face.SKIN, Face.BACKGROUND]] = picture
        return logits, -logits, -logits


def thirds(side: int) -> tuple[np.ndarray, np.ndarray]:
    picture = np.zeros((side, side, 3), np.uint8)
    labels = np.zeros((side, side), np.uint8)
    third = side // 4
    for channel, part in enumerate((Face.HAIR, Face.SKIN, Face.BACKGROUND)):
        rows = slice(channel * third, (channel + 1) * third if channel < 2 else side)
        picture[rows, :, channel] = 255
        labels[rows] = part
    return picture, labels


@pytest.mark.parametrize("net_size", [32, 128])
def test_parts_are_labelled_at_any_network_size(net_size: int) -> None:
    picture, labels = thirds(32)
    found = parse(picture, ColourParser(net_size), net_size_px=net_size)
    assert found.dtype == np.uint8
    assert np.array_equal(found, labels)


def test_no_part_is_invented_between_two_others() -> None:
    picture, labels = thirds(128)
    found = parse(picture, ColourParser(32), net_size_px=32)
    assert set(np.unique(found)) == {Face.HAIR, Face.SKIN, Face.BACKGROUND}
    assert (found == labels).mean() > 0.98


def test_the_network_sees_imagenet_statistics() -> None:
    grey = np.array([[[124, 116, 104]]], np.uint8)  # ImageNet's mean colour
    assert network_input(grey, 1).abs().max() < 0.02
    white = network_input(np.full((1, 1, 3), 255, np.uint8), 1).ravel()
    assert white == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], rel=1e-5)


@pytest.mark.parametrize(("side", "net_size"), [(20, 64), (64, 20), (50, 50)])
def test_the_resize_is_pillows(side: int, net_size: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    size = (net_size, net_size)
    pillow = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    theirs = network_input(pillow, net_size)
    assert torch.equal(network_input(picture, net_size), theirs)


def test_where_no_detail_is_seen_the_codes_alone_are_asked() -> None:
    picture, labels = thirds(32)
    plain = np.roll(picture, 8, axis=0)
    of_codes = parse(plain, ColourParser(32), net_size_px=32)
    seen = np.ones((32, 32), np.float16)
    seen[:, :16] = 0
    found = parse(picture, ColourParser(32), net_size_px=32, plain=Plain(plain, seen))
    assert np.array_equal(found[:, 16:], labels[:, 16:])
    assert np.array_equal(found[:, :16], of_codes[:, :16])
    assert not np.array_equal(of_codes, labels)


def test_what_is_seen_may_be_told_at_another_size() -> None:
    picture, _ = thirds(64)
    plain = np.roll(picture, 16, axis=0)
    for side in (16, 64):
        seen = np.zeros((side, side), np.float16)
        seen[:, side // 2 :] = 1
        found = parse(picture, ColourParser(32), net_size_px=32, plain=Plain(plain, seen))
        for shown, columns in ((picture, np.s_[36:]), (plain, np.s_[:28])):
            wanted = parse(shown, ColourParser(32), net_size_px=32)
            assert np.array_equal(found[:, columns], wanted[:, columns])


def test_parts_fill_the_person_that_another_network_sees() -> None:
    labels = np.full((8, 8), Face.BACKGROUND, np.uint8)
    labels[2:4, 2:6] = Face.HAIR
    labels[4:6, 2:6] = Face.SKIN
    labels[7, 7] = Face.CLOTH
    share = np.zeros((8, 8), np.float32)
    share[1:7, 1:7] = 1
    found = within_person(labels, share)
    assert ((found != Face.BACKGROUND) == (share > 0.5)).all()
    assert (found[1, 1:7] == Face.HAIR).all() and (found[6, 1:7] == Face.SKIN).all()
    assert np.array_equal(found[2:6, 2:6], labels[2:6, 2:6])


def test_labels_that_agree_on_the_whole_stay_as_they_are() -> None:
    labels = np.full((20, 20), Face.BACKGROUND, np.uint8)
    labels[:, :10] = Face.HAIR
    share = np.zeros((20, 20), np.float32)
    share[:19, :10] = 1
    assert within_person(labels, share) is labels
    share[17:] = 0  # 85%
    assert within_person(labels, share) is not labels


def test_a_network_that_sees_nobody_takes_nothing_away() -> None:
    labels = np.full((6, 6), Face.SKIN, np.uint8)
    assert within_person(labels, np.zeros((6, 6), np.float32)) is labels


def test_the_person_is_seen_in_zero_to_one_at_the_networks_size() -> None:
    def net(picture: Tensor) -> list[Tensor]:
        assert picture.shape == (1, 3, 16, 16)
        assert picture.min() >= 0 and picture.max() <= 1
        return [picture[:, :1]]

    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4] = 255
    share = person_share(picture, net, net_size_px=16)
    assert share.shape == (8, 8)
    assert share[:3].min() == 1 and share[5:].max() == 0


class BodyParser(torch.nn.Module):
    """Blue comes first, as it reads BGR: blue is hair, green a left arm, red a dress."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[int] = []

    def forward(self, picture: Tensor) -> Tensor:
        assert picture.min() >= -1 and picture.max() <= 1
        self.sides.append(picture.shape[-1])
        logits = torch.full((len(picture), 20, *picture.shape[2:]), -100.0)
        logits[:, [Body.HAIR, Body.LEFT_ARM, Body.DRESS]] = picture
        return logits


def test_a_parser_of_bodies_gives_the_nearest_parts_of_a_face() -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :20, 2] = picture[:, 20:40, 0] = 255
    picture[:, 40:, 2] = 255
    parser = BodyParser()
    found = parse_body(picture, parser, net_size_px=32, scales=(1.0,))
    assert set(parser.sides) == {32}
    assert found.dtype == np.uint8 and found.shape == (48, 64)
    assert (found[:, :18] == Face.HAIR).all() and (found[:, 42:] == Face.HAIR).all()
    assert (found[:, 22:38] == Face.CLOTH).all()


def test_a_body_is_looked_at_in_six_sizes_unless_told_otherwise() -> None:
    parser = BodyParser()
    parse_body(np.zeros((32, 32, 3), np.uint8), parser, net_size_px=32)
    assert len(set(parser.sides)) == len(SCALES) == 6
