"""StyleFeatureEditor's training: both phases, what stays frozen, pairs, losses, exact resumes."""

from __future__ import annotations

import random
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint, BadConfig, UnknownName, UnrippleError
from unripple.models import sfe, sfe_flow
from unripple.training import (
    encoders,
    flow,
    latents,
    loop,
    sfe_losses,
    sfe_nets,
    shards,
    true_pairs,
)
from unripple.training import sfe as training
from unripple.training.__main__ import parser_for
from unripple.training.auxiliary import AuxiliaryLosses
from unripple.training.precision import computing
from unripple.training.schedule import Budget
from unripple.training.sfe_editor import EditorTask
from unripple.training.sfe_inverter import InverterTask, Leashes
from unripple.training.sfe_losses import Adversary
from unripple.training.shards import FaceShards, FolderPhotos
from unripple.zoo import networks

from .factor_faces import write_factor_shards
from .slim import SIZE, slim

Task = InverterTask | EditorTask
LOSSES = {"l2": sfe_losses.square, "pyramid": sfe_losses.pyramid}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_factor_shards(tmp_path_factory.mktemp("toys") / "shards", size=SIZE)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    slim(monkeypatch)
    with computing("float32"):
        yield


def helpers(folder: Path) -> tuple[Any, ...]:
    """Data, held-out data, generator and encoder of a task."""
    torch.manual_seed(0)
    return (
        FaceShards(folder, flow.FIELDS, "train"),
        FaceShards(folder, flow.FIELDS, "val"),
        loop.frozen(latents.small_generator(SIZE), "cpu"),
        (loop.frozen(encoders.small_encoder(), "cpu"), torch.zeros(latents.STYLE_DIM)),
    )


def inverter_task(folder: Path, **more: Any) -> InverterTask:
    auxiliary = AuxiliaryLosses(LOSSES, dict.fromkeys(LOSSES, 1.0))
    return InverterTask(*helpers(folder), auxiliary=auxiliary, batch_size=2, **more)


def editor_task(folder: Path, **more: Any) -> EditorTask:
    given = helpers(folder)
    inverter = loop.frozen(sfe_nets.small_inverter(), "cpu")
    auxiliary = AuxiliaryLosses(LOSSES, dict.fromkeys(LOSSES, 1.0))
    more = {"real": 0.5, **more}
    return EditorTask(*given, inverter, auxiliary=auxiliary, batch_size=4, **more)


TASKS: dict[str, Callable[[Path], Task]] = {
    "inverter": inverter_task,
    "editor": editor_task,
    "published editor": lambda folder: editor_task(
        folder, kind="plain", pairs=0.0, table=[torch.ones(latents.STYLE_DIM)]
    ),
    "with a discriminator": lambda folder: inverter_task(
        folder, adversary=Adversary(0.1, 1, "cpu")
    ),
}


def frozen_nets(task: Task) -> list[nn.Module]:
    nets: list[nn.Module] = [task.generator, task.encoder]
    return [*nets, task.inverter] if isinstance(task, EditorTask) else nets


def bits(*nets: nn.Module) -> list[Tensor]:
    return [value.clone() for net in nets for value in net.state_dict().values()]


def equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# Steps


@pytest.mark.parametrize("name", TASKS)
def test_steps_learn_and_leave_the_frozen_nets_to_the_bit(folder: Path, name: str) -> None:
    """Norms included, which drift in the published training of the editor."""
    task = TASKS[name](folder)
    frozen, learned = bits(*frozen_nets(task)), bits(*task.nets.values())
    rng = torch.Generator().manual_seed(0)
    for step in range(2):
        figures = task.train_step(task.draw(rng), step)
        assert all(torch.isfinite(value).all() for value in figures.values())
    assert equal(frozen, bits(*frozen_nets(task)))
    assert not equal(learned, bits(*task.nets.values()))
    assert not any(net.training for net in frozen_nets(task))


def test_the_inverter_learns_a_batch(folder: Path) -> None:
    task = inverter_task(folder, lr=1e-2, optimizer="adam")
    batch = task.draw(torch.Generator().manual_seed(0))
    steps = [task.train_step(batch, step) for step in range(6)]
    for name in ("pyramid", "l2", "l2_latent"):
        assert float(steps[-1][name]) < 0.98 * float(steps[0][name]), name
    assert {"psnr_db", "psnr_codes_db", "l2_latent"} <= set(task.validate())
    assert task.sample().shape == (3 * SIZE, 4 * SIZE, 3)


def test_the_editor_learns_a_batch(folder: Path) -> None:
    task = editor_task(folder, lr=1e-2, optimizer="adam")
    batch = task.draw(torch.Generator().manual_seed(0))
    steps = [task.train_step(batch, step) for step in range(8)]
    for name in ("pyramid", "flow_px", "left"):
        assert float(steps[-1][name]) < 0.98 * float(steps[0][name]), name
    figures = task.validate()
    assert {"psnr_db", "edit_psnr_db", "edit_psnr_e4e_db", "inner_ghost", "flow_px"} <= set(figures)
    assert task.sample().shape == (5 * SIZE, 4 * SIZE, 3)


def test_a_new_inverter_draws_what_its_codes_draw_and_little_more(folder: Path) -> None:
    task = inverter_task(folder)
    photo = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    with torch.no_grad():
        drawn = task.inverted(task.average, photo, admitted=0.0)
        assert torch.allclose(drawn.restored, drawn.plain, atol=1e-5)
        whole = task.generator.synthesize(drawn.w_plus, noise="none")
        assert torch.allclose(drawn.plain, whole, atol=1e-4)
        let_in = task.inverted(task.average, photo)
        entered = sfe.rendered(task.generator, task.generator.styles(drawn.w_plus), drawn.fused)
        assert torch.allclose(let_in.restored, entered, atol=1e-4)


def test_features_are_let_in_by_and_by() -> None:
    assert Leashes().admitted(0) == 1
    assert [Leashes(ramp=4).admitted(step) for step in (0, 1, 4, 9)] == [0, 0.25, 1, 1]


def test_a_new_editor_takes_the_change_away(folder: Path) -> None:
    features, change, before = torch.randn(3, 2, 8, 32, 32).unbind(0)
    plain = sfe_nets.small_editor("plain").eval()
    assert torch.allclose(plain(features, change), features - change, atol=1e-5)
    ours = sfe_nets.small_editor("flow").eval()
    with torch.no_grad():
        none = torch.zeros_like(change)
        still = ours(features, none, sfe_flow.Led(before, before.flip(1)))
    assert torch.allclose(still, features, atol=1e-4)


# What a batch asks for


def test_a_batch_has_its_shares(folder: Path) -> None:
    table = [torch.full((latents.STYLE_DIM,), float(n)) for n in (1, 2)]
    rng = torch.Generator().manual_seed(0)
    mixed = editor_task(folder, real=0.25, pairs=0.67, table=table)
    batch = mixed.draw(rng)
    assert len(batch["photo"]) == 3 and len(batch["target_photo"]) == 2
    assert len(batch["drawn_photo"]) == len(batch["drawn_edit"]) == 1
    edits = mixed.edits(batch)
    assert len(edits.photo) == 4
    assert torch.equal(edits.guide[0], edits.edited[0])
    assert torch.equal(edits.photo[0], edits.target[0])
    added = table[int(batch["drawn_edit"][0])]
    assert torch.allclose(edits.edited[3] - edits.guide[3], added.expand(10, -1), atol=1e-5)
    drawn = mixed.generator.synthesize(edits.edited[3:], noise="none").clamp(-1, 1)
    assert torch.allclose(edits.target[3:], drawn, atol=1e-4)
    assert not torch.equal(edits.observed[1:3], torch.ones_like(edits.observed[1:3]))
    assert torch.equal(edits.person[1] * 255, batch["target_alpha"][:1].float())


def test_all_may_be_drawn_again(folder: Path) -> None:
    task = editor_task(folder, real=0.0, pairs=0.0, table=[torch.ones(latents.STYLE_DIM)])
    batch = task.draw(torch.Generator().manual_seed(0))
    assert set(batch) == {"drawn_photo", "drawn_edit"}
    assert "flow_px" not in task.train_step(batch, 0)


def test_a_plain_folder_of_photos_will_do(tmp_path: Path) -> None:
    """The layout of FFHQ: e4e's codes stand for the true ones, the generator makes the pairs."""
    for n in range(3):
        pixels = torch.randint(0, 255, (SIZE, SIZE, 3), dtype=torch.uint8).numpy()
        Image.fromarray(pixels).save(tmp_path / f"{n:05d}.png")
    photos = [FolderPhotos(tmp_path, SIZE, split) for split in ("train", "val")]
    generator = loop.frozen(latents.small_generator(SIZE), "cpu")
    encoder = (loop.frozen(encoders.small_encoder(), "cpu"), torch.zeros(latents.STYLE_DIM))
    shared: dict[str, Any] = {
        "auxiliary": AuxiliaryLosses(LOSSES, dict.fromkeys(LOSSES, 1.0)),
        "batch_size": 2,
    }
    first = InverterTask(*photos, generator, encoder, **shared)
    table = [torch.ones(latents.STYLE_DIM)]
    second = EditorTask(
        *photos, generator, encoder, first.average, real=0.5, pairs=0.0, table=table, **shared
    )
    tasks: list[Task] = [first, second]
    for task in tasks:
        batch = task.draw(torch.Generator().manual_seed(0))
        assert all(value.isfinite() for value in task.train_step(batch, 0).values())
        assert "edit_psnr_db" not in task.validate() and task.sample().shape[1] == SIZE


def test_special_pictures_are_looked_at_in_both_phases(folder: Path, tmp_path: Path) -> None:
    for name in ("b", "a"):
        Image.new("RGB", (80, 80), (200, 90, 40)).save(tmp_path / f"{name}.png")
    special = shards.read_photos(tmp_path, SIZE)
    assert inverter_task(folder, special=special).sample().shape == (3 * SIZE, 2 * SIZE, 3)
    table = [torch.full((latents.STYLE_DIM,), float(n)) for n in (1, 2)]
    shown = editor_task(folder, special=special, table=table).sample()
    assert shown.shape == ((2 + 2 * len(table)) * SIZE, 2 * SIZE, 3)
    with pytest.raises(UnrippleError, match="no pictures"):
        shards.read_photos(folder, SIZE)


# Resuming


class Killed(BaseException):
    """Stands for a process that ends between two steps."""


@pytest.mark.parametrize(
    ("name", "how"),
    [("inverter", "asked"), ("editor", "killed"), ("with a discriminator", "killed")],
)
def test_a_stopped_training_ends_in_the_same_bits(
    folder: Path, tmp_path: Path, name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    at, steps = random.randrange(1, 3), {"compute": "float32", "budget": Budget(steps=3)}
    whole = TASKS[name](folder)
    loop.fit(whole, tmp_path / "whole", **steps)  # type: ignore[arg-type]

    stopped = TASKS[name](folder)
    take = stopped.train_step

    def step_or_end(batch: loop.Batch, step: int) -> loop.Figures:
        if step == at:
            if how == "killed":
                raise Killed
            os.kill(os.getpid(), signal.SIGTERM)
        return take(batch, step)

    monkeypatch.setattr(stopped, "train_step", step_or_end)
    parts: dict[str, Any] = {**steps, "save_minutes": 0}
    try:
        loop.fit(stopped, tmp_path / "parts", **parts)
    except Killed:
        assert how == "killed"
    resumed = TASKS[name](folder)
    clock, finished = loop.fit(resumed, tmp_path / "parts", **parts)
    assert finished and clock.step == 3, f"stopped at {at}"
    for one, other in ((whole.nets, resumed.nets), (whole.ema, resumed.ema)):
        assert equal(bits(*one.values()), bits(*other.values())), f"stopped at {at}"


# Exports


def test_the_exports_are_what_the_stages_load(folder: Path, tmp_path: Path) -> None:
    first = inverter_task(folder)
    loop.fit(first, tmp_path / "run", budget=Budget(steps=2), compute="float32")
    (path,) = first.export(tmp_path)
    inverter = networks.load("inverter", path, torch.device("cpu"))
    assert inverter.size_px == SIZE
    photo = first.held_out["photo"].float() / 127.5 - 1
    with torch.no_grad():
        ours, (codes, predicted) = first.inverted(first.average, photo), inverter.net(photo)
        fused = sfe.fused(inverter.net, first.generator, codes, predicted)
    assert torch.allclose(codes, ours.w_plus, atol=0.02)
    assert torch.allclose(fused, ours.fused, atol=0.05 * float(fused.abs().max()))

    for kind in ("flow", "plain"):
        second = editor_task(folder, kind=kind, name=f"editor_{kind}")
        second.inverter.load_state_dict(first.average.state_dict())
        (path,) = second.export(tmp_path)
        assert path.name == f"editor_{kind}.safetensors"
        editor = networks.load("sfe_editor", path, torch.device("cpu")).net
        batch = second.edits(true_pairs.swapped(second.held_out))
        trained, _ = second.judged(batch)
        with torch.no_grad():
            guides = [second.generator.styles(codes) for codes in (batch.guide, batch.edited)]
            change = sfe.change(second.generator, *guides, predicted.shape[-1])
            moved = codes + (batch.edited - batch.guide)
            led = sfe_flow.Led(
                *(
                    sfe.drawn(second.generator, styles, predicted.shape[-1])
                    for styles in (guides[0], second.generator.styles(moved))
                )
            )
            edited = sfe_flow.edited(editor, fused, change, lambda led=led: led)
            stored = sfe.rendered(second.generator, second.generator.styles(moved), edited)
        assert torch.allclose(stored, trained, atol=0.05 * float(stored.abs().max())), kind


def test_the_second_phase_starts_from_the_first_ones_run(folder: Path, tmp_path: Path) -> None:
    task = inverter_task(folder)
    loop.fit(task, tmp_path / "run", budget=Budget(steps=1), compute="float32")
    loaded = sfe_nets.load_inverter(tmp_path / "run")
    assert equal(bits(loaded), bits(task.average)) and not loaded.training
    again = inverter_task(folder)
    again.start_from(tmp_path / "run")
    assert equal(bits(again.net), bits(task.average))
    with pytest.raises(BadCheckpoint, match="trained inverter, no sfe_editor"):
        editor_task(folder).start_from(tmp_path / "run")


# The command line


def chosen(*words: str) -> Namespace:
    return parser_for("sfe").parse_args(words)


def test_the_phases_have_folders_and_names_of_their_own() -> None:
    assert chosen().out is None
    assert chosen("--out", "runs/mine").out == Path("runs/mine")


def test_pairs_need_shards(folder: Path, tmp_path: Path) -> None:
    data = ("--data", str(folder))
    assert training.share_of_pairs(chosen(*data)) == 1
    assert training.share_of_pairs(chosen(*data, "--pairs", "mixed")) == 0.5
    assert training.share_of_pairs(chosen("--data", str(tmp_path))) == 0
    with pytest.raises(UnrippleError, match="--pairs true: plain photos"):
        training.share_of_pairs(chosen("--data", str(tmp_path), "--pairs", "true"))
    with pytest.raises(BadConfig, match=r"--real 1\.5"):
        training.share_of_pairs(chosen(*data, "--real", "1.5"))


def test_the_table_of_edits_is_thirteen_directions_or_ones_own(tmp_path: Path) -> None:
    assert len(training.EDITS) == 13
    assert len(training.edit_table(chosen())) == sum(map(len, training.EDITS.values()))
    own = tmp_path / "edits.yaml"
    own.write_text("smile: [2, -4]\n")
    two, minus_four = training.edit_table(chosen("--edits", str(own)))
    assert torch.allclose(minus_four, -2 * two)
    own.write_text("smile: 2\n")
    with pytest.raises(BadConfig, match="list of powers"):
        training.edit_table(chosen("--edits", str(own)))
    own.write_text("smiles: [2]\n")
    with pytest.raises(UnknownName, match="no direction 'smiles'"):
        training.edit_table(chosen("--edits", str(own)))


# Losses


def test_only_what_weighs_is_loaded() -> None:
    found = sfe_losses.load(chosen("--l2", "0.5", "--pyramid", "0"))
    assert found.weights == {"l2": 0.5}
    with pytest.raises(BadCheckpoint, match="--moco-weights"):
        sfe_losses.load(chosen("--moco", "0.5"))


def test_the_adversary_waits_and_its_r1_is_lazy(folder: Path) -> None:
    late = Adversary(0.1, 3, "cpu")
    picture, whole = torch.rand(2, 3, SIZE, SIZE), torch.ones(2, 1, SIZE, SIZE)
    assert not late.fooled(picture, picture, whole, 2) and not late.learn(
        picture, picture, whole, 2
    )
    assert set(late.fooled(picture, picture, whole, 3)) == {"adversarial"}
    assert set(late.learn(picture, picture, whole, 3)) == {"discriminator"}
    assert not Adversary(0.0, 0, "cpu").nets


def test_moco_is_read_from_its_own_layout(tmp_path: Path) -> None:
    from unripple.models.layers.resnet50 import ResNet50

    torch.manual_seed(0)
    trunk = ResNet50((4, 8, 8, 8, 8), (1, 1, 1, 1)).eval()
    state = {f"module.encoder_q.{key}": value for key, value in trunk.state_dict().items()}
    state["module.encoder_q.fc.0.weight"] = torch.zeros(4, 8)
    state["module.queue"] = torch.zeros(8, 3)
    path = tmp_path / "moco.pt"
    torch.save({"state_dict": state}, path)
    distance = sfe_losses.moco(chosen("--moco", "1", "--moco-weights", str(path)))
    one, other = torch.rand(2, 2, 3, 32, 32).unbind(0)
    assert float(distance(one, one)) == pytest.approx(0, abs=1e-6)
    assert float(distance(one, other)) > 0
    torch.save({"state_dict": trunk.state_dict()}, path)
    with pytest.raises(BadCheckpoint, match=r"begin with module\.encoder_q"):
        sfe_losses.moco(chosen("--moco", "1", "--moco-weights", str(path)))


def test_lpips_scales_are_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    from unripple.models.lpips import VGG16, Weights

    torch.manual_seed(0)
    nets = {"lpips_trunk": VGG16((2, 2, 2, 2, 2)), "lpips_head": Weights((2, 2, 2, 2, 2))}

    class Small:
        def __init__(self, models: object) -> None:
            assert models == {"lpips_trunk": "vgg16", "lpips_head": "lpips_vgg"}

        def load(self, role: str) -> Namespace:
            return Namespace(net=nets[role])

    monkeypatch.setattr(sfe_losses, "Zoo", Small)
    for head in nets["lpips_head"].parameters():
        nn.init.uniform_(head)
    one, other = torch.rand(2, 1, 3, SIZE, SIZE).unbind(0)
    parts = [float(sfe_losses.lpips(chosen(), (side,))(one, other)) for side in (256, 128, 64)]
    summed = float(sfe_losses.lpips(chosen(), sfe_losses.LPIPS_SIDES_PX)(one, other))
    assert summed == pytest.approx(sum(parts), rel=1e-5) and min(parts) > 0
