"""Factors: ranges, correlations, codes, captions."""

from __future__ import annotations

import pytest
import torch

from unripple.faceworld import (
    EMBED_WIDTH,
    FACTORS,
    INDEX,
    NAMES,
    PLATES,
    YAW_MAX_DEG,
    caption,
    embed,
    factors_from_normal,
    pose_deg,
    sample_factors,
    with_factors,
)

WIDENED = {
    "jaw_width",
    "brow_thickness",
    "shoulder_width",
    "neck_width",
    "eye_size",
    "lip_fullness",
}


@pytest.fixture(scope="module")
def many() -> torch.Tensor:
    return sample_factors(4000, seed=3)


def column(factors: torch.Tensor, name: str) -> torch.Tensor:
    return factors[:, INDEX[name]]


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_every_factor_stays_in_its_range_and_varies(many: torch.Tensor, factor) -> None:
    values = column(many, factor.name)
    low = {"signed": -1.0, "normal": -1.0}.get(factor.kind, 0.0)
    high = len(PLATES) - 1 if factor.kind == "choice" else 1.0
    if factor.name in WIDENED:
        low, high = -1.2, 1.2
    assert values.min() >= low
    assert values.max() <= high
    assert values.std() > 0.1
    if factor.kind in ("switch", "choice"):
        assert (values == values.round()).all()


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    assert torch.equal(sample_factors(5, seed=1), sample_factors(5, seed=1))
    assert not torch.equal(sample_factors(5, seed=1), sample_factors(5, seed=2))


def test_what_goes_together(many: torch.Tensor) -> None:
    women = column(many, "masculinity") < 0
    assert column(many, "beard")[women].max() == 0
    assert column(many, "bald")[women].max() == 0
    assert column(many, "lipstick")[~women].max() == 0
    old, young = column(many, "age") > 0.7, column(many, "age") < 0.2
    assert column(many, "grey")[old].mean() > column(many, "grey")[young].mean() + 0.3
    hair = column(many, "hair_length")
    assert hair[women].mean() > hair[~women].mean() + 0.2


def test_codes_move_factors_the_way_they_point() -> None:
    z = torch.zeros(3, len(FACTORS))
    z[:, INDEX["yaw"]] = torch.tensor([-1.0, 0.0, 1.0])
    yaw = pose_deg(factors_from_normal(z))[:, 0]
    assert yaw[0] < -10 < yaw[1] < 10 < yaw[2]
    assert yaw[1] == pytest.approx(0, abs=1e-4)


def test_embedding_is_finite_of_unit_scale_and_tells_faces_apart(many: torch.Tensor) -> None:
    rows = embed(many)
    assert rows.shape == (len(many), EMBED_WIDTH)
    assert torch.isfinite(rows).all()
    assert 0.3 < rows.std(0).mean() < 1.5
    assert torch.pdist(rows[:200]).min() > 0.5


def test_with_factors_changes_only_what_it_names(many: torch.Tensor) -> None:
    turned = with_factors(many, yaw_deg=20.0, glasses=1.0)
    assert torch.allclose(pose_deg(turned)[:, 0], torch.tensor(20.0))
    others = [i for name, i in INDEX.items() if name not in ("yaw", "glasses")]
    assert torch.equal(turned[:, others], many[:, others])
    assert column(turned, "yaw")[0] == pytest.approx(20 / YAW_MAX_DEG)


def test_an_unknown_factor_is_named(many: torch.Tensor) -> None:
    with pytest.raises(KeyError, match="moustach"):
        with_factors(many, moustach=1.0)


def test_captions_say_what_is_there(many: torch.Tensor) -> None:
    spectacled = with_factors(many[:1], glasses=1.0, glasses_dark=0.0, hat=1.0)
    words = caption(spectacled[0])
    assert "glasses" in words and "a hat" in words
    assert PLATES[int(spectacled[0, INDEX["plate_kind"]])] in words
    assert len({caption(row) for row in many[:100]}) > 60
    assert len(NAMES) == len(set(NAMES))
