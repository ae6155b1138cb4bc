"""Finding directions and measuring what they move, on tiny networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import CODES, FACTORS, W, write_models
from unripple.conventions import BadConfig, UnrippleError
from unripple.training.direction_report import report
from unripple.training.latent_directions import (
    Moved,
    fit_closed_form,
    fit_labelled,
    fit_modes,
    measure,
    sampled,
    seen_in,
    with_turn,
)
from unripple.zoo.directions import Direction, read_directions, write_directions
from unripple.zoo.zoo import Zoo

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(400, W)).astype(np.float32)
AGE, SMILE = RNG.normal(size=(2, W))
LABELS = {"age": ROWS @ AGE, "smile": (ROWS @ (SMILE + 0.7 * AGE) > 0).astype(float)}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(write_models(tmp_path_factory.mktemp("weights")))


def test_a_degree_is_a_standard_deviation_of_the_codes() -> None:
    for fit in (*fit_labelled(ROWS, LABELS), *fit_modes(ROWS, count=3)):
        vector = fit.direction.vector
        along = ROWS @ (vector / np.linalg.norm(vector))
        assert np.linalg.norm(vector) == pytest.approx(along.std(), rel=1e-4)


def test_conditioned_directions_move_the_other_attribute_less() -> None:
    free = {f.direction.name: f for f in fit_labelled(ROWS, LABELS, condition=False)}
    held = {f.direction.name: f for f in fit_labelled(ROWS, LABELS)}
    for one, other in (("age", "smile"), ("smile", "age")):
        assert free[one].read[one] > 0.5 and held[one].read[one] > 0.3
        assert abs(held[one].read[other]) < 0.3 * abs(free[one].read[other])
        assert (free[one].accuracy or 0) > 0.9


def test_w_plus_moves_each_code_in_its_own_way() -> None:
    codes = RNG.normal(size=(400, CODES, W)).astype(np.float32)
    only_third = {"age": codes[:, 3] @ AGE, "smile": codes[:, 5] @ SMILE}
    age, _ = fit_labelled(codes, only_third, space="w+")
    assert age.direction.vector.shape == (CODES, W)
    size = np.linalg.norm(age.direction.vector, axis=1)
    assert size.argmax() == 3 and size[3] > 3 * np.delete(size, 3).max()
    mean, _ = fit_labelled(codes, only_third, space="w")
    assert mean.direction.vector.shape == (W,)
    with pytest.raises(BadConfig, match="take space w"):
        fit_labelled(ROWS, LABELS, space="w+")


def test_too_few_labels_are_named() -> None:
    few = np.where(np.arange(400) < 12, LABELS["age"], np.nan)
    with pytest.raises(BadConfig, match=r"labels: hat: 4 high and 4 low .* leave that column out"):
        fit_labelled(ROWS, LABELS | {"hat": few})


def test_labels_that_are_no_numbers_are_named() -> None:
    codes, one = np.random.default_rng(0).normal(size=(40, 8)), np.ones(40)
    for labels in (np.where(np.arange(40) == 3, np.inf, one), one[:39]):
        with pytest.raises(BadConfig, match="labels: hat: wanted 40 finite numbers"):
            fit_labelled(codes, {"hat": labels})


@pytest.mark.parametrize("count", [0, -1, 9, 10**30, float("nan")])
def test_modes_that_are_none_are_refused(count: int) -> None:
    codes = np.random.default_rng(0).normal(size=(40, 8))
    with pytest.raises(BadConfig, match="modes must be"):
        fit_modes(codes, count=count)
    assert len(fit_modes(codes, count=8)) == 8
    with pytest.raises(BadConfig, match="latents: wanted at least two of finite numbers"):
        fit_modes(np.where(codes == codes.max(), np.nan, codes), count=1)


def test_closed_form_modes_need_no_label(zoo: Zoo) -> None:
    fits = fit_closed_form(zoo, ROWS, count=4)
    assert [fit.direction.name for fit in fits] == [f"sefa_{i:02d}" for i in range(4)]
    unit = [fit.direction.vector / np.linalg.norm(fit.direction.vector) for fit in fits]
    assert np.allclose(np.stack(unit) @ np.stack(unit).T, np.eye(4), atol=1e-5)


def test_codes_are_drawn_alike_for_the_same_seed(zoo: Zoo) -> None:
    assert np.array_equal(sampled(zoo, 5, 1), sampled(zoo, 5, 1))
    assert not np.array_equal(sampled(zoo, 5, 1), sampled(zoo, 5, 2))


def test_slopes_are_what_the_pictures_show(zoo: Zoo) -> None:
    vector = np.asarray(2 * RNG.normal(size=W), np.float32)
    directions = [
        Direction("smile", vector, (-2.0, 2.0), "", ""),
        Direction("back", -vector, (-2.0, 2.0), "", ""),
        Direction("rows", np.tile(vector, (CODES, 1)), (-2.0, 2.0), "", ""),
    ]
    moved = measure(zoo, directions, faces=4, seed=3)
    start = sampled(zoo, 4, 3)
    ends = [seen_in(zoo, start + degree * vector).mean(0) for degree in (-2, 2)]
    slope = dict(zip(FACTORS, (ends[1] - ends[0]) / 4, strict=True))
    for name in FACTORS:
        there = moved["smile"].per_degree[name]
        assert moved["back"].per_degree[name] == pytest.approx(-there, abs=1e-4)
        assert moved["rows"].per_degree[name] == pytest.approx(there, abs=1e-3)
    strongest = max(slope, key=lambda name: abs(slope[name]))
    assert np.sign(moved["smile"].per_degree[strongest]) == np.sign(slope[strongest])
    assert moved["smile"].own == "smile" and moved["smile"].range == (-2.0, 2.0)
    assert moved["back"].own == strongest  # nothing is called so: what it moves most


def test_a_direction_learns_how_far_it_turns_the_head(zoo: Zoo) -> None:
    one = Direction("d", np.ones(W, np.float32), (-3.0, 3.0), "", "")
    moved = Moved("yaw", {"yaw": 0.5, "smile": -0.1}, True, (-3.0, 3.0))
    assert with_turn(zoo, one, moved).yaw_per_degree == pytest.approx(0.5 * 38, abs=0.1)


def test_the_report_has_a_line_and_figures_for_each() -> None:
    fits = fit_labelled(ROWS, LABELS)
    moved = {
        "age": Moved("age", {"age": 0.5, "smile": -0.1, "yaw": 0.2}, True, (-3.0, 3.0)),
        "smile": Moved("smile", {"age": 0.3, "smile": 0.6, "yaw": 0.0}, False, (-3.0, 3.0)),
    }
    text, figures = report([fit.direction for fit in fits], moved, fits, command="this")
    assert "| age | age | +0.50 | yes | 2.5 | yaw +0.20, smile -0.10 |" in text
    assert "| smile | +0.30 | **+0.60** |" in text and "`this`" in text
    content = json.loads(figures)
    assert content["smile"]["purity"] == pytest.approx(2) and not content["smile"]["monotone"]
    assert set(content["age"]["read"]) == set(LABELS)


def test_written_directions_come_back(tmp_path: Path) -> None:
    (age, smile) = (fit.direction for fit in fit_labelled(ROWS, LABELS))
    write_directions(tmp_path / "found.safetensors", [age, smile])
    found = read_directions(tmp_path / "found.safetensors")
    assert list(found) == ["age", "smile"]
    assert np.array_equal(found["age"].vector, age.vector)
    assert found["age"].usable == (-3.0, 3.0) and found["age"].unit == age.unit
    assert found["age"].yaw_per_degree is None and found["age"].gain is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.safetensors"]


def test_an_attribute_file_without_names_is_an_error(tmp_path: Path, zoo: Zoo) -> None:
    from tests.tiny import networks, save_model

    save_model(tmp_path / "a.safetensors", dict(networks()["attributes"].state_dict()), size=64)
    other = Zoo({**dict(zoo.models), "attributes": str(tmp_path / "a.safetensors")})
    with pytest.raises(UnrippleError, match="lack `factors`"):
        measure(other, [], faces=1, seed=0)


def test_an_infinite_label_is_refused() -> None:
    name = next(iter(LABELS))
    values = np.array(LABELS[name], np.float64)
    values[3] = np.inf
    with pytest.raises(
        BadConfig, match=f"labels: {name}: wanted .* finite numbers.* 1 of them infinite"
    ):
        fit_labelled(ROWS, LABELS | {name: values})
