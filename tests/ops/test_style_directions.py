"""Directions that a text points out, in codes and in style space."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from unripple.conventions import BadText, ShapeMismatch
from unripple.ops import style_directions as ops

WIDTHS = (4, 4, 4, 3, 3)  # convolution, RGB, two convolutions, RGB
ROWS = 4 + 4 + 3


def tables() -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Relevance, a change of text, and deviations."""
    rng = torch.Generator().manual_seed(1)
    relevant = F.normalize(torch.randn(ROWS, 8, generator=rng), dim=1)
    change = F.normalize(torch.randn(8, generator=rng), dim=0)
    return relevant, change, [torch.rand(n, generator=rng) + 0.5 for n in WIDTHS]


def test_a_step_is_one_deviation_of_the_codes() -> None:
    rng = torch.Generator().manual_seed(0)
    codes = torch.randn(5000, 3, generator=rng) * torch.tensor([1.0, 5.0, 0.01])
    gradient = torch.tensor([1.0, 1.0, 1.0])
    step = ops.shaped(gradient, codes)
    spread = torch.cov(codes.T)
    assert float(step @ torch.linalg.solve(spread, step)) == pytest.approx(1, rel=1e-3)
    assert abs(step[1]) > abs(step[0]) > abs(step[2])  # as far as the codes go
    assert torch.equal(ops.shaped(torch.zeros(3), codes), torch.zeros(3))


def test_the_most_relevant_channel_moves_by_its_deviation() -> None:
    relevant, change, deviations = tables()
    steps = ops.style_direction(relevant, change, deviations, beta=0.0)
    assert [len(step) for step in steps] == list(WIDTHS)
    assert not steps[1].any() and not steps[4].any()  # RGB layers stay
    moved = torch.cat([steps[i] / deviations[i] for i in (0, 2, 3)])
    assert float(moved.abs().max()) == pytest.approx(1)
    assert int(moved.abs().argmax()) == int((relevant @ change).abs().argmax())


def test_beta_and_a_number_of_channels() -> None:
    relevant, change, deviations = tables()
    size = (relevant @ change).abs()
    beta = float(size.sort().values[-4])
    by_beta = ops.style_direction(relevant, change, deviations, beta=beta)
    by_number = ops.style_direction(relevant, change, deviations, beta=9.0, channels=4)
    assert int((torch.cat(by_beta) != 0).sum()) == 4
    assert all(map(torch.equal, by_beta, by_number))


def test_no_channel_is_an_error_and_no_picture_of_nan() -> None:
    """The published code divides 0 by 0 then."""
    relevant, change, deviations = tables()
    with pytest.raises(BadText, match="lower disentangle"):
        ops.style_direction(relevant, change, deviations, beta=1.1)


def test_equal_texts_are_an_error() -> None:
    text = F.normalize(torch.ones(8), dim=0)
    with pytest.raises(BadText, match="the same to CLIP"):
        ops.text_change(text, text.clone())


def test_layers_that_were_not_looked_at_stay() -> None:
    relevant, change, deviations = tables()
    first = ops.style_direction(relevant[:8], change, deviations, beta=0.0)
    assert not first[3].any() and first[2].any()
    copies = ops.style_direction(relevant, change, deviations, beta=0.0, layers=2)
    assert all(map(torch.equal, first, copies))
    with pytest.raises(ShapeMismatch, match="another one"):
        ops.style_direction(relevant[:6], change, deviations, beta=0.0)


def test_styles_of_another_generator_are_refused() -> None:
    assert [len(one) for one in ops.split_styles(torch.zeros(18), WIDTHS)] == list(WIDTHS)
    with pytest.raises(ShapeMismatch):
        ops.split_styles(torch.zeros(17), WIDTHS)


def test_a_text_leads_along_what_it_says_and_not_what_comes_along() -> None:
    rng = torch.Generator().manual_seed(0)
    mix = torch.randn(5, 5, generator=rng) + 2 * torch.eye(5)
    causes = torch.randn(4000, 5, generator=rng)
    codes = causes @ mix
    seen = torch.eye(5)[:3] + torch.tensor([[0.0, 0, 0, 0, 0], [0.4, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    features = causes[:800] @ seen.T  # CLIP sees three causes, of two of them some of the first
    by = ops.sight(codes, features)
    assert by.spread.shape == (5, 5) and by.seen.shape == (5, 3)
    step = ops.led(by, torch.tensor([1.0, 0.0, 0.0]))
    gone = step @ torch.linalg.inv(mix)
    assert float(gone.norm()) == pytest.approx(1, abs=0.05)  # one deviation of the codes
    assert gone[0] > 0.8 and (seen @ gone)[1].abs() < 0.4 * (seen @ gone)[0]
    assert not ops.led(by, torch.zeros(3)).any()
