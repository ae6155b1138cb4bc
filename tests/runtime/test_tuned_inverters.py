"""PTI, HyperStyle and the projectors beside them in shard jobs, on networks of seconds."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny import (
    CHANNELS,
    CODES,
    REPO,
    SIZE,
    W,
    picture,
    save_model,
    write_directions,
    write_models,
)
from unripple.conventions import BadConfig, UnrippleError
from unripple.io.config import Config, complete
from unripple.io.results import Manifest, Results
from unripple.io.sheet import read_sheet, update_sheet
from unripple.metrics.fidelity import psnr
from unripple.models import hyperstyle, psp, restyle, w_encoder
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.editor import Editor
from unripple.runtime.shard import run_shard
from unripple.stages.inverters import hyperstyle as hyperstyle_stage
from unripple.stages.inverters import pti
from unripple.stages.projectors import pivot
from unripple.zoo.zoo import Zoo

PHOTOS = ("anna", "bob")
THIN = {"widths": (4, 8, 4, 8, 4), "units": (1, 1, 1, 1)}
STEPS = 4
PTI = {"method": "pti", "pti": {"steps": STEPS, "learning_rate": 0.01, "tune": "steps"}}
LAYERS = (0, 2, 3, 5, 6, 8, 9, 11, 12)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    others = write_models(folder)  # a small hypernetwork among them
    torch.manual_seed(1)
    slim = {"style_dim": W, "n_codes": CODES}
    nets = {
        "hypernet": hyperstyle.Hypernet(
            LAYERS, CHANNELS, **THIN, code=12, shared_inner=5, inner=7, halvings=2
        ),
        "w_encoder": w_encoder.WEncoder(**THIN, style_dim=W),
        "restyle": restyle.RestyleEncoder(**THIN, **slim, side=4),
        "psp": psp.PSPEncoder(SIZE, **THIN, **slim),
    }
    for role, net in nets.items():
        mean = {} if role == "hypernet" else {"latent_avg": torch.full((W,), 0.1)}
        network = {"network": "psp"} if role == "psp" else {}
        save_model(
            folder / f"{role}.safetensors",
            {**net.state_dict(), **mean},
            arch=role,
            size=SIZE,
            **network,
        )
    return others | {role: str(folder / f"{role}.safetensors") for role in nets}


@pytest.fixture
def config(models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    Path("data/photos").mkdir(parents=True)
    for seed, name in enumerate(PHOTOS):
        Image.fromarray(picture(seed)).save(Path("data/photos", f"{name}.png"))
    chosen = {role: path for role, path in models.items() if role != "psp"}
    return {
        "models": chosen,
        "align": {"mode": "aligned"},
        "directions": write_directions(tmp_path / "directions.safetensors"),
        "edits": [{"name": "happy", "direction": "smile", "degree": 2}],
    }


def run(
    config: Any, results: Results, tell: Any = None, photos: tuple[str, ...] = PHOTOS
) -> dict[str, Manifest]:
    """Through the stages up to edit; manifests by stage."""
    ready: Config = complete(config)
    update_sheet(Path(ready["photos"]))
    zoo, made = Zoo(ready["models"]), {}
    places = {"align": None, "project": None, "invert": None, "translate": "happy", "edit": "happy"}
    for stage, of in places.items():
        job = job_from_config(ready, stage, of, zoo)
        rows = read_sheet(Path("data/sheet.tsv"))
        made[stage] = run_shard(job, "00000", rows, set(photos), results, on_progress=tell)
        assert not made[stage].failures, made[stage].failures
    return made


def parts(made: Manifest, results: Results) -> dict[str, Any]:
    return {photo: results.store.get(key) for photo, key in made.keys.items()}


# Pivotal tuning


def test_a_photo_s_edit_is_drawn_by_its_own_generator(config: Any, tmp_path: Path) -> None:
    results = Results(tmp_path / "a")
    made = run({**config, "invert": PTI}, results)
    plain = run({**config, "invert": {"method": "e4e"}}, results)
    inverted, drawn = parts(made["invert"], results), parts(plain["invert"], results)
    for photo in PHOTOS:
        truth = np.asarray(Image.open(Path("data/photos", f"{photo}.png"))).astype(int)
        errors = [np.square(one[photo]["picture"] - truth).mean() for one in (inverted, drawn)]
        assert errors[0] < 0.9 * errors[1]
        assert inverted[photo]["difference"].dtype == np.float16
        assert "residual" not in inverted[photo]
    edits, plainly = parts(made["edit"], results), parts(plain["edit"], results)
    for photo in PHOTOS:
        assert not np.array_equal(edits[photo]["picture"], plainly[photo]["picture"])
        assert not np.array_equal(edits[photo]["picture"], inverted[photo]["picture"])
    assert not np.array_equal(*(inverted[photo]["difference"] for photo in PHOTOS))


def test_photos_of_a_shard_have_no_influence_on_each_other(config: Any, tmp_path: Path) -> None:
    together, alone = Results(tmp_path / "together"), Results(tmp_path / "alone")
    both = parts(run({**config, "invert": PTI}, together)["invert"], together)
    one = parts(run({**config, "invert": PTI}, alone, photos=("bob",))["invert"], alone)
    for name, part in one["bob"].items():
        assert both["bob"][name].tobytes() == part.tobytes()


@pytest.mark.parametrize("slow", ["pti", "pivot"])
def test_killed_and_resumed_gives_the_bytes_of_an_undisturbed_run(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    if slow == "pti":
        config, stage, module = {**config, "invert": PTI}, "invert", pti
    else:
        own = {"method": "pivot", "pivot": {"steps": STEPS}}
        config = {**config, "project": own, "invert": {"method": "e4e"}}
        stage, module = "project", pivot
    calm, hurt = Results(tmp_path / "calm"), Results(tmp_path / "hurt")
    wanted = parts(run(config, calm)[stage], calm)
    monkeypatch.setattr(module, "DRAFT_S", 0.0)

    def killed(photo: str, step: int, of: int, loss: float) -> None:
        if (photo, step) == ("bob", 3):
            os.kill(os.getpid(), signal.SIGKILL)

    context = multiprocessing.get_context("fork")
    child = context.Process(target=run, args=(config, hurt, killed))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert len(list((hurt.store.root / "drafts").iterdir())) == 1
    hurt.sweep()  # as the next run begins
    told: dict[str, list[int]] = {}
    found = run(config, hurt, lambda photo, i, of, loss: told.setdefault(photo, []).append(i))
    assert told["bob"][0] in (2, 3) and "anna" not in told
    for photo, made in parts(found[stage], hurt).items():
        for name, part in made.items():
            assert part.tobytes() == wanted[photo][name].tobytes()
    assert not list((hurt.store.root / "drafts").iterdir())


def test_auto_ends_by_itself(config: Any, tmp_path: Path) -> None:
    own = {"tune": "auto", "steps": 150, "learning_rate": 0.05}
    seen: list[int] = []
    run(
        {**config, "invert": {"method": "pti", "pti": own}},
        Results(tmp_path / "a"),
        lambda photo, step, of, loss: seen.append(step),
        photos=("anna",),
    )
    assert 50 <= seen[-1] < 150 and seen[-1] % 10 == 0


def test_it_stops_where_the_distance_is_small_enough(config: Any, tmp_path: Path) -> None:
    """Before a step: the weights that are kept are those that were seen."""
    results = Results(tmp_path / "a")
    own = {"steps": 50, "tune": "distance", "enough": 10.0}
    seen: list[int] = []
    made = run(
        {**config, "invert": {"method": "pti", "pti": own}},
        results,
        lambda photo, step, of, loss: seen.append(step),
    )
    assert seen == [0, 0]
    for found in parts(made["invert"], results).values():
        assert not found["difference"].any()


def test_the_key_holds_what_decides_the_weights(config: Any, models: dict[str, str]) -> None:
    zoo = Zoo(config["models"])

    def settings(**own: Any) -> dict[str, Any]:
        chosen = complete({**config, "invert": {"method": "pti", "pti": own}})
        return dict(job_from_config(chosen, "invert", None, zoo).settings)

    assert settings(tune="steps") == settings(tune="steps", enough=1)
    assert settings(tune="distance") != settings(tune="distance", enough=1)
    assert settings() == settings(locality_reach=2) and settings() != settings(locality_weight=1)
    assert settings()["pti"]["perceptual"] == "parser"
    others = complete({**config, "invert": {"pti": {"steps": 7}, "hyperstyle": {"iterations": 2}}})
    assert job_from_config(others, "invert", None, zoo).settings == {"method": "hfgi"}
    job = job_from_config(complete({**config, "invert": PTI}), "invert", None, zoo)
    assert job.step.roles(job.settings) == ("generator", "parser")
    auto = complete({**config, "invert": {"method": "pti"}})
    job = job_from_config(auto, "invert", None, zoo)
    assert job.step.roles(job.settings) == ("generator", "encoder", "parser")
    silent = {"method": "pti", "pti": {"perceptual_weight": 0, "tune": "steps"}}
    job = job_from_config(complete({**config, "invert": silent}), "invert", None, zoo)
    assert job.step.roles(job.settings) == ("generator",)


# HyperStyle

HYPERSTYLE: dict[str, Any] = {
    "project": {"method": "w"},
    "invert": {"method": "hyperstyle", "hyperstyle": {"iterations": 3}},
}


def test_hyperstyle_keeps_codes_and_draws_edits_from_them(config: Any, tmp_path: Path) -> None:
    results = Results(tmp_path / "a")
    made = run({**config, **HYPERSTYLE}, results)
    zoo = Zoo(config["models"])
    generator: Any = zoo.load("generator").net
    hypernet: Any = zoo.load("hypernet").net
    edits = parts(made["edit"], results)
    moved = parts(made["translate"], results)
    for photo, found in parts(made["invert"], results).items():
        codes = found["layer_codes"]
        assert codes.shape == (1, len(LAYERS), 12) and codes.dtype == np.float32
        assert found["views"].shape == (SIZE, 3 * SIZE, 3)
        assert np.array_equal(found["views"][:, 2 * SIZE :], found["picture"])
        own = hyperstyle_stage.tuned(codes, generator, hypernet, iterations=3)
        w_plus = torch.from_numpy(moved[photo]["w_plus"])[None]
        with torch.no_grad():
            drawn = own.synthesize(w_plus)
            styles: Any = own
            assert torch.equal(styles.render(styles.styles(w_plus)), drawn)
        levels = ((drawn.clamp(-1, 1) + 1) * 127.5).round()[0].permute(1, 2, 0).numpy()
        assert np.array_equal(levels.astype(np.uint8), edits[photo]["picture"])


def test_every_row_of_w_is_the_same_code(config: Any, tmp_path: Path) -> None:
    results = Results(tmp_path / "a")
    codes = parts(run({**config, **HYPERSTYLE}, results)["project"], results)
    for found in codes.values():
        w_plus = found["w_plus"]
        assert w_plus.shape == (CODES, W) and w_plus.dtype == np.float32
        assert np.array_equal(w_plus, np.broadcast_to(w_plus[:1], w_plus.shape))


def test_a_hypernetwork_of_a_larger_generator_is_named(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = hyperstyle.Hypernet(
        (0, 15), CHANNELS | {128: 8}, **THIN, code=12, shared_inner=5, inner=7, halvings=2
    )
    save_model(tmp_path / "large.safetensors", large.state_dict(), arch="hypernet", size=SIZE)
    config["models"] = {**config["models"], "hypernet": str(tmp_path / "large.safetensors")}
    with pytest.raises(BadConfig, match=r"tunes layer 15, and this generator's last one is 13"):
        run({**config, **HYPERSTYLE}, Results(tmp_path / "a"))


def test_the_embedded_hypernetwork_needs_no_download_and_keeps_little() -> None:
    editor = Editor(settings={"invert": {"method": "hyperstyle"}, "align": {"mode": "aligned"}})
    photo = REPO / "data" / "photos" / "portrait-01.png"
    found: Any = editor.run(photo, "invert")
    made, truth = found["invert"], found["align"]["picture"]
    plain = Editor(settings={"invert": {"method": "e4e"}, "align": {"mode": "aligned"}})
    drawn: Any = plain.run(photo, "invert")["invert"]["picture"]
    assert psnr(made["picture"], truth) > psnr(drawn, truth)
    assert made["views"].shape == (128, 5 * 128, 3)
    assert made["layer_codes"].nbytes + found["project"]["w_plus"].nbytes <= 40_000


# Projectors


def test_restyle_looks_as_often_as_it_is_told(config: Any, tmp_path: Path) -> None:
    results, looks = Results(tmp_path / "a"), []
    project = {"method": "restyle", "restyle": {"iterations": 2}}
    chosen = {**config, "project": project, "invert": {"method": "e4e"}}
    made = run(chosen, results, lambda photo, n, of, error: looks.append((n, of)))
    assert looks == [(1, 2), (2, 2)] * len(PHOTOS)
    zoo = Zoo(config["models"])
    net, generator = zoo.load("restyle"), zoo.load("generator")
    for photo, found in parts(made["project"], results).items():
        shown = torch.from_numpy(np.asarray(Image.open(Path("data/photos", f"{photo}.png"))).copy())
        tensor = shown.permute(2, 0, 1)[None].float() / 127.5 - 1
        steps: Any = restyle.refined(
            net.net,  # type: ignore[arg-type]
            generator.net,  # type: ignore[arg-type]
            tensor,
            net.extras["latent_avg"].float(),
            iterations=2,
        )
        with torch.no_grad():
            *_, last = steps
        assert np.allclose(found["w_plus"], last.codes[0].numpy(), atol=1e-5)


def test_psp_wants_a_psp(config: Any, models: dict[str, str], tmp_path: Path) -> None:
    chosen = {**config, "project": {"method": "psp"}, "invert": {"method": "e4e"}}
    with pytest.raises(BadConfig, match=r"psp wants a pSp encoder, and models.encoder is e4e"):
        run(chosen, Results(tmp_path / "a"))
    chosen["models"] = {**config["models"], "encoder": models["psp"]}
    made = run(chosen, Results(tmp_path / "a"))
    plain = run({**chosen, "project": {}}, Results(tmp_path / "b"))
    codes = parts(made["project"], Results(tmp_path / "a"))
    for photo, found in parts(plain["project"], Results(tmp_path / "b")).items():
        assert np.array_equal(found["w_plus"], codes[photo]["w_plus"])


@pytest.mark.parametrize("method", ["restyle", "w"])
def test_a_set_without_the_network_says_so(config: Any, tmp_path: Path, method: str) -> None:
    models = {role: path for role, path in config["models"].items() if role in ("generator",)}
    chosen = {**config, "models": models, "project": {"method": method}}
    with pytest.raises(UnrippleError, match=r"has no (restyle|w_encoder); choose one under models"):
        run(chosen, Results(tmp_path / "a"))


def test_methods_that_ignore_the_optimiser_do_not_depend_on_it(config: Any) -> None:
    zoo = Zoo(config["models"])

    def settings(method: str, **section: Any) -> dict[str, Any]:
        chosen = complete({**config, "project": {"method": method, **section}})
        return dict(job_from_config(chosen, "project", None, zoo).settings)

    for method in ("restyle", "w", "psp", "pivot"):
        assert settings(method) == settings(method, iterations=0, mse_weight=3)
        assert settings(method)["method"] == method
    assert settings("optimise", iterations=0) == {}
    assert settings("restyle") != settings("restyle", restyle={"iterations": 2})
