"""The encoder's training: both phases, deltas let in by and by, plain photos, the export."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from unripple import faceworld
from unripple.conventions import BadCheckpoint, UnrippleError
from unripple.training import __main__ as door
from unripple.training import e4e, encoders, latents, loop
from unripple.training.auxiliary import AuxiliaryLosses
from unripple.training.e4e import EncoderTask
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards, FolderPhotos
from unripple.zoo import networks

from .factor_faces import write_factor_shards

SIZE, CODES = 32, 8


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "CHANNELS", {4: 8, 8: 8, 16: 8, 32: 8})
    monkeypatch.setattr(encoders, "WIDTHS", (8, 12, 16, 20, 24))
    monkeypatch.setattr(encoders, "UNITS", (1, 1, 1, 1))
    for module in (encoders, e4e):
        monkeypatch.setattr(module, "SIZE", SIZE)
        monkeypatch.setattr(module, "N_CODES", CODES)
    monkeypatch.setattr(e4e, "VALIDATION_FACES", 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_factor_shards(tmp_path_factory.mktemp("toys"), size=SIZE)


def task(folder: Path, phase: str, **options: object) -> EncoderTask:
    torch.manual_seed(0)
    generator = loop.frozen(latents.small_generator(SIZE), "cpu")
    return EncoderTask(
        FaceShards(folder, e4e.FIELDS, "train"),
        FaceShards(folder, e4e.FIELDS, "val"),
        generator,
        auxiliary=AuxiliaryLosses(),
        phase=phase,
        batch_size=6,
        **options,  # type: ignore[arg-type]
    )


def test_deltas_are_admitted_one_after_another_over_the_first_half() -> None:
    counts = [encoders.admitted_deltas(progress, 12) for progress in (0.0, 0.25, 0.5, 1.0)]
    assert counts == [0, 5, 11, 11]


def test_phase_codes_learns_w_and_leaves_deltas_out(folder: Path) -> None:
    trained = task(folder, "codes")
    batch = trained.draw(torch.Generator().manual_seed(0))
    first, *_, last = (float(trained.train_step(batch, step)["codes"]) for step in range(50))
    assert last < 0.8 * first
    codes = trained.encode(torch.zeros(2, 3, SIZE, SIZE))
    assert torch.equal(codes, codes[:, :1].expand_as(codes))
    figures = trained.validate()
    assert 0 <= figures["yaw_deg"] <= 2 * faceworld.YAW_MAX_DEG


def test_the_true_code_costs_nothing(folder: Path) -> None:
    trained = task(folder, "codes")
    factors = faceworld.sample_factors(4, 5)
    w = trained.generator.map(latents.code(factors)) - trained.latent_avg
    losses = trained.code_losses(w[:, None].expand(-1, CODES, -1), factors)
    assert float(losses["codes"]) == pytest.approx(0.0, abs=1e-6)


def test_phase_pictures_goes_on_from_phase_codes(folder: Path, tmp_path: Path) -> None:
    loop.fit(task(folder, "codes"), tmp_path, budget=Budget(steps=2))
    trained = task(folder, "pictures", adversarial=0.1)
    trained.start_from(tmp_path)
    trained.progress = 0.4
    batch = trained.draw(torch.Generator().manual_seed(0))
    judged = [p.clone() for p in trained.discriminator.parameters()]
    steps = [trained.train_step(batch, step) for step in range(12)]
    assert float(steps[-1]["pyramid"]) < float(steps[0]["pyramid"])
    assert float(steps[-1]["delta"]) > 0
    judging = trained.discriminator.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(judged, judging, strict=True))
    figures = trained.validate()
    assert {"codes", "yaw_deg", "l1", "psnr_db", "person_l1"} <= set(figures)
    assert trained.sample().shape == (4 * SIZE, 4 * SIZE, 3)


def test_plain_photos_train_phase_pictures_and_not_phase_codes(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(40):
        Image.new("RGB", (40, 40), (200, 3 * i, 90)).save(photos / f"{i}.png")
    trained = EncoderTask(
        FolderPhotos(photos, SIZE, "train"),
        FolderPhotos(photos, SIZE, "val"),
        loop.frozen(latents.small_generator(SIZE), "cpu"),
        auxiliary=AuxiliaryLosses(),
        phase="pictures",
        batch_size=4,
    )
    figures = trained.train_step(trained.draw(torch.Generator().manual_seed(0)), 0)
    assert set(figures) == {"pyramid", "delta"}
    assert set(trained.validate()) == {"l1", "psnr_db"}

    words = ["e4e", "--phase", "codes", "--data", str(photos), "--steps", "1"]
    assert door.main([*words, "--out", str(tmp_path / "run")]) == 2
    assert "phase codes needs shards" in capsys.readouterr().err


def test_the_export_encodes_alike(folder: Path, tmp_path: Path) -> None:
    trained = task(folder, "pictures")
    loop.fit(trained, tmp_path / "run", budget=Budget(steps=2))
    (path,) = trained.export(tmp_path)
    net, latent_avg = encoders.load_encoder(path)
    photo = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    wanted = trained.encode(photo)
    again = task(folder, "pictures")
    again.start_from(path)
    for name, value in again.average.state_dict().items():
        assert torch.allclose(value, trained.average.state_dict()[name], atol=2e-3), name
    scale = float(wanted.abs().max())
    assert torch.allclose(net(photo), wanted, atol=0.03 * scale)  # bf16 against float16 weights
    assert torch.allclose(latent_avg, trained.latent_avg, atol=2e-3)
    assert networks.load("encoder", path, torch.device("cpu")).size_px == SIZE
    again, _ = encoders.load_encoder(tmp_path / "run")
    assert torch.allclose(again(photo), net(photo), atol=0.01 * scale)


def test_a_missing_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="train the encoder first"):
        encoders.load_encoder(tmp_path)
    with pytest.raises(UnrippleError, match=r"encoder\.safetensors"):
        encoders.load_encoder(tmp_path / "encoder.safetensors")
