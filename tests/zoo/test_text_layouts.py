"""Published files of text edits: tables of style space, and mappers of all kinds."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.zoo.conversions import CPU, SHA
from tests.zoo.slim import entry
from unripple.cli.main import main
from unripple.conventions import BadCheckpoint
from unripple.models.mapper import LatentMapper, published_vectors
from unripple.zoo.networks import load
from unripple.zoo.published import convert
from unripple.zoo.weights import read_header

W = 16
TEXTS = {"hat": "a hat", "beard": "a beard"}
SINGLE, ADDED, SEVERAL = (W,) * 5, (W,) * 9, (W, *(24,) * 9, W)
BESIDE, BESIDE_CLIP = (2 * W, *(2 * W,) * 7, W), (W + 8, *(W + 8,) * 7, W)


def training(widths: Any, groups: Any = ("course_mapping", "medium_mapping")) -> dict[str, Any]:
    """What a training leaves: the mapper beside the whole generator, and options."""
    torch.manual_seed(0)
    net = LatentMapper(widths, groups)
    state = {f"mapper.{key}": value.clone() for key, value in net.state_dict().items()}
    options = {"description": "a person with purple hair", "batch_size": 1, "no_fine_mapper": True}
    return {"state_dict": {**state, "decoder.w": torch.ones(3)}, "opts": options}


def entry_of(vectors: str, name: str = "mine") -> Any:
    about = {"size": 64, "vectors": vectors, "texts": TEXTS}
    return entry(name, "mapper", {"mapper": "latent_mapper"}, metadata={"mapper": about})


@pytest.mark.parametrize(
    ("widths", "vectors"),
    [(SINGLE, "none"), (ADDED, "embedding"), (SEVERAL, "embedding"), (BESIDE, "embedding"),
     (BESIDE_CLIP, "clip")],
)  # fmt: skip
def test_mappers_are_told_apart_by_their_shapes(widths: Any, vectors: str, tmp_path: Path) -> None:
    source = tmp_path / "published.pt"
    torch.save(training(widths), source)
    path = convert(source, entry_of(vectors), tmp_path, sha256=SHA)["mapper"]
    model = load("mapper", path, CPU)
    assert model.net.takes_text == (vectors != "none") and model.metadata["texts"] == TEXTS
    assert not hasattr(model.net, "fine_mapping")
    if vectors == "embedding":
        assert torch.equal(model.extras["text_vectors"], published_vectors(2, W))
    else:
        assert not model.extras
    for wrong in {"none", "embedding"} - {vectors}:
        if (wrong == "none") == (vectors == "none"):
            continue
        with pytest.raises(BadCheckpoint, match="by the shapes of its weights"):
            convert(source, entry_of(wrong, "other"), tmp_path, sha256=SHA)


def test_a_training_without_a_mapper_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "published.pt"
    for content in ({"state_dict": {"decoder.w": torch.ones(1)}}, {"w": torch.ones(1)}):
        torch.save(content, source)
        with pytest.raises(BadCheckpoint, match="looked for"):
            convert(source, entry_of("none"), tmp_path, sha256=SHA)


def test_relevance_is_an_array_and_the_spread_a_pickle(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float16)
    np.save(tmp_path / "fs3.npy", rows)
    made = entry("fs3", "relevance", {"relevance": "relevance"}, file="fs3.npy")
    path = convert(tmp_path / "fs3.npy", made, tmp_path, sha256=SHA)["relevance"]
    assert np.array_equal(load("relevance", path, CPU).net.relevance.numpy(), rows)
    means, stds = ([np.full(shape, value, np.float32) for shape in (2, 3, (1, 4))]
                   for value in (0.5, 2.0))  # fmt: skip
    source = tmp_path / "S_mean_std"
    source.write_bytes(pickle.dumps([means, stds], protocol=2))
    made = entry("s", "style_spread", {"style_spread": "relevance"}, file="S_mean_std")
    path = convert(source, made, tmp_path, sha256=SHA)["style_spread"]
    net = load("style_spread", path, CPU).net
    assert net.mean.tolist() == [0.5] * 9 and net.deviation.tolist() == [2.0] * 9
    for wrong in ([means], [means, stds[:2]], [means, [1.0, 2.0]], {"mean": means}):
        source.write_bytes(pickle.dumps(wrong, protocol=2))
        with pytest.raises(BadCheckpoint, match="not laid out"):
            convert(source, made, tmp_path / "other", sha256=SHA)


def test_a_training_of_ones_own_becomes_a_mapper(tmp_path: Path, capsys: Any) -> None:
    source, out, texts = (tmp_path / name for name in ("own.pt", "own.safetensors", "t.yaml"))
    texts.write_text("hat: a hat\nbeard: a beard\n")
    torch.save(training(ADDED), source)
    asked = ["texts", "convert", str(source), "-o", str(out), "--size", "64"]
    assert main(asked) == 2  # its texts are not in the file
    assert main([*asked, "--texts", str(texts)]) == 0
    assert load("mapper", out, CPU).extras["text_vectors"].shape == (2, W)
    torch.save(training(SINGLE), source)
    assert main([*asked, "--overwrite"]) == 0
    about, _ = read_header(out)
    assert about["texts"] == {"trained": "a person with purple hair"} and about["vectors"] == "none"
    torch.save(training(BESIDE_CLIP), source)
    assert main([*asked, "--overwrite", "--texts", str(texts), "--vectors", "clip"]) == 0
    assert not load("mapper", out, CPU).extras
