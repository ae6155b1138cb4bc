"""project: codes are offsets from the average; optimised ones draw the picture nearer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from torch import Tensor

from unripple.conventions import Photo, WPlus
from unripple.models.anycost import AnycostEncoder
from unripple.models.stylegan2 import Generator
from unripple.ops.tensors import to_photos, to_tensor
from unripple.stages.project import Progress, optimise, project, project_by_anycost

PICTURE = np.full((8, 8, 3), 255, np.uint8)


def encoder(picture: Tensor) -> Tensor:
    """Codes [B, 4, 3] that hold the mean of each channel."""
    assert picture.shape == (1, 3, 8, 8)
    return picture.mean((2, 3))[:, None].repeat(1, 4, 1)


@pytest.mark.parametrize("shape", [(4, 3), (3,)])
def test_codes_are_the_encoders_plus_the_average(shape: tuple[int, ...]) -> None:
    average = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for given in (average, torch.from_numpy(average)):
        w_plus = project(PICTURE, encoder, given)
        assert w_plus.dtype == np.float32 and w_plus.shape == (4, 3)
        assert np.array_equal(w_plus, np.broadcast_to(average, (4, 3)) + 1)


SMALL = {"size": 16, "style_dim": 10, "n_mlp": 1, "channels": {4: 8, 8: 8, 16: 6}}


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(1)
    return Generator(**SMALL).requires_grad_(False).eval()


@pytest.fixture(scope="module")
def scenes(generator: Generator) -> tuple[list[Photo], list[WPlus]]:
    """Pictures that the generator can draw, and codes beside theirs."""
    rng = torch.Generator().manual_seed(2)
    codes = torch.randn(3, generator.n_codes, 10, generator=rng)
    pictures = list(to_photos(generator.synthesize(codes)))
    beside = codes + 0.3 * torch.randn(codes.shape, generator=rng)
    return pictures, [row.numpy() for row in beside]


def last(progress: Iterable[Progress]) -> Progress:
    *_, end = progress
    return end


def loss_of(codes: WPlus, picture: Photo, generator: Generator, *, clamp: bool = True) -> float:
    drawn = generator.synthesize(torch.from_numpy(codes)[None])
    drawn = drawn.clamp(-1, 1) if clamp else drawn
    return float((drawn - to_tensor(picture)).square().mean())


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_optimised_codes_draw_the_picture_nearer(
    optimiser: str, generator: Generator, scenes: tuple[list[Photo], list[WPlus]]
) -> None:
    pictures, encoded = scenes
    found = last(
        optimise(
            pictures,
            encoded,
            generator,
            iterations=30,
            optimiser=optimiser,  # type: ignore[arg-type]
            learning_rate=0.02,
        )
    )
    assert found.iteration == 30
    for codes, start, picture, loss in zip(
        found.w_plus, encoded, pictures, found.loss, strict=True
    ):
        assert codes.dtype == np.float32 and codes.shape == start.shape
        clamp = optimiser == "lbfgs"
        reached = loss_of(codes, picture, generator, clamp=clamp)
        assert reached == pytest.approx(float(loss), rel=1e-4)
        assert reached < 0.5 * loss_of(start, picture, generator, clamp=clamp)


def test_no_iterations_leave_the_encoders_codes(
    generator: Generator, scenes: tuple[list[Photo], list[WPlus]]
) -> None:
    pictures, encoded = scenes
    (only,) = optimise(pictures, encoded, generator, iterations=0)
    assert all(np.array_equal(a, b) for a, b in zip(only.w_plus, encoded, strict=True))


def test_what_cannot_be_bettered_stays_as_it_is(generator: Generator) -> None:
    codes = np.zeros((generator.n_codes, 10), np.float32)
    picture = to_photos(generator.synthesize(torch.from_numpy(codes)[None]))[0]
    found = last(
        optimise([picture], [codes], generator, iterations=9, mse_weight=0, encoder_weight=1)
    )
    assert found.iteration < 9  # it noticed
    assert np.array_equal(found.w_plus[0], codes)


def test_the_encoder_holds_the_codes_as_strongly_as_asked(
    generator: Generator, scenes: tuple[list[Photo], list[WPlus]]
) -> None:
    pictures, encoded = scenes

    def moved(weight: float) -> float:
        knobs = {"iterations": 15, "encoder_weight": weight}
        found = last(optimise(pictures[:1], encoded[:1], generator, **knobs))
        return float(np.abs(found.w_plus[0] - encoded[0]).mean())

    assert moved(0) > 2 * moved(3) > 4 * moved(300)


def test_the_perceptual_term_is_part_of_the_loss(
    generator: Generator, scenes: tuple[list[Photo], list[WPlus]]
) -> None:
    pictures, encoded = scenes
    plain = next(optimise(pictures, encoded, generator, iterations=0))
    felt = next(
        optimise(
            pictures,
            encoded,
            generator,
            iterations=0,
            perceptual=lambda a, b: 2 + 0 * (a - b).mean((1, 2, 3)),
        )
    )
    assert np.allclose(felt.loss, plain.loss + 2)


def test_neighbours_in_a_batch_do_not_matter(
    generator: Generator, scenes: tuple[list[Photo], list[WPlus]]
) -> None:
    """Within what rounding grows to in a few iterations."""
    pictures, encoded = scenes
    together = last(optimise(pictures, encoded, generator, iterations=5)).w_plus
    for picture, start, codes in zip(pictures, encoded, together, strict=True):
        alone = last(optimise([picture], [start], generator, iterations=5)).w_plus[0]
        assert np.allclose(alone, codes, atol=1e-3)


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_resumed_from_any_iterate_it_comes_to_the_same_bytes(
    optimiser: str, generator: Generator, scenes: tuple[list[Photo], list[WPlus]]
) -> None:
    pictures, encoded = scenes
    knobs = {"iterations": 12, "optimiser": optimiser, "encoder_weight": 0.1}
    whole = list(optimise(pictures[:1], encoded[:1], generator, **knobs))
    for stopped in (0, 4, 11):
        stored = {name: array.copy() for name, array in whole[stopped].stored.items()}
        rest = list(optimise(pictures[:1], encoded[:1], generator, resume=stored, **knobs))
        assert [p.iteration for p in rest] == list(range(stopped, 13))
        assert np.array_equal(rest[-1].w_plus[0], whole[-1].w_plus[0])


def test_the_anycost_encoder_sees_the_published_size_and_holds_its_average() -> None:
    torch.manual_seed(0)
    sizes = {"n_codes": 4, "style_dim": 3, "widths": (8, 16, 24, 32, 40), "units": (1, 1, 1, 1)}
    net = AnycostEncoder(**sizes, size=64).eval()
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    codes = project_by_anycost(picture, net)
    assert codes.dtype == np.float32 and codes.shape == (4, 3)
    with torch.no_grad():
        net.mean_latent += 1
    assert np.allclose(project_by_anycost(picture, net), codes + 1, atol=1e-6)
