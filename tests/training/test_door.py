"""`python -m unripple.training`: words, exit status, the card."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from unripple.training import __main__ as door
from unripple.training import generator, latents, start

from .factor_faces import write_factor_shards


def test_an_unknown_net_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.main(["generater"]) == 2
    told = capsys.readouterr().err
    assert all(net in told for net in ("data", *door.NETS))
    assert door.main(["--help"]) == 0


def test_a_training_without_an_end_or_without_data_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["generator", "--size", "16", "--device", "cpu", "--out", str(tmp_path / "run")]
    assert door.main([*words, "--data", str(tmp_path), "--steps", "1"]) == 2
    assert "unripple.training data" in capsys.readouterr().err
    folder = write_factor_shards(tmp_path / "toys", size=16)
    assert door.main([*words, "--data", str(folder)]) == 2
    assert "--minutes" in capsys.readouterr().err


def test_a_run_ends_in_weights_and_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "CHANNELS", {4: 8, 8: 8, 16: 8})
    monkeypatch.setattr(generator, "VALIDATION_FACES", 4)
    folder = write_factor_shards(tmp_path / "toys", size=16)
    words = ["generator", "--size", "16", "--device", "cpu", "--data", str(folder), "--batch", "2"]
    words += ["--out", str(tmp_path / "run"), "--models", str(tmp_path / "models")]
    assert door.main([*words, "--steps", "2", "--export", "never"]) == 0
    assert not (tmp_path / "models").exists()
    assert door.main([*words, "--export", "now"]) == 0
    with safe_open(tmp_path / "models" / "generator.safetensors", framework="pt") as file:
        assert file.metadata()["size"] == "16"
    card = (tmp_path / "models" / "generator.md").read_text()
    assert "2 steps, 4 pictures" in card
    assert "| person_l1 |" in card
    assert oct((tmp_path / "models" / "generator.safetensors").stat().st_mode)[-3:] == "644"


def test_a_training_starts_from_shipped_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_factor_shards(tmp_path / "toys", size=64)
    words = ["pose", "--device", "cpu", "--batch", "4", "--data", str(folder), "--lr", "1e-8"]
    words += ["--out", str(tmp_path / "run"), "--steps", "1", "--export", "never", "--init"]
    shipped = Path("data/models/pose.safetensors")
    assert door.main([*words, str(shipped)]) == 0
    begun = start.averaged(tmp_path / "run", "pose")
    for name, value in start.averaged(shipped, "pose").items():
        if "running" not in name and "batches" not in name:  # the norms have seen a batch since
            assert torch.allclose(begun[name], value, atol=1e-6), name

    capsys.readouterr()
    for given, told in (
        ("none", "train the pose first"),
        ("none.safetensors", "no such weights file"),
        ("data/models/parser.safetensors", "holds a parser, no pose"),
    ):
        assert door.main([*words, given, "--resume", "never"]) == 2
        assert told in capsys.readouterr().err


def test_two_processes_do_not_train_in_one_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_factor_shards(tmp_path / "toys", size=64)
    words = ["pose", "--batch", "4", "--data", str(folder), "--out", str(tmp_path / "run")]
    words += ["--models", str(tmp_path / "models"), "--steps", "1"]
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "claimed\n"
        assert door.main(words) == 2
        assert "another run is at work here (process" in capsys.readouterr().err
        other.kill()
    assert door.main(words) == 0


HOLD = """
import sys, time, pathlib
from unripple.io.lock import claim
claim(pathlib.Path(sys.argv[1]))
print("claimed", flush=True)
time.sleep(600)
"""
