"""Pivotal tuning: what moves, what stays, and that an interruption changes nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.models.pivots import Pivot, Spread, spread_of
from unripple.models.stylegan2 import Generator
from unripple.models.tuning import Holdout, Locality, Objective, Tuning, drawn, tunable, tuned

SMALL = {"size": 16, "style_dim": 10, "n_mlp": 1, "channels": {4: 8, 8: 8, 16: 6}}
RATE = 0.01


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Stands in for LPIPS: means of 4 x 4 tiles."""
    return torch.nn.functional.avg_pool2d(one - other, 4).square().mean((1, 2, 3))


OBJECTIVE = Objective(distance)


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(**SMALL).requires_grad_(False)


def photo(seed: int) -> tuple[Tensor, Tensor]:
    """Codes and a target [1, 3, 16, 16]."""
    rng = torch.Generator().manual_seed(seed)
    codes = torch.randn(1, 6, 10, generator=rng)
    return codes, torch.rand(1, 3, 16, 16, generator=rng) * 2 - 1


def run(tuning: Tuning, steps: int) -> Tensor:
    for _ in tuning.run(steps):
        pass
    return tuning.difference


def test_it_draws_nearer_and_the_generator_stays(generator: Generator) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    tuning = Tuning(generator, *photo(1), OBJECTIVE, rate=RATE)
    losses = [seen.loss for seen in tuning.run(12)]
    assert len(losses) == 13 and losses[-1] < 0.7 * losses[0]
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(one.requires_grad for one in generator.parameters())


def test_the_mapping_is_no_part_of_it(generator: Generator) -> None:
    names = set(dict(generator.named_parameters())) - set(tunable(generator))
    assert names and all(name.startswith("style.") for name in names)
    tuning = Tuning(generator, *photo(1), OBJECTIVE, rate=RATE)
    run(tuning, 2)
    for name in names:
        assert torch.equal(tuning.net.get_parameter(name), generator.get_parameter(name))


def test_photos_do_not_know_of_each_other(generator: Generator) -> None:
    """The published coach tunes one generator for photo after photo, if it is told to."""
    alone = run(Tuning(generator, *photo(2), OBJECTIVE, rate=RATE), 4)
    run(Tuning(generator, *photo(1), OBJECTIVE, rate=RATE), 4)
    assert torch.equal(run(Tuning(generator, *photo(2), OBJECTIVE, rate=RATE), 4), alone)


@pytest.mark.parametrize("at", [0, 1, 5])
@pytest.mark.parametrize("local", [False, True])
def test_one_that_was_interrupted_comes_to_the_same_weights(
    generator: Generator, at: int, local: bool
) -> None:
    locality = Locality(torch.zeros(10)) if local else None

    def begun(resume: object = None) -> Tuning:
        return Tuning(generator, *photo(3), OBJECTIVE, rate=RATE, locality=locality, resume=resume)  # type: ignore[arg-type]

    wanted = run(begun(), 6)
    half = begun()
    for seen in half.run(6):
        if seen.step == at:
            break
    file = io.BytesIO()
    np.savez(file, **half.stored)
    file.seek(0)
    found = begun(dict(np.load(file)))
    assert found.step == at
    assert torch.equal(run(found, 6), wanted)


def test_what_is_kept_draws_the_picture_again(generator: Generator) -> None:
    codes, target = photo(4)
    tuning = Tuning(generator, codes, target, OBJECTIVE, rate=RATE)
    difference = run(tuning, 8)
    kept = torch.from_numpy(difference.numpy().astype(np.float16))
    with torch.no_grad():
        wanted = tuning.net.synthesize(codes)
        assert (tuned(generator, difference).synthesize(codes) - wanted).abs().max() < 1e-4
        assert (tuned(generator, kept).synthesize(codes) - wanted).abs().max() < 2e-2
    with pytest.raises(ValueError, match=r"wanted \[\d+\] for this generator"):
        tuned(generator, kept[1:])


def test_a_photo_smaller_than_the_generator_s_pictures(generator: Generator) -> None:
    codes, target = photo(5)
    assert drawn(generator, codes, target[..., :8, :8]).shape == (1, 3, 8, 8)


@torch.no_grad()
def test_the_regulariser_looks_at_its_reach_and_holds_what_lies_there(generator: Generator) -> None:
    """The published one computes the point between both codes first, and throws it away."""
    codes, target = photo(6)
    changed = []
    for weight in (0.0, 20.0):
        locality = Locality(torch.zeros(10), weight, reach=5.0, samples=2)
        tuning = Tuning(generator, codes, target, OBJECTIVE, rate=RATE, locality=locality)
        run(tuning, 10)
        near = [tuning._near(locality, sample) for sample in (0, 1)]
        assert not torch.equal(*near)
        for one in near:
            assert float((one - codes).norm()) == pytest.approx(5.0, rel=1e-4)
        shifts = [tuning.net.synthesize(one) - generator.synthesize(one) for one in near]
        changed.append(float(torch.cat(shifts).abs().mean()))
    assert changed[1] < 0.7 * changed[0]


@pytest.mark.parametrize("at", [None, 0, 3, 4])
def test_it_ends_where_the_holdout_was_drawn_best(generator: Generator, at: int | None) -> None:
    codes, target = photo(8)
    other = photo(9)

    def begun(resume: object = None) -> Tuning:
        return Tuning(
            generator,
            codes,
            target,
            OBJECTIVE,
            rate=0.05,
            holdout=Holdout(*other, every=2, first=0),
            resume=resume,  # type: ignore[arg-type]
        )

    tuning, held, differences = begun(), [], []
    for seen in tuning.run(50):
        with torch.no_grad():
            held.append(float(distance(tuning.net.synthesize(other[0]), other[1])))
        differences.append(tuning.difference)
        if seen.step == at:
            tuning = begun({name: value.copy() for name, value in tuning.stored.items()})
            differences += [tuning.difference for _ in tuning.run(50)]
            break
    if at is None:
        assert tuning.overdone and tuning.step < 50 and tuning.step % 2 == 0
        looks = held[::2]
        assert looks[-1] > looks[-2] == min(looks)
    straight = begun()
    assert torch.equal(run(straight, 50), differences[-1])
    assert straight.step == tuning.step


# Pivots


def search(generator: Generator, resume: object = None) -> Pivot:
    spread = spread_of(generator, samples=50)
    return Pivot(generator, photo(7)[1], OBJECTIVE, spread, steps=8, resume=resume)  # type: ignore[arg-type]


def test_a_pivot_is_one_code_and_leaves_the_noise_behind(generator: Generator) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    found = search(generator)
    losses = list(found.run())
    assert len(losses) == 8 and found.w.shape == (1, 1, 10)
    assert not torch.equal(found.w[0, 0], spread_of(generator, samples=50).mean)
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name]), name
    for level in (one.detach() for one in found._noise):
        assert float(level.mean()) == pytest.approx(0, abs=1e-5)
        assert float(level.square().mean()) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("at", [0, 3])
def test_a_pivot_that_was_interrupted_is_the_same(generator: Generator, at: int) -> None:
    wanted, half = search(generator), search(generator)
    list(wanted.run())
    for _ in range(at):
        half.move()
    found = search(generator, {name: value.copy() for name, value in half.stored.items()})
    assert found.step == at
    list(found.run())
    assert torch.equal(found.w, wanted.w)


def test_the_code_is_shaken_at_first_and_calm_at_the_end(generator: Generator) -> None:
    found = search(generator)
    found._spread = Spread(found._spread.mean, 2.0)
    widths = [float(found._shake(done).std()) for done in (0.0, 0.5, 0.75, 1.0)]
    assert widths[0] > widths[1] > 0 and widths[2:] == [0.0, 0.0]
