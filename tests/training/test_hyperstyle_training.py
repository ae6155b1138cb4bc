"""HyperStyle's training: starts, a backward pass for each iteration, resuming, the export."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.tiny import save_model
from unripple.conventions import BadCheckpoint, BadConfig
from unripple.models.bisenet import normalised
from unripple.models.hyperstyle import Hypernet, refined
from unripple.models.layers.resnet18 import ResNet18
from unripple.models.w_encoder import WEncoder
from unripple.training import __main__ as door
from unripple.training import (
    auxiliary,
    encoders,
    grids,
    hypernet,
    hyperstyle,
    latents,
    loop,
    moco,
    precision,
    starts,
)
from unripple.training.hyperstyle import HyperstyleTask
from unripple.training.schedule import Budget
from unripple.training.shards import FaceShards, FolderPhotos
from unripple.zoo import networks

from .factor_faces import write_factor_shards
from .slim import SIZE, slim

THIN = {"widths": (4, 8, 4, 8, 4), "units": (1, 1, 1, 1)}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    slim(monkeypatch)
    monkeypatch.setattr(hypernet, "SMALL", {**THIN, "code": 8, "shared_inner": 4, "inner": 6})
    monkeypatch.setattr(hyperstyle, "VALIDATION_FACES", 4)
    with precision.computing("float32"):
        yield


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_factor_shards(tmp_path_factory.mktemp("toys"), size=SIZE)


def options(**other: Any) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    hyperstyle.add_arguments(parser)
    chosen = {**vars(parser.parse_args([])), "perceptual": 0.0, "identity": 0.0, **other}
    return argparse.Namespace(**{"device": "cpu", "models": Path("data/models"), **chosen})


def frozen_nets() -> tuple[Any, Any]:
    torch.manual_seed(0)
    generator = loop.frozen(latents.small_generator(SIZE), "cpu")
    return generator, loop.frozen(encoders.small_encoder(), "cpu")


def small_task(folder: Path, shards: Path, *, separable: bool = False, **how: Any) -> Any:
    generator, encoder = frozen_nets()
    net = Hypernet(**hypernet.sizes_for(options(separable=separable), generator))
    mean = torch.randn(latents.STYLE_DIM)
    data, held_out = (
        starts.extracted(
            FaceShards(shards, ("photo",), split),
            lambda photo: encoder(photo).float() + mean,
            generator,
            folder=folder / split,
            made_by="these",
            most=4,
        )
        for split in ("train", "val")
    )
    how = {"iterations": 2, "batch_size": 2, "lr": 1e-2} | how
    losses = auxiliary.AuxiliaryLosses()
    return HyperstyleTask(net, data, held_out, generator, auxiliary=losses, **how)


def gradients(task: HyperstyleTask) -> dict[str, Tensor]:
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in task.net.named_parameters()
    }


def shown(batch: loop.Batch) -> tuple[Tensor, Tensor, Tensor]:
    return (grids.from_uint8(batch["photo"]), batch["w_plus"], grids.from_uint8(batch["drawn"]))


@pytest.mark.parametrize("separable", [False, True])
def test_a_step_learns_and_leaves_the_frozen_nets_alone(
    tmp_path: Path, shards: Path, separable: bool
) -> None:
    task = small_task(tmp_path, shards, separable=separable)
    before = [p.clone() for p in task.generator.parameters()]
    batch = task.draw(torch.Generator().manual_seed(0))
    figures = [task.train_step(batch, step) for step in range(8)]
    assert float(figures[-1]["l2_last"]) < 0.9 * float(figures[0]["l2_last"])
    assert all(map(torch.equal, before, task.generator.parameters()))
    silent = [name for name, gradient in gradients(task).items() if not gradient.any()]
    assert not silent
    told = task.validate()
    assert {"psnr_start_db", "psnr_1_db", "psnr_2_db", "total"} <= set(told)
    assert task.sample().shape == (5 * SIZE, 4 * SIZE, 3)


def test_every_iteration_has_a_backward_pass_of_its_own(
    tmp_path: Path, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step's gradient is the sum of each iteration's, everything before that one being given."""
    task = small_task(tmp_path, shards, iterations=3)
    task.net.eval()  # so that the norms see the same thing each time
    photo, w_plus, first = shown(task.draw(torch.Generator().manual_seed(0)))
    sums = {name: torch.zeros_like(p) for name, p in task.net.named_parameters()}
    offsets: dict[int, Tensor] = {}
    picture = first
    for _ in range(3):
        own = task.net.offsets(task.net(photo, picture)[:, None], 1)
        offsets = {n: own[n] + offsets.get(n, 0) for n in own}
        drawn = task.generator.synthesize(w_plus, weight_offsets=offsets)
        found = torch.autograd.grad((drawn - photo).square().mean(), task.net.parameters())
        sums = {name: sums[name] + g for name, g in zip(sums, found, strict=True)}
        offsets = {n: offset.detach() for n, offset in offsets.items()}
        picture = drawn.detach()

    passes = []
    backward = torch.autograd.backward
    monkeypatch.setattr(torch.autograd, "backward", lambda *a: (passes.append(1), backward(*a)))
    before, picture = {}, first
    for _ in range(3):
        before, picture, figures = task.iterate(photo, w_plus, picture, before)
        given = [picture, *before.values(), *figures.values()]
        assert not any(value.requires_grad for value in given)
    assert len(passes) == 3
    for name, gradient in gradients(task).items():
        assert torch.allclose(gradient, sums[name], atol=1e-6), name


def test_the_iterations_of_a_training_are_those_of_the_stage(tmp_path: Path, shards: Path) -> None:
    task = small_task(tmp_path, shards)
    task.net.eval()
    photo, w_plus, picture = shown(task.draw(torch.Generator().manual_seed(0)))
    before: dict[int, Tensor] = {}
    with torch.no_grad():
        # The stage begins with what the codes draw; the training keeps that as bytes.
        picture = task.generator.synthesize(w_plus)
        steps = list(refined(task.net, task.generator, photo, w_plus, iterations=2))
    for step in steps:
        before, picture, _ = task.iterate(photo, w_plus, picture, before)
        assert torch.allclose(picture, step.picture, atol=1e-4)


def test_iterations_are_added_over_a_share_of_the_budget(tmp_path: Path, shards: Path) -> None:
    task = small_task(tmp_path, shards, iterations=5, grow=0.5)
    found = []
    for task.progress in (0.0, 0.24, 0.26, 0.5, 1.0):
        found.append(task.iterations_now())
    assert found == [1, 2, 3, 5, 5]
    assert small_task(tmp_path, shards, iterations=5).iterations_now() == 5


def test_a_killed_training_ends_as_an_uninterrupted_one(tmp_path: Path, shards: Path) -> None:
    def run(task: Any, name: str) -> Any:
        how: Any = {"budget": Budget(steps=4), "save_minutes": 0, "compute": "float32"}
        return loop.fit(task, tmp_path / name, **how)

    whole = small_task(tmp_path, shards)
    run(whole, "whole")
    killed = small_task(tmp_path, shards)
    step = killed.train_step

    def dies(batch: loop.Batch, number: int) -> Any:
        if number == 2:
            raise KeyboardInterrupt
        return step(batch, number)

    killed.train_step = dies
    with pytest.raises(KeyboardInterrupt):
        run(killed, "killed")
    resumed = small_task(tmp_path, shards)
    clock, finished = run(resumed, "killed")
    assert finished and clock.step == 4
    for net, other in ((whole.net, resumed.net), (whole.average, resumed.average)):
        for (name, value), again in zip(
            net.state_dict().items(), other.state_dict().values(), strict=True
        ):
            assert torch.equal(value, again), name


def test_the_best_weights_are_exported_not_the_last(tmp_path: Path, shards: Path) -> None:
    task = small_task(tmp_path, shards)
    task.best.offer(task.average, 1.0)
    best = {name: value.clone() for name, value in task.average.state_dict().items()}
    with torch.no_grad():
        for weight in task.average.parameters():
            weight.add_(1.0)
    task.best.offer(task.average, 2.0)
    (path,) = task.export(tmp_path / "models")
    model = networks.load("hypernet", path, torch.device("cpu"))
    assert model.size_px == SIZE and model.metadata["framing"]
    for name, value in model.net.state_dict().items():
        assert torch.allclose(value, best[name], atol=1e-3), name
    task.keep = "last"
    (path,) = task.export(tmp_path / "models")
    last = networks.load("hypernet", path, torch.device("cpu")).net.state_dict()
    assert torch.allclose(last["conv1.weight"], best["conv1.weight"] + 1, atol=1e-2)


def test_starts_are_made_once_and_again_for_other_networks(tmp_path: Path, shards: Path) -> None:
    generator, encoder = frozen_nets()
    asked = []

    def encode(photo: Tensor) -> Tensor:
        asked.append(len(photo))
        return encoder(photo).float()

    def made(made_by: str, most: int) -> starts.Starts:
        photos = FaceShards(shards, ("photo",), "train")
        how: Any = {"folder": tmp_path, "made_by": made_by, "most": most}
        return starts.extracted(photos, encode, generator, **how)

    first = made("these", 10)
    assert len(first) == sum(asked) == 10
    batch = made("these", 10).batch(3, torch.Generator().manual_seed(1))
    assert sum(asked) == 10
    w_plus, photo = encoder(grids.from_uint8(batch["photo"])).float(), batch["photo"]
    assert torch.allclose(batch["w_plus"], w_plus, atol=1e-4)
    drawn = (generator.synthesize(w_plus).clamp(-1, 1) + 1) * 127.5
    assert float((batch["drawn"].float() - drawn).abs().max()) < 0.6
    assert photo.shape == batch["drawn"].shape
    made("others", 10)
    made("others", 11)
    (tmp_path / "starts-00000.safetensors").write_bytes(b"cut short")
    made("others", 11)
    assert sum(asked) == 10 + 10 + 11 + 11


def test_starts_may_be_codes_of_w(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = frozen_nets()[0]
    net = WEncoder(**THIN, style_dim=latents.STYLE_DIM)
    state = net.state_dict() | {"latent_avg": torch.ones(latents.STYLE_DIM)}
    save_model(tmp_path / "w.safetensors", state, arch="w_encoder", role="w_encoder", size=SIZE)
    encode, _ = starts.load_start(tmp_path / "w.safetensors", generator, "cpu")
    photo = torch.randn(2, 3, SIZE, SIZE)
    codes = encode(photo)
    assert codes.shape == (2, generator.n_codes, latents.STYLE_DIM)
    assert torch.allclose(codes[:, 3], net.eval()(photo)[:, 0] + 1, atol=1e-4)


def test_a_folder_of_photos_is_learned_from_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFHQ's layout: no shards, no truth."""
    monkeypatch.setattr(latents, "load_generator", lambda *_: None)
    generator, encoder = frozen_nets()
    monkeypatch.setattr(hyperstyle, "load_generator", lambda *_: generator)
    mean = torch.zeros(latents.STYLE_DIM)
    monkeypatch.setattr(starts, "load_encoder", lambda *_: (encoder, mean))
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        picture = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number:05d}.png")
    words = ["hyperstyle", "--data", str(tmp_path / "photos"), "--out", str(tmp_path / "run")]
    words += ["--models", str(tmp_path / "models"), "--iterations", "2", "--batch", "1"]
    words += ["--perceptual", "0", "--identity", "0", "--device", "cpu", "--steps", "1"]
    words += ["--optimizer", "ranger", "--precision", "float32"]
    assert door.main(words) == 0
    assert (tmp_path / "models" / "hypernet.safetensors").exists()
    assert "psnr_2_db" in (tmp_path / "models" / "hypernet.md").read_text()
    assert len(FolderPhotos(tmp_path / "photos", SIZE, "train")) == 3


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"identity": 0.1, "moco": 0.5}, "set one of them to 0"),
        ({"iterations": 0}, "one at least"),
        ({"grow": 1.5}, "from 0 to 1"),
        ({"photos": 0}, "one photo at least"),
    ],
)
def test_options_that_make_no_training_are_refused(other: Any, told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        hyperstyle.check(options(**other))


def test_layers_follow_the_generator() -> None:
    generator = frozen_nets()[0]
    assert hypernet.sizes_for(options(), generator)["layers"] == (0, 2, 3, 8, 9, 11, 12)
    published = hypernet.sizes_for(options(published_size=True), generator)
    assert published["layers"] == (0, 2, 3, 5, 6, 8, 9, 11, 12) and "widths" not in published
    assert hypernet.sizes_for(options(layers=[1, 4]), generator)["layers"] == (1, 4)
    with pytest.raises(BadConfig, match="--layers 14: this generator has layers 0 to 13"):
        hypernet.sizes_for(options(layers=[2, 14]), generator)


@pytest.mark.parametrize("parser", [True, False])
def test_a_trunk_that_looks_at_one_picture_is_where_to_start(
    tmp_path: Path, parser: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    resnet = ResNet18(THIN["widths"], stem_stride=2 if parser else 4).eval()
    torch.nn.init.normal_(resnet.bn1.running_mean)
    if parser:
        path = tmp_path / "parser.safetensors"
        state = {f"cp.resnet.{key}": value for key, value in resnet.state_dict().items()}
        save_model(path, state | {"conv_out.weight": torch.ones(1)}, arch="bisenet", size=SIZE)
    else:
        path = tmp_path / "resnet.pth"
        torch.save(resnet.state_dict() | {"fc.weight": torch.ones(1)}, path)
    monkeypatch.setattr(hypernet, "DRAWN", 0.0)
    small = {"code": 8, "shared_inner": 4, "inner": 6, "halvings": 2}
    sizes: Any = {"layers": (0,), "channels": latents.CHANNELS, **small}
    net = Hypernet(**sizes, widths=THIN["widths"], units=(2, 2, 2, 2)).eval()
    hypernet.take_trunk(net, path)
    photo = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    inside = (..., slice(3, -3), slice(3, -3))  # padding is black there, and grey here
    wanted = torch.relu(resnet.bn1(resnet.conv1(normalised(photo))))
    stem = net.relu(net.bn1(net.conv1(torch.cat([photo, -photo], 1))))
    assert torch.allclose(stem[inside], wanted[inside], atol=2e-2 if parser else 1e-4)
    last = resnet.layer4[1].conv2.weight
    assert torch.allclose(net.body[7].conv2.weight, last, atol=1e-3)
    other = Hypernet(**sizes, **THIN)
    with pytest.raises(BadCheckpoint, match="no trunk of these sizes"):
        hypernet.take_trunk(other, path)


class Mean(torch.nn.Module):
    """The mean colour, in place of ResNet-50."""

    def forward(self, picture: Tensor) -> Tensor:
        return picture.mean((2, 3), keepdim=True)


def test_moco_takes_one_picture_as_well_as_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published code squeezes a batch of one away."""
    file = tmp_path / "moco.pth.tar"
    keys = {moco.PREFIX + "conv1.weight": torch.ones(1), moco.PREFIX + "fc.0.weight": torch.ones(1)}
    torch.save({"state_dict": keys, "epoch": 800}, file)
    monkeypatch.setattr(moco, "network", lambda state: Mean() if list(state) else None)
    with pytest.raises(BadConfig, match="--moco-file"):
        moco.distance(options(moco=0.5))
    distance = moco.distance(options(moco=0.5, moco_file=file))
    red, blue = torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)
    red[:, 0], blue[:, 2] = 1, 1
    assert float(distance(red, red)) == pytest.approx(0, abs=1e-6)
    for count in (1, 2):
        assert float(distance(red[:count], blue[:count])) == pytest.approx(1)
    torch.save({"state_dict": {"conv1.weight": torch.ones(1)}}, file)
    with pytest.raises(BadCheckpoint, match=r"no keys module\.encoder_q"):
        moco.distance(options(moco=0.5, moco_file=file))


def test_mocos_trunk_is_torchvisions() -> None:
    from torchvision.models import resnet50

    with torch.device("meta"):
        state = resnet50().state_dict()
    filled = {name: torch.zeros(value.shape) for name, value in state.items() if "fc." not in name}
    net = moco.network(filled)
    assert net.fc(torch.ones(1)) == 1
    del filled["conv1.weight"]
    with pytest.raises(BadCheckpoint, match="--moco-file"):
        moco.network(filled)


def test_lpips_is_taken_from_the_files_that_are_named(tmp_path: Path) -> None:
    from unripple.models.lpips import LPIPS, AlexNet, Weights

    torch.manual_seed(0)
    trunk, head = AlexNet((4, 5, 6, 5, 4)), Weights((4, 5, 6, 5, 4))
    for role, net in (("trunk", trunk), ("head", head)):
        save_model(tmp_path / f"{role}.safetensors", net.state_dict(), arch=role, size=SIZE)
    files = [str(tmp_path / "trunk.safetensors"), str(tmp_path / "head.safetensors")]
    losses = auxiliary.load(options(lpips=0.8, lpips_files=files))
    one, other = torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 3, SIZE, SIZE)
    assert losses.weights == {"lpips": 0.8}
    wanted = LPIPS(trunk.half().float(), head.half().float())(one, other).mean()
    assert torch.allclose(losses(one, other)["lpips"], wanted, rtol=1e-4)
