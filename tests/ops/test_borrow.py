"""Borrowed texture: offsets of patterns that repeat, and fills that go on with them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.ops import borrow

SIDE = 64


def bricks(period_down: int = 12, period_right: int = 20) -> Tensor:
    """A wall whose rows repeat with one period and whose columns repeat with another."""
    rows, columns = torch.arange(SIDE) % period_down, torch.arange(SIDE) % period_right
    joints = (rows < 2)[:, None] | (columns < 2)[None]
    rng = torch.Generator().manual_seed(0)
    tint = torch.rand(3, period_down, period_right, generator=rng) * 0.2
    wall = tint.repeat(1, SIDE // period_down + 1, SIDE // period_right + 1)[:, :SIDE, :SIDE]
    return (wall + 0.3 + 0.4 * joints).expand(1, -1, -1, -1).clone()


def middle_hole() -> Tensor:
    hole = torch.zeros(1, 1, SIDE, SIDE)
    hole[:, :, 20:52, 24:44] = 1
    return hole


def fine_part(picture: Tensor, hole: Tensor) -> Tensor:
    return (picture - picture.mean((2, 3), keepdim=True)) * (1 - hole)


def test_the_best_offsets_are_the_periods_of_the_pattern() -> None:
    picture, hole = bricks(), middle_hole()
    table = borrow.self_mismatch(fine_part(picture, hole), 1 - hole)[0]
    found = borrow.best_offsets(table)
    assert len(found) >= 4
    for offset in found[:4]:
        assert offset.down % 12 == 0
        assert offset.right % 20 == 0
        assert offset.mismatch == pytest.approx(0, abs=1e-4)


def test_a_repeating_wall_goes_on_through_the_hole() -> None:
    picture, hole = bricks(), middle_hole()
    flat = torch.lerp(picture, picture.mean((2, 3), keepdim=True).expand_as(picture), hole)
    filled = borrow.textured(flat, hole)

    def error(candidate: Tensor) -> float:
        return float(((candidate - picture).abs() * hole).sum() / hole.sum() / 3)

    assert error(filled) < 0.6 * error(flat)
    assert torch.equal(filled[:, :, :20], flat[:, :, :20])


def test_what_the_hole_hides_is_never_seen() -> None:
    picture, hole = bricks(), middle_hole()
    secret = torch.where(hole > 0, torch.rand(1, 3, SIDE, SIDE), picture)
    one, other = (
        borrow.borrowed_texture(fine_part(p * (1 - hole), hole), hole) for p in (picture, secret)
    )
    assert torch.equal(one, other)
    assert one[:, :, :20].abs().max() == 0


def test_no_hole_and_nothing_but_hole_give_no_texture() -> None:
    picture = bricks()
    for hole in (torch.zeros(1, 1, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)):
        assert borrow.borrowed_texture(fine_part(picture, hole), hole).abs().max() == 0


def test_pictures_of_a_batch_do_not_see_each_other() -> None:
    hole = middle_hole()
    pictures = torch.cat((bricks(), bricks(9, 15)))
    together = borrow.textured(pictures, hole.expand(2, -1, -1, -1))
    alone = torch.cat([borrow.textured(p[None], hole) for p in pictures])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("offset", [(3, 5), (-3, 5), (4, -6), (0, 0)])
def test_moved_layers_hold_what_lies_at_the_offset(offset: tuple[int, int]) -> None:
    layers = torch.arange(12.0 * 16).view(1, 12, 16) + 1
    seen = borrow.moved(layers, borrow.Offset(*offset, 0.0))
    row, column = 6, 8
    assert seen[0, row, column] == layers[0, row + offset[0], column + offset[1]]
    if offset[0] > 0:
        assert seen[0, -1, column] == 0
