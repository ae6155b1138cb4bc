"""Relevance of channels: a stopped run goes on where it was, and ends in the same numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from unripple.training import cards, clip, latents, relevance
from unripple.zoo import networks

SIZES = {"embed": 16, "width": 8, "layers": (1, 1, 1, 1), "text_width": 64, "text_layers": 1}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A generator and a CLIP of a few thousand weights."""
    monkeypatch.setattr(latents, "CHANNELS", {4: 4, 8: 4, 16: 4, 32: 4})
    monkeypatch.setattr(relevance, "CODES", 64)
    torch.manual_seed(0)
    generator = latents.small_generator(32).state_dict()
    made = {name: tmp_path / f"{name}.safetensors" for name in ("generator", "clip")}
    cards.save_half(made["generator"], generator, role="generator", size="32")
    cards.save_half(made["clip"], clip.small_clip(SIZES, 32).state_dict(), role="clip", size="32")
    return made


def run(files: dict[str, Path], folder: Path, **options: object) -> dict[str, torch.Tensor]:
    parser = argparse.ArgumentParser()
    relevance.add_arguments(parser)
    chosen = parser.parse_args(["--pictures", "2"])
    for name, value in {**files, "out": folder / "run", "models": folder, **options}.items():
        setattr(chosen, name, value)
    folder.mkdir(exist_ok=True)
    assert relevance.main(chosen) == 0
    return load_file(folder / "relevance.safetensors")


def test_a_stopped_run_looks_only_at_what_is_left(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(files, tmp_path / "whole")
    looked: list[int] = []
    real = relevance.of_style

    def stops(*given: object) -> torch.Tensor:
        if len(looked) == 2:
            raise KeyboardInterrupt
        looked.append(int(given[3]))  # type: ignore[call-overload]
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(relevance, "of_style", stops)
    with pytest.raises(KeyboardInterrupt):
        run(files, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "relevance.safetensors").exists()
    begun = list(looked)
    monkeypatch.setattr(
        relevance, "of_style", lambda *given: looked.append(given[3]) or real(*given)
    )
    again = run(files, tmp_path / "stopped")
    assert whole.keys() == again.keys() and all(torch.equal(whole[k], again[k]) for k in whole)
    assert len(looked) == len(set(looked)) > len(begun) == 2


def test_every_channel_of_the_convolutions_has_a_row(
    files: dict[str, Path], tmp_path: Path
) -> None:
    run(files, tmp_path / "run")
    tables = networks.load(
        "relevance", tmp_path / "run" / "relevance.safetensors", torch.device("cpu")
    ).net
    assert tables.relevance.shape == (7 * 4, SIZES["embed"])
    sizes = tables.relevance.norm(dim=1)  # 0 where an untrained network sees no change
    assert bool(((sizes - 1).abs() < 0.01).logical_or(sizes == 0).all()) and sizes.any()
