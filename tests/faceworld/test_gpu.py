"""The same world on a GPU. Run by `make test-gpu`."""

from __future__ import annotations

import pytest
import torch

from unripple.faceworld import render, sample_factors

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
]


def test_a_gpu_renders_what_the_cpu_renders() -> None:
    factors, seeds = sample_factors(4, seed=21), torch.arange(4)
    here = render(factors, seeds, size=64)
    there = render(factors.cuda(), seeds, size=64)
    assert (there.labels.cpu() == here.labels).float().mean() > 0.99
    apart = (there.photo.cpu().int() - here.photo.int()).abs().float()
    assert apart.mean() < 1.0
