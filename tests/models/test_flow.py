"""EditFlowNet, warping, and the details that come along."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models.flow import (
    Details,
    EditFlowNet,
    Flow,
    flip_averaged,
    sizes_from_state,
    warp,
    warped_details,
)

S = 32
POSE = {"widths": (4, 6), "hidden": 8}


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    photo, before, after = (torch.rand(2, 3, S, S, generator=rng) * 2 - 1 for _ in range(3))
    return photo, before, after


def shift(px: float, *, count: int = 2) -> Tensor:
    """Every pixel comes from `px` pixels further right."""
    offsets = torch.zeros(count, 2, S, S)
    offsets[:, 0] = 2 * px / S
    return offsets


def test_nothing_moves_without_offsets(pictures: tuple[Tensor, ...]) -> None:
    assert torch.allclose(warp(pictures[0], shift(0)), pictures[0], atol=1e-5)


def test_whole_pixels_move_exactly_and_the_border_fills_up(pictures: tuple[Tensor, ...]) -> None:
    moved = warp(pictures[0], shift(3))
    assert torch.allclose(moved[..., :-3], pictures[0][..., 3:], atol=1e-5)
    assert torch.allclose(moved[..., -3:], pictures[0][..., -1:].expand(-1, -1, -1, 3), atol=1e-5)


def test_motions_keep_their_bits_under_autocast(pictures: tuple[Tensor, ...]) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        moved = warp(pictures[0], shift(3))
    assert torch.equal(moved, warp(pictures[0], shift(3)))


def motion(px: float, seen: float, same: float) -> Flow:
    full = torch.full((2, 1, S, S), 1.0)
    return Flow(shift(px), full * seen, full * same)


def test_details_come_along(pictures: tuple[Tensor, ...]) -> None:
    photo, before, after = pictures
    details = warped_details(motion(3, 0.5, 0.0), photo - before, before, after)
    assert torch.allclose(details.warped, warp(photo - before, shift(3)), atol=1e-5)
    assert torch.allclose(details.visible, 0.5 * details.warped)


def test_where_two_drawings_ought_to_be_the_same_the_photo_shows(
    pictures: tuple[Tensor, ...],
) -> None:
    photo, before, after = pictures
    details = warped_details(motion(3, 1.0, 1.0), photo - before, before, after)
    there = details.laid_over(after, after)
    assert torch.allclose(there[..., :-3], photo[..., 3:], atol=1e-5)


def test_what_an_edit_changed_stays_changed(pictures: tuple[Tensor, ...]) -> None:
    """With `redraw_error` 0, the photo's details are added and take nothing back."""
    photo, before, _ = pictures
    after = before + 0.25
    details = warped_details(motion(0, 1.0, 0.0), photo - before, before, after)
    assert torch.allclose(details.laid_over(after, after), photo + 0.25, atol=1e-5)


@pytest.mark.parametrize(("seen", "strength"), [(0.0, 1.0), (1.0, 0.0)])
def test_what_is_not_seen_or_not_wanted_stays_drawn(
    pictures: tuple[Tensor, ...], seen: float, strength: float
) -> None:
    drawn, plain, moved = pictures
    details = Details(moved, torch.full((2, 1, S, S), seen))
    assert torch.equal(details.laid_over(drawn, plain, strength=strength), drawn)


def test_no_more_than_all_of_them_is_laid_over(pictures: tuple[Tensor, ...]) -> None:
    drawn, plain, moved = pictures
    details = Details(moved, torch.full((2, 1, S, S), 0.75))
    assert torch.allclose(details.laid_over(drawn, plain, strength=2.0), plain + moved, atol=1e-6)


@torch.no_grad()
def test_a_new_net_says_that_nothing_moves(pictures: tuple[Tensor, ...]) -> None:
    found = EditFlowNet((4, 6, 8), 8, POSE).eval()(*pictures)
    assert not found.offsets.any()
    for gate in (found.visibility, found.redraw_error):
        assert gate.shape == (2, 1, S, S)
        assert float(gate.min()) > 0 and float(gate.max()) < 1


def test_a_net_learns_a_shift() -> None:
    torch.manual_seed(0)
    net = EditFlowNet((8, 8, 8, 8), 8, POSE)
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        large = torch.nn.functional.interpolate(torch.rand(4, 3, 8, 8), (S, S), mode="bicubic")
        found = net(large, large, torch.roll(large, -4, dims=3))
        error = (found.offsets - shift(4, count=4))[..., :-4].abs().mean()
        adam.zero_grad()
        error.backward()
        adam.step()
    assert float(error.detach()) < 0.25 * 4 / S  # a quarter of what saying nothing would give


def test_its_sizes_are_read_from_its_weights(pictures: tuple[Tensor, ...]) -> None:
    net = EditFlowNet((4, 6, 8), 8, POSE).eval()
    again = EditFlowNet(**sizes_from_state(net.state_dict())).eval()
    again.load_state_dict(net.state_dict())
    for one, other in zip(net(*pictures), again(*pictures), strict=True):
        assert torch.equal(one, other)


def test_one_level_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        EditFlowNet((8,), 8, POSE)


def test_looking_both_ways_knows_no_left_and_right(pictures: tuple[Tensor, ...]) -> None:
    rng = torch.Generator().manual_seed(1)
    weights = torch.randn(2, 1, S, S, generator=rng)

    def lopsided(photo: Tensor, before: Tensor, after: Tensor) -> Flow:
        shown = (photo + before - after).mean(1, keepdim=True)
        return Flow(
            torch.cat((weights[0] * shown, weights[1] * shown), dim=1),
            (weights[0] * shown).sigmoid(),
            (weights[1] * shown).sigmoid(),
        )

    found = flip_averaged(lopsided, *pictures)
    mirrored = flip_averaged(lopsided, *(picture.flip(3) for picture in pictures))
    assert torch.allclose(mirrored.offsets[:, 0].flip(2), -found.offsets[:, 0], atol=1e-6)
    assert torch.allclose(mirrored.offsets[:, 1].flip(2), found.offsets[:, 1], atol=1e-6)
    assert torch.allclose(mirrored.visibility.flip(3), found.visibility, atol=1e-6)
    assert torch.allclose(mirrored.redraw_error.flip(3), found.redraw_error, atol=1e-6)
    straight = lopsided(*pictures)
    assert not torch.allclose(straight.visibility, found.visibility, atol=1e-2)


def test_what_is_symmetric_needs_one_look(pictures: tuple[Tensor, ...]) -> None:
    def upwards(photo: Tensor, before: Tensor, after: Tensor) -> Flow:
        offsets = torch.zeros(2, 2, S, S)
        offsets[:, 1] = photo.mean((1, 2))[:, None]  # of columns: mirrored with the picture
        return Flow(offsets, photo[:, :1].sigmoid(), after[:, :1].sigmoid())

    found, straight = flip_averaged(upwards, *pictures), upwards(*pictures)
    for one, other in zip(found, straight, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
