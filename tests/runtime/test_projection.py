"""Projection by optimisation in shard jobs: keys, drafts that outlive a kill, batches on a GPU."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture, write_models
from unripple.conventions import BadConfig
from unripple.io.config import Config, complete
from unripple.io.results import Manifest, Results
from unripple.io.sheet import read_sheet, update_sheet
from unripple.pipeline.graph import STEPS
from unripple.pipeline.jobs import Job, job_from_config
from unripple.runtime.shard import run_shard
from unripple.stages import project
from unripple.stages.projectors import optimise
from unripple.zoo.networks import Model
from unripple.zoo.zoo import Zoo

ITERATIONS = 6
PHOTOS = ("anna", "bob", "carl")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_models(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def config(models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    Path("data/photos").mkdir(parents=True)
    for seed, name in enumerate(PHOTOS):
        Image.fromarray(picture(seed)).save(Path("data/photos", f"{name}.png"))
    return complete(
        {
            "models": models,
            "align": {"mode": "aligned"},
            "project": {"method": "optimise", "iterations": ITERATIONS},
        }
    )


def run(config: Config, results: Results, device: str = "cpu", on_progress: Any = None) -> Manifest:
    """Align and project; the manifest of `project`."""
    present = update_sheet(Path(config["photos"]))
    zoo = Zoo(config["models"], device)
    for stage in ("align", "project"):
        job = job_from_config(config, stage, None, zoo)
        photos = {row.photo for row in present}
        made = run_shard(
            job,
            "00000",
            read_sheet(Path("data/sheet.tsv")),
            photos,
            results,
            on_progress=on_progress,
        )
    return made


def codes(manifest: Manifest, results: Results) -> dict[str, Any]:
    return {photo: results.store.get(key)["w_plus"] for photo, key in manifest.keys.items()}


def test_the_encoder_alone_has_the_key_that_it_always_had(models: dict[str, str]) -> None:
    zoo = Zoo(models)
    for section in ({}, {"method": "optimise", "iterations": 0}, {"iterations": 7, "batch": 3}):
        job = job_from_config(
            complete({"models": models, "project": section}), "project", None, zoo
        )
        assert job.settings == {} and STEPS["project"].roles(job.settings) == ("encoder",)


def test_the_key_holds_what_decides_the_codes_and_nothing_else(models: dict[str, str]) -> None:
    def settings(**section: Any) -> dict[str, Any]:
        config = complete({"models": models, "project": {"method": "optimise", **section}})
        return dict(job_from_config(config, "project", None, Zoo(models)).settings)

    assert settings() == settings(batch=8) == settings(learning_rate=1)
    assert settings(optimiser="adam") != settings(optimiser="adam", learning_rate=1)
    assert settings() != settings(iterations=99)


def test_a_job_keeps_its_batch_on_its_way(models: dict[str, str]) -> None:
    config = complete({"models": models, "project": {"method": "optimise", "batch": 8}})
    job = job_from_config(config, "project", None, Zoo(models))
    again = Job.from_json("project", None, job.to_json())
    assert again.batch == 8 and again.settings == job.settings


def test_no_photo_ends_worse_than_the_encoder(config: Config, tmp_path: Path) -> None:
    told: list[tuple[str, int, int, float]] = []
    results = Results(tmp_path / "a")
    found = codes(run(config, results, on_progress=lambda *what: told.append(what)), results)
    plain = codes(run({**config, "project": complete({})["project"]}, results), results)
    for photo in PHOTOS:
        losses = [loss for name, _, _, loss in told if name == photo]
        assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
        assert not np.array_equal(found[photo], plain[photo])
        assert [i for name, i, of, _ in told if name == photo] == list(range(ITERATIONS + 1))


def test_killed_and_resumed_gives_the_bytes_of_an_undisturbed_run(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, hurt = Results(tmp_path / "calm"), Results(tmp_path / "hurt")
    wanted = codes(run(config, calm), calm)
    monkeypatch.setattr(optimise, "DRAFT_S", 0.0)

    def killed(photo: str, iteration: int, of: int, loss: float) -> None:
        if (photo, iteration) == ("bob", 4):
            os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(
        target=run, args=(config, hurt, "cpu", killed)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert len(list((hurt.store.root / "drafts").iterdir())) == 1
    hurt.sweep()  # as the next run begins
    told: dict[str, list[int]] = {}
    found = run(
        config, hurt, on_progress=lambda photo, i, of, loss: told.setdefault(photo, []).append(i)
    )
    assert told["bob"][0] == 3 and told["carl"][0] == 0 and "anna" not in told
    for photo, w_plus in codes(found, hurt).items():
        assert w_plus.tobytes() == wanted[photo].tobytes()
    assert not list((hurt.store.root / "drafts").iterdir())


@pytest.mark.parametrize("on_gpu", [False, True])
def test_a_batch_is_for_gpus_alone(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_gpu: bool
) -> None:
    config["project"]["iterations"] = 2  # more, and a random network makes much of rounding
    sizes: list[int] = []
    together = project.run_together

    def counted(works: Any, settings: Any) -> Any:
        sizes.append(len(works))
        return together(works, settings)

    monkeypatch.setattr(Model, "device", property(lambda _: _Device("cuda" if on_gpu else "cpu")))
    alone_too = {"run_together": counted, "run": lambda work, given: counted([work], given)[0]}
    for name, call in alone_too.items():
        monkeypatch.setitem(STEPS["project"].__dict__, name, call)
    alone, batched = Results(tmp_path / "alone"), Results(tmp_path / "batched")
    one_by_one = codes(run(config, alone), alone)
    sizes.clear()
    config["project"]["batch"] = 2
    found = codes(run(config, batched, device="auto"), batched)
    assert sizes == ([2, 1] if on_gpu else [1, 1, 1])
    for photo, w_plus in found.items():
        assert np.allclose(w_plus, one_by_one[photo], atol=1e-3 if on_gpu else 0)


class _Device:
    def __init__(self, kind: str) -> None:
        self.type = kind


def test_a_parser_without_features_is_named(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Zoo.load

    def other(self: Zoo, role: str) -> Model:
        model = load(self, role)
        if role == "parser":
            return Model(role, model.net, path=model.path, network="graphonomy")
        return model

    monkeypatch.setattr(Zoo, "load", other)
    with pytest.raises(BadConfig, match=r"perceptual_weight: graphonomy has no features"):
        run(config, Results(tmp_path / "a"))
