"""The generator's training: codes, weights of the loss, growing, and what is exported."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unripple import faceworld
from unripple.conventions import BadCheckpoint, Face
from unripple.models.stylegan2 import Generator, sizes_from_state
from unripple.training import checkpoint, generator, latents, loop, losses
from unripple.training.generator import GeneratorTask
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards
from unripple.zoo import networks

from .factor_faces import write_factor_shards

CHANNELS = {4: 8, 8: 8, 16: 8, 32: 8}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "CHANNELS", CHANNELS)
    monkeypatch.setattr(generator, "VALIDATION_FACES", 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_factor_shards(tmp_path_factory.mktemp("toys"), size=32)


def task(folder: Path, *, size: int = 16, **options: object) -> GeneratorTask:
    torch.manual_seed(0)
    return GeneratorTask(
        FaceShards(folder, GeneratorTask.FIELDS, "train"),
        FaceShards(folder, GeneratorTask.FIELDS, "val"),
        size=size,
        batch_size=4,
        **options,  # type: ignore[arg-type]
    )


def test_the_code_keeps_its_scale_through_the_pixel_norm() -> None:
    factors = faceworld.sample_factors(5, 0)
    z = latents.code(factors)
    width = faceworld.EMBED_WIDTH
    assert z.shape == (5, latents.STYLE_DIM)
    assert torch.equal(z[:, :width], faceworld.embed(factors))
    normed = z * torch.rsqrt(z.square().mean(1, keepdim=True))
    assert torch.allclose(normed[:, :width] / normed[:, width, None], z[:, :width], atol=1e-5)


def test_mapping_weights_move_to_the_published_convention_without_a_change() -> None:
    ours = latents.small_generator(8, lr_mlp=latents.LR_MLP)
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if name.startswith("style.") and name.endswith("bias"):
                parameter.normal_()
    factor = latents.LR_MLP / latents.PUBLISHED_LR_MLP
    published = latents.small_generator(8, lr_mlp=latents.PUBLISHED_LR_MLP)
    published.load_state_dict(latents.rescale_mapping(ours.state_dict(), factor))
    z = latents.code(faceworld.sample_factors(6, 1))
    assert torch.allclose(ours.map(z), published.map(z), rtol=1e-4, atol=1e-5)


def test_pixel_weights_tell_background_person_and_features() -> None:
    weights = losses.part_weights()
    assert weights[Face.BACKGROUND] == pytest.approx(0.3)
    assert weights[Face.HAIR] == 1.0
    assert weights[Face.GLASSES] == weights[Face.LEFT_EYE] == weights[Face.LOWER_LIP] == 2.5
    labels = torch.tensor([[[0, 17], [4, 1]]], dtype=torch.uint8)
    expected = torch.tensor([[[[0.3, 1.0], [2.5, 1.0]]]])
    assert torch.allclose(losses.pixel_weights(labels, weights), expected)


def test_the_pyramid_sees_levels_and_edges() -> None:
    flat = torch.ones(2, 3, 16, 16)
    assert float(losses.pyramid_l1(flat)) == pytest.approx(4.0), "four levels, no edges"
    board = ((torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2 - 1).float()
    board = board.expand(2, 3, 16, 16)
    assert float(losses.pyramid_l1(board)) == pytest.approx(3.0), "the finest level and its edges"
    half = torch.zeros(2, 1, 16, 16)
    half[..., :8] = 1
    assert float(losses.pyramid_l1(flat, half, gradient_levels=0)) == pytest.approx(2.0)


def test_the_loss_falls(folder: Path, tmp_path: Path) -> None:
    trained = task(folder)
    start = trained.validate()
    loop.fit(trained, tmp_path, budget=Budget(steps=20))
    end = trained.validate()
    assert end["loss"] < 0.9 * start["loss"]
    assert end["person_l1"] < start["person_l1"]


def test_a_checkpoint_brings_back_the_next_step(folder: Path, tmp_path: Path) -> None:
    first = task(folder)
    loop.fit(first, tmp_path, budget=Budget(steps=2))
    second = task(folder)
    rng = torch.Generator()
    clock = checkpoint.restore(tmp_path / checkpoint.NAME, second, rng)
    assert clock.step == 2
    batch = second.draw(rng)
    for each in (first, second):
        each.train_step(batch, clock.step)
    for name, value in first.net.state_dict().items():
        assert torch.equal(value, second.net.state_dict()[name]), name


def test_a_larger_net_starts_as_the_smaller_one_enlarged(folder: Path, tmp_path: Path) -> None:
    small = task(folder)
    loop.fit(small, tmp_path, budget=Budget(steps=3))
    large = task(folder, size=32, freeze_mapping=True)
    large.start_from(tmp_path)
    z = latents.code(faceworld.sample_factors(2, 3))
    enlarged = large.net.to_rgbs[-1].upsample(small.render(z))
    assert torch.allclose(large.render(z), enlarged, atol=2e-2)
    before = {k: v.clone() for k, v in large.net.state_dict().items()}
    large.train_step(large.draw(torch.Generator().manual_seed(0)), 0)
    for name, value in large.net.state_dict().items():
        if name.startswith("style."):
            assert torch.equal(value, before[name]), "the mapping stays"
    assert not torch.equal(large.net.input.input, before["input.input"])


def test_a_missing_or_foreign_start_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="train the generator first"):
        task(folder).start_from(tmp_path)
    wide = Generator(8, latents.STYLE_DIM, 4, {4: 16, 8: 16})
    with pytest.raises(BadCheckpoint, match="layers differ"):
        latents.grow(latents.small_generator(16), wide.state_dict())


def test_the_export_draws_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    trained = task(folder)
    loop.fit(trained, tmp_path / "run", budget=Budget(steps=3))
    (path,) = trained.export(tmp_path)
    model = networks.load("generator", path, torch.device("cpu"))
    assert model.size_px == 16
    assert isinstance(model.net, Generator)
    assert sizes_from_state(model.net.state_dict())["channels"] == {4: 8, 8: 8, 16: 8}
    z = latents.code(faceworld.sample_factors(3, 9))
    w_plus = model.net.map(z)[:, None].expand(-1, model.net.n_codes, -1)
    drawn = model.net.synthesize(w_plus, noise="stored")
    assert torch.allclose(drawn, trained.render(z), atol=0.05)  # bf16 against float16 weights
    again = task(folder)
    again.start_from(path)
    assert torch.allclose(again.render(z), trained.render(z), atol=0.05)
    mean = latents.mean_w(trained.average)
    assert torch.allclose(model.extras["latent_avg"], mean, atol=2e-2 * float(mean.abs().max()))


def test_the_adversarial_term_trains_its_discriminator_late(folder: Path) -> None:
    adversarial = task(folder, size=32, adversarial=0.03)
    batch = adversarial.draw(torch.Generator().manual_seed(0))
    assert "critic" not in adversarial.train_step(batch, 0)
    adversarial.progress = 0.9
    before = [p.clone() for p in adversarial.discriminator.net.parameters()]
    assert "critic" in adversarial.train_step(batch, 16)
    after = adversarial.discriminator.net.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_mirrored_rows_change_picture_labels_and_factors_together(folder: Path) -> None:
    data = FaceShards(folder, GeneratorTask.FIELDS, "train")
    batch = data.first(2)
    mirrored = generator.mirror_some(batch, torch.tensor([False, True]))
    for name, value in mirrored.items():
        assert torch.equal(value[0], batch[name][0]), name
    assert torch.equal(mirrored["photo"][1], batch["photo"][1].flip(-1))
    assert torch.equal(
        mirrored["factors"],
        torch.stack((batch["factors"][0], faceworld.mirrored(batch["factors"])[1])),
    )
    left, right = batch["labels"][1] == Face.LEFT_EYE, mirrored["labels"][1] == Face.RIGHT_EYE
    assert torch.equal(left.flip(-1), right)
    again = generator.mirror_some(mirrored, torch.tensor([False, True]))
    assert all(torch.equal(again[name], batch[name]) for name in batch)
