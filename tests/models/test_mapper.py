"""Mappers: what their norm does to texts, which rows they move, and the vectors of old texts."""

from __future__ import annotations

import pytest
import torch

from unripple.models.mapper import (
    LatentMapper,
    StyleMapper,
    moved,
    published_vectors,
    sizes_from_state,
    style_sizes_from_state,
)

W = 8
CODES = torch.randn(2, 18, W, generator=torch.Generator().manual_seed(0))
TEXT = torch.randn(1, W, generator=torch.Generator().manual_seed(1))
BESIDE = (2 * W,) * 8 + (W,)


def mapper(widths: tuple[int, ...], **options: object) -> LatentMapper:
    torch.manual_seed(2)
    return LatentMapper(widths, **options)  # type: ignore[arg-type]


def test_the_norm_over_rows_leaves_of_a_text_beside_its_signs_alone() -> None:
    """As published; over the features its size and shape count."""
    published, ours = mapper(BESIDE), mapper(BESIDE, norm="features")
    with torch.no_grad():
        assert torch.allclose(published(CODES, TEXT), published(CODES, TEXT.sign()), atol=1e-4)
        assert not torch.allclose(ours(CODES, TEXT), ours(CODES, TEXT.sign()), atol=1e-2)


@pytest.mark.parametrize("widths", [(W,) * 5, (W,) * 9, BESIDE, (W, *[2 * W] * 9, W)])
def test_kinds_are_told_by_the_shapes_of_their_weights(widths: tuple[int, ...]) -> None:
    made = mapper(widths, groups=("course_mapping", "medium_mapping"))
    sizes = sizes_from_state(made.state_dict())
    assert sizes == {"widths": widths, "groups": ["course_mapping", "medium_mapping"]}
    again = LatentMapper(**sizes)
    again.load_state_dict(made.state_dict())
    text = TEXT if len(widths) > 5 else None
    with torch.no_grad():
        assert torch.equal(again(CODES, text), made(CODES, text))
        assert not made(CODES, text)[:, 8:].any()  # no network for the fine rows
    with pytest.raises(ValueError, match="this mapper takes"):
        made(CODES, None if len(widths) > 5 else TEXT)


def test_a_single_network_sees_all_rows() -> None:
    made = mapper((W,) * 5, groups=("mapping",))
    with torch.no_grad():
        other = CODES.clone()
        other[:, 17] += 1
        assert not torch.equal(made(CODES)[:, 0], made(other)[:, 0])


def test_strength_zero_changes_no_bit() -> None:
    made = mapper((W,) * 5)
    with torch.no_grad():
        assert torch.equal(moved(made, CODES, strength=0), CODES)
        assert torch.allclose(moved(made, CODES) - CODES, 0.1 * made(CODES), atol=1e-6)


def test_published_vectors_begin_alike_and_leave_other_chance_alone() -> None:
    before = torch.get_rng_state()
    six, four = published_vectors(6), published_vectors(4)
    assert torch.equal(six[:4], four) and torch.equal(torch.get_rng_state(), before)


def test_styles_without_a_network_stay() -> None:
    made = StyleMapper({0: 4, 2: 3})
    assert style_sizes_from_state(made.state_dict()) == {"widths": {0: 4, 2: 3}}
    with torch.no_grad():
        moves = made([torch.ones(2, 4), torch.ones(2, 4), torch.ones(2, 3)])
    assert moves[0].any() and not moves[1].any() and moves[2].any()
