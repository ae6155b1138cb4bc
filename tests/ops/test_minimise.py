"""Minimising rows: against scipy and torch, each row by itself, and resumed exactly."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from scipy.optimize import minimize as scipy_minimise
from torch import Tensor

from unripple.ops.minimise import Evaluate, Method, State, begin, iterate

METHODS = get_args(Method)


def rosenbrock(x: Tensor) -> Tensor:
    a, b = x[:, :-1], x[:, 1:]
    return (100 * (b - a.square()).square() + (1 - a).square()).sum(1)


def bowls(count: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Symmetric positive matrices [B, N, N] and the bottoms of their bowls [B, N]."""
    rng = torch.Generator().manual_seed(seed)
    root = torch.randn(count, width, width, generator=rng, dtype=torch.float64)
    matrix = root @ root.transpose(1, 2) + 0.1 * torch.eye(width, dtype=torch.float64)
    return matrix, torch.randn(count, width, generator=rng, dtype=torch.float64)


def with_gradient(function: object) -> Evaluate:
    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        losses = function(x)  # type: ignore[operator]
        (gradient,) = torch.autograd.grad(losses.sum(), x)
        return losses.detach(), gradient

    return evaluate


def run(
    x: Tensor, evaluate: Evaluate, iterations: int, method: Method, rate: float = 0.05
) -> State:
    state = begin(x, evaluate, method=method)
    for _ in range(iterations):
        state = iterate(state, evaluate, method=method, rate=rate)
    return state


def test_lbfgs_reaches_the_bottom_of_bowls() -> None:
    matrix, bottom = bowls(3, 8)

    def height(x: Tensor) -> Tensor:
        return torch.einsum("bi,bij,bj->b", x - bottom, matrix, x - bottom) / 2

    state = run(torch.zeros(3, 8, dtype=torch.float64), with_gradient(height), 60, "lbfgs")
    torch.testing.assert_close(state["best"], bottom, atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", [1e-4, 1e-2])
def test_a_small_unit_of_the_loss_does_not_matter_to_lbfgs(scale: float) -> None:
    x = torch.zeros(2, 4, dtype=torch.float64)
    state = run(x, with_gradient(lambda x: scale * rosenbrock(x)), 60, "lbfgs")
    torch.testing.assert_close(state["best"], torch.ones_like(x), atol=1e-4, rtol=0)


def test_lbfgs_ends_where_scipy_ends_on_rosenbrock() -> None:
    start = np.array([[-1.2, 1.0, -0.5], [0.3, -0.7, 2.0]])
    evaluate = with_gradient(rosenbrock)
    state = run(torch.from_numpy(start), evaluate, 100, "lbfgs")
    for row, found in zip(start, state["best"], strict=True):

        def one(x: np.ndarray) -> tuple[float, np.ndarray]:
            loss, gradient = evaluate(torch.from_numpy(x)[None])
            return float(loss), gradient[0].numpy()

        theirs = scipy_minimise(one, row, jac=True, method="L-BFGS-B", options={"ftol": 1e-15})
        assert np.allclose(found.numpy(), theirs.x, atol=1e-4)
    assert float(state["best_loss"].max()) < 1e-8


def test_lbfgs_needs_about_as_many_evaluations_as_torchs() -> None:
    calls = [0]
    plain = with_gradient(rosenbrock)

    def counted(x: Tensor) -> tuple[Tensor, Tensor]:
        calls[0] += 1
        return plain(x)

    start = torch.tensor([[-1.2, 1.0]], dtype=torch.float64)
    state = begin(start, counted, method="lbfgs")
    while float(state["best_loss"]) > 1e-8 and calls[0] < 500:
        state = iterate(state, counted, method="lbfgs")
    x = start.clone().requires_grad_()
    theirs = torch.optim.LBFGS(
        [x], max_iter=500, tolerance_change=0, history_size=10, line_search_fn="strong_wolfe"
    )
    seen: list[float] = []

    def closure() -> Tensor:
        theirs.zero_grad()
        loss = rosenbrock(x).sum()
        loss.backward()
        seen.append(float(loss.detach()))
        return loss

    theirs.step(closure)
    assert calls[0] <= 1.5 * next(i for i, loss in enumerate(seen, start=1) if loss < 1e-8)


def test_adam_is_torchs() -> None:
    start = torch.tensor([[-1.2, 1.0], [0.5, 0.5]], dtype=torch.float64)
    state = run(start, with_gradient(rosenbrock), 50, "adam", rate=0.01)
    x = start.clone().requires_grad_()
    theirs = torch.optim.Adam([x], lr=0.01)
    for _ in range(50):
        theirs.zero_grad()
        rosenbrock(x).sum().backward()
        theirs.step()
    torch.testing.assert_close(state["x"], x.detach())


@pytest.mark.parametrize("method", METHODS)
def test_rows_do_not_look_at_each_other(method: Method) -> None:
    start = torch.tensor([[-1.2, 1.0], [0.5, 0.5], [3.0, -4.0]], dtype=torch.float64)
    evaluate = with_gradient(rosenbrock)
    together = run(start, evaluate, 30, method)
    for i in range(len(start)):
        alone = run(start[i : i + 1], evaluate, 30, method)
        for name in ("x", "best", "best_loss", "done"):
            assert torch.equal(together[name][i], alone[name][0])


@pytest.mark.parametrize("method", METHODS)
def test_the_best_is_never_worse_than_the_start_and_never_gets_worse(method: Method) -> None:
    evaluate = with_gradient(rosenbrock)
    state = begin(torch.tensor([[-1.2, 1.0]], dtype=torch.float64), evaluate, method=method)
    bests = [float(state["best_loss"])]
    for _ in range(40):  # Adam at a rate at which it jumps about
        state = iterate(state, evaluate, method=method, rate=2.0)
        bests.append(float(state["best_loss"]))
        assert float(rosenbrock(state["best"])) == pytest.approx(bests[-1], rel=1e-12)
    assert bests == sorted(bests, reverse=True)
    assert bests[-1] < bests[0]


@pytest.mark.parametrize("method", METHODS)
def test_a_state_goes_on_as_if_nothing_had_happened(method: Method) -> None:
    start = torch.tensor([[-1.2, 1.0], [0.5, 0.5]])
    evaluate = with_gradient(rosenbrock)
    straight = run(start, evaluate, 20, method)
    stored = {name: value.clone() for name, value in run(start, evaluate, 7, method).items()}
    for _ in range(13):
        stored = iterate(stored, evaluate, method=method, rate=0.05)
    assert all(torch.equal(stored[name], straight[name]) for name in straight)


def test_a_row_at_its_minimum_is_done_and_others_go_on() -> None:
    start = torch.tensor([[1.0, 1.0], [-1.2, 1.0]], dtype=torch.float64)
    state = run(start, with_gradient(rosenbrock), 60, "lbfgs")
    assert state["done"][0] and torch.equal(state["best"][0], start[0])
    assert float(state["best_loss"][1]) < 1e-10


def test_a_loss_that_is_no_number_is_stepped_back_from() -> None:
    def barrier(x: Tensor) -> Tensor:  # no number below 0
        return (x - x.log()).sum(1)

    start = torch.tensor([[4.0, 0.01]], dtype=torch.float64)
    state = run(start, with_gradient(barrier), 60, "lbfgs")
    torch.testing.assert_close(
        state["best"], torch.ones(1, 2, dtype=torch.float64), atol=1e-5, rtol=0
    )
