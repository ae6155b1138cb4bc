"""invert.method sfe: photos and edits drawn from codes and features, through every stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file

from tests.sfe_files import write_sfe_project
from tests.tiny import CODES, SIZE, W, picture, walk
from unripple.conventions import BadCheckpoint, BadConfig, BadPhoto, ShapeMismatch
from unripple.faceworld import render, sample_factors
from unripple.io.config import Config, complete, read_config
from unripple.io.results import Results
from unripple.metrics.fidelity import psnr
from unripple.models.sfe import change, fused, rendered, seen
from unripple.models.style_moves import StyleMoved, styles_moved
from unripple.ops.tensors import to_photo, to_tensor
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.editor import Editor
from unripple.stages.inverters.sfe import Nets, edit_features, invert_features
from unripple.zoo.zoo import Zoo

PHOTO = "data/photos/anna.png"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sfe")
    return write_sfe_project(folder, {"anna.png": (64, 64), "bob.png": (90, 120)})


@pytest.fixture
def settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(project)
    return read_config(Path("config.yaml"))


@pytest.fixture
def editor(settings: Config) -> Editor:
    return Editor(settings=settings)


def changed(settings: Config, **sections: dict[str, Any]) -> Config:
    return {**settings, **{name: {**settings[name], **own} for name, own in sections.items()}}


def nets_of(settings: Config) -> tuple[Any, Any, Any]:
    zoo = Zoo(settings["models"])
    return tuple(zoo.load(role).net for role in ("generator", "inverter", "sfe_editor"))


# The whole way


def test_every_stage_of_an_edit_is_walked(editor: Editor) -> None:
    result = editor.edit(PHOTO, smile=2)
    assert result.picture.shape == (64, 64, 3)
    told = {stage: set(artifact) for stage, artifact in result.artifacts.items()}
    assert told["project"] == {"w_plus", "guide"}
    assert told["invert"] == {"picture", "features", "guide", "plain"}
    assert told["translate"] == {"w_plus", "guide", "about"}
    assert told["edit"] == {"picture", "plain"}
    assert {"ripple", "inpaint", "foreground", "compose", "paste"} <= set(told)
    kept = result.artifacts["invert"]["features"]
    assert kept.dtype == np.float16 and kept.shape == (8, 16, 16)


def test_the_dag_gives_the_sessions_bytes(project: Path, settings: Config, editor: Editor) -> None:
    walk(settings)
    results = Results()
    for photo in ("anna", "bob"):
        made = editor.edit(f"data/photos/{photo}.png", pose=-3)
        for stage, of in (("invert", None), ("edit", "look_left"), ("paste", "look_left")):
            stored = results.store.get(results.read_manifest(stage, of, "00000").keys[photo])
            assert stored.keys() == made.artifacts[stage].keys()
            for part, value in made.artifacts[stage].items():
                assert np.array_equal(stored[part], value), (stage, part)


def test_an_edit_of_nothing_is_the_inversion(editor: Editor) -> None:
    made = editor.edit(PHOTO, smile=0).artifacts
    assert np.array_equal(made["edit"]["picture"], made["invert"]["picture"])
    assert np.array_equal(made["edit"]["plain"], made["invert"]["plain"])
    moved = editor.edit(PHOTO, smile=2).artifacts["edit"]
    assert (moved["picture"] != made["edit"]["picture"]).any()
    assert (moved["plain"] != made["edit"]["plain"]).any()


def test_codes_are_relative_to_the_generators_mean(settings: Config, editor: Editor) -> None:
    """Both encoders' are, though e4e's file holds a mean of its own (here 0)."""
    made = editor.run(PHOTO, "project")
    inverter = nets_of(settings)[1]
    zoo = Zoo(settings["models"])
    mean = zoo.load("generator").extras["latent_avg"]
    looked = seen(to_tensor(made["align"]["picture"]), SIZE)
    with torch.inference_mode():
        codes, _ = inverter(looked)
        guide = zoo.load("encoder").net(looked)
    assert np.array_equal(made["project"]["w_plus"], (codes[0] + mean).numpy())
    assert np.array_equal(made["project"]["guide"], (guide[0] + mean).numpy())


def test_both_codes_take_their_own_way_to_a_component(project: Path, settings: Config) -> None:
    rng = np.random.default_rng(3)
    axis = rng.normal(size=W).astype(np.float32)
    axis /= np.linalg.norm(axis)
    mean = rng.normal(size=W).astype(np.float32)
    about = {"place": json.dumps({"spread": 0.5, "codes": [2, 6]})}
    save_file({"place": axis, "place/mean": mean}, project / "place.safetensors", metadata=about)
    editor = Editor(settings={**settings, "directions": "place.safetensors"})
    made = editor.edit(PHOTO, place=4).artifacts
    steps = {name: made["translate"][name] - made["project"][name] for name in ("w_plus", "guide")}
    for name, step in steps.items():
        assert not step[:2].any() and not step[6:].any() and step[2:6].any(), name
        start = (made["project"][name][0] - mean) @ axis / 0.5
        np.testing.assert_allclose(step[2], (4 - start) * 0.5 * axis, atol=1e-5)
    assert not np.allclose(steps["w_plus"], steps["guide"])


# What is drawn


def drawn_as_published(
    photo: Any, w: Any, guide: Any, step: Any, nets: tuple[Any, Any, Any]
) -> Any:
    """One edit in float32 all the way, as `FSEInferenceRunner` does it."""
    generator, inverter, mixer = nets
    with torch.inference_mode():
        codes, e4e = (torch.from_numpy(one)[None] for one in (w, guide))
        move = torch.from_numpy(step)[None]
        _, predicted = inverter(seen(to_tensor(photo), SIZE))
        features = fused(inverter, generator, codes, predicted)
        delta = change(generator, generator.styles(e4e), generator.styles(e4e + move), 16)
        picture = rendered(generator, generator.styles(codes + move), mixer(features, delta))
        return to_photo(picture)


def test_features_in_half_the_bits_change_hardly_a_byte(settings: Config) -> None:
    nets = nets_of(settings)
    generator, inverter, mixer = nets
    rng = np.random.default_rng(0)
    off = total = 0
    for seed in range(6):
        photo = picture(seed)
        looked = seen(to_tensor(photo), SIZE)
        with torch.inference_mode():
            w = inverter(looked)[0][0].numpy()
        guide = w + rng.normal(size=w.shape).astype(np.float32)
        step = rng.normal(size=w.shape).astype(np.float32)
        kept = invert_features(photo, looked, w, guide, inverter, Nets(generator, mixer))
        edit = edit_features(kept, w + step, guide + step, Nets(generator, mixer), size_px=SIZE)
        exact = drawn_as_published(photo, w, guide, step, nets)
        apart = np.abs(exact.astype(int) - edit.picture)
        off, total = off + int((apart > 1).sum()), total + apart.size
        assert 20 < edit.picture.std() < 110  # neither grey nor white and black
    assert off <= 0.001 * total


# Style space


def test_style_moves_act_on_every_inverter(project: Path, settings: Config) -> None:
    generator, _, _ = nets_of(settings)
    widths = [style.shape[1] for style in generator.styles(torch.zeros(1, CODES, W))]
    vector = np.zeros(sum(widths), np.float32)
    vector[sum(widths[:4]) + 3] = 2e4  # channel 3 of layer 4, of RGB: the toned-down net is dull
    about = {"channel": json.dumps({"family": "style"})}
    save_file({"channel": vector}, project / "channel.safetensors", metadata=about)
    tuned = {"steps": 1, "tune": "steps", "perceptual": "parser"}
    for method in ("e4e", "hfgi", "sfe", "pti"):
        inverter = {"method": method, "pti": tuned}
        own = {**settings, "directions": "channel.safetensors", "invert": inverter}
        editor = Editor(settings=own)
        still, moved = (editor.edit(PHOTO, channel=by).artifacts for by in (0, 3))
        assert np.array_equal(moved["translate"]["w_plus"], moved["project"]["w_plus"])
        assert np.array_equal(moved["translate"]["styles"], 3 * vector)
        assert (moved["edit"]["picture"] != still["edit"]["picture"]).any(), method
        assert np.array_equal(still["edit"]["picture"], still["invert"]["picture"]) or (
            method == "hfgi"  # whose aligner looks at the edit anew
        )


def test_moved_styles_are_the_codes_styles_and_the_move(settings: Config) -> None:
    generator, _, _ = nets_of(settings)
    codes = torch.randn(2, CODES, W)
    styles = generator.styles(codes)
    move = np.random.default_rng(0).normal(size=sum(s.shape[1] for s in styles)).astype(np.float32)
    moved = StyleMoved(generator, move)
    expected = [s + m for s, m in zip(styles, torch.from_numpy(move).split([8] * 14), strict=True)]
    assert all(torch.equal(a, b) for a, b in zip(moved.styles(codes), expected, strict=True))
    with torch.inference_mode():
        assert torch.equal(moved.synthesize(codes), generator.render(expected))
    with pytest.raises(ShapeMismatch, match="another generator"):
        styles_moved(styles, move[1:])


# Refusals


def test_another_way_to_codes_is_refused(settings: Config) -> None:
    with pytest.raises(BadConfig, match=r"project\.method 'optimise'.*invert\.method 'sfe'"):
        Editor(settings=changed(settings, project={"method": "optimise"})).edit(PHOTO, smile=1)


def test_a_generator_without_mean_is_refused(settings: Config, tmp_path: Path) -> None:
    from safetensors import safe_open

    path = Path(settings["models"]["generator"])
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        names = set(file.keys()) - {"latent_avg"}
        state = {name: file.get_tensor(name) for name in names}
    save_file(state, tmp_path / "mean-less.safetensors", metadata=metadata)
    models = {**settings["models"], "generator": str(tmp_path / "mean-less.safetensors")}
    with pytest.raises(BadCheckpoint, match="latent_avg"):
        Editor(settings={**settings, "models": models}).edit(PHOTO, smile=1)


def test_a_set_without_such_an_inverter_says_so() -> None:
    with pytest.raises(BadConfig, match="the set 'published' has no inverter"):
        Zoo("published").choice("inverter")


# The embedded networks


def test_the_embedded_networks_are_small() -> None:
    zoo = Zoo()
    assert sum(zoo.path(role).stat().st_size for role in ("inverter", "sfe_editor")) <= 2_500_000


def test_the_embedded_networks_edit_without_a_download() -> None:
    """A face that no training saw: nearer than e4e's drawing, and turned."""
    factors = sample_factors(1, seed=700_000_123)
    face = render(factors, torch.tensor([700_000_123]), size=128)
    photo = face.photo[0].permute(1, 2, 0).numpy()
    editor = Editor(settings={"invert": {"method": "sfe"}, "align": {"mode": "aligned"}})
    made = editor.edit(photo, pose=3).artifacts
    inverted = made["invert"]
    assert inverted["features"].shape == (64, 64, 64) and inverted["features"].dtype == np.float16
    assert psnr(inverted["picture"], photo) > psnr(inverted["plain"], photo) + 3
    assert psnr(made["edit"]["picture"], photo) < psnr(inverted["picture"], photo) - 3
    unmoved = editor.edit(photo, pose=0).artifacts["edit"]["picture"]
    assert np.array_equal(unmoved, inverted["picture"])


# What an edit leaves alone


def half(height: int, width: int) -> Any:
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    return mask


def with_masks(settings: Config, folder: Path, **more: Any) -> Config:
    for name, shape in {"anna": (64, 64), "bob": (90, 120)}.items():
        Image.fromarray(half(*shape)).save(folder / f"{name}.png")
    return changed(settings, edit={"keep": str(folder), **more})


def test_a_mask_stills_the_features_and_not_all_of_the_picture(
    settings: Config, editor: Editor, tmp_path: Path
) -> None:
    free = editor.edit(PHOTO, smile=2).artifacts["edit"]
    edited = Editor(settings=with_masks(settings, tmp_path)).edit(PHOTO, smile=2).artifacts
    held, inverted = edited["edit"], edited["invert"]["picture"]
    assert set(held) == {"picture", "plain", "keep", "face", "background"}
    left = np.s_[:, :24]
    assert (held["picture"] != free["picture"]).any()
    assert (held["picture"][left] != inverted[left]).any()  # finer layers, as published
    photo = edited["align"]["picture"]
    assert np.array_equal(held["face"] + held["background"], photo)
    assert np.array_equal(held["background"][left], photo[left])
    assert np.array_equal(held["face"][:, 40:], photo[:, 40:])


@pytest.mark.parametrize("photo", ["anna", "bob"])
@pytest.mark.parametrize("method", ["sfe", "hfgi", "e4e"])
def test_kept_pixels_keep_every_byte_up_to_the_result(
    settings: Config, tmp_path: Path, photo: str, method: str
) -> None:
    own = with_masks(settings, tmp_path, keep_pixels=True)
    own = changed(own, edit={"attributes": "generator"})
    result = Editor(settings={**own, "invert": {"method": method}}).edit(
        f"data/photos/{photo}.png", smile=3
    )
    made = result.artifacts
    kept = made["edit"]["kept"]
    assert kept.any() and not kept.all()
    for stage in ("edit", "compose"):
        assert np.array_equal(made[stage]["picture"][kept], made["align"]["picture"][kept]), stage
    with Image.open(f"data/photos/{photo}.png") as source:
        before = np.asarray(source.convert("RGB"))
    there = half(*before.shape[:2]) == 255
    assert np.array_equal(result.picture[there], before[there])
    assert (result.picture != before).any()


def test_the_parser_says_what_background_is(settings: Config) -> None:
    parts = {}
    for threshold in (0.0, 0.02, 1.0):
        own = changed(settings, edit={"keep": "background", "keep_threshold": threshold})
        parts[threshold] = Editor(settings=own).edit(PHOTO, smile=2).artifacts["edit"]
    shares = {threshold: part["keep"].mean() / 255 for threshold, part in parts.items()}
    assert shares[0.0] == 1 and shares[1.0] == 0 and 0 <= shares[0.02] <= 1
    free = Editor(settings=settings).edit(PHOTO, smile=2).artifacts["edit"]
    assert np.array_equal(parts[1.0]["picture"], free["picture"])
    assert (parts[0.0]["picture"] != free["picture"]).any()


def test_an_inverter_without_features_says_what_to_set(settings: Config, tmp_path: Path) -> None:
    own = {**with_masks(settings, tmp_path), "invert": {"method": "hfgi"}}
    with pytest.raises(BadConfig, match=r"edit\.keep_pixels to true"):
        Editor(settings=own).edit(PHOTO, smile=1)


def test_masks_of_no_fitting_shape_are_refused(settings: Config, tmp_path: Path) -> None:
    own = changed(settings, edit={"keep": str(tmp_path)})
    with pytest.raises(BadPhoto, match=r"no mask .*bob\.png"):
        Editor(settings=own).edit("data/photos/bob.png", smile=1)
    Image.fromarray(half(120, 90)).save(tmp_path / "bob.png")
    with pytest.raises(BadPhoto, match="neither the shape of its photo"):
        Editor(settings=own).edit("data/photos/bob.png", smile=1)
    Image.fromarray(half(33, 33)).save(tmp_path / "bob.png")  # of the aligned picture
    made = Editor(settings=own).edit("data/photos/bob.png", smile=1).artifacts["edit"]
    assert made["keep"][:, :31].all() and not made["keep"][:, 34:].any()
    with pytest.raises(BadConfig, match=r"edit\.keep: no folder or file 'nowhere'"):
        Editor(settings=changed(settings, edit={"keep": "nowhere"})).edit(PHOTO, smile=1)


def test_another_mask_is_another_artifact(settings: Config, tmp_path: Path) -> None:
    editor = Editor(settings=with_masks(settings, tmp_path, keep_pixels=True))
    one = editor.edit(PHOTO, smile=2).picture
    Image.fromarray(255 - half(64, 64)).save(tmp_path / "anna.png")
    assert (editor.edit(PHOTO, smile=2).picture != one).any()


def test_an_edit_that_keeps_nothing_knows_no_such_settings(settings: Config) -> None:
    """So its key, and what was computed before, stays what it was."""
    config = complete(changed(settings, edit={"keep_threshold": 0.5, "keep_pixels": True}))
    for stage in ("edit", "compose"):
        job = job_from_config(config, stage, "look_left", Zoo(config["models"]))
        assert not [name for name in job.settings if name.startswith("keep")]


def test_the_folder_of_masks_travels_with_the_job_and_not_in_its_key(
    settings: Config, tmp_path: Path
) -> None:
    from unripple.pipeline.jobs import Job

    config = complete(with_masks(settings, tmp_path))
    job = job_from_config(config, "edit", "look_left", Zoo(config["models"]))
    assert job.settings["keep"] == "masks" and job.keep == str(tmp_path)
    assert Job.from_json("edit", "look_left", job.to_json()).keep == str(tmp_path)
    assert str(tmp_path) not in json.dumps(job.ingredients({}))
