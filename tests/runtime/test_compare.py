"""Folders against folders: every metric, 20 pairs, and the numbers of the published code."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import unripple
from tests.parity.goldens import GOLDENS, read_golden
from tests.parity.published import made_pictures
from tests.runtime import slim_judges
from tests.tiny import REPO, picture
from unripple.conventions import BadCheckpoint, BadPhoto, Floats, Photo, ShapeMismatch, UnknownName
from unripple.models.lpips import LPIPS
from unripple.ops.tensors import to_tensor
from unripple.runtime.compare import MEASURES, compare, edit_fid, folders, measures
from unripple.runtime.compare.folders import Compared, write
from unripple.runtime.compare.identity import POINTS, similarity

COUNT = 20
OF_PAIRS = ["l2", "lpips", "id", "id_vit", "psnr"]
"""But `msssim`, which takes half a second for each of them; the goldens have it."""


def save(folder: Path, pictures: dict[str, Photo], suffix: str = ".png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}{suffix}")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return slim_judges.write(tmp_path_factory.mktemp("judges"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twenty photos, and what a method made of them."""
    folder = tmp_path_factory.mktemp("pairs")
    photos = {f"{n:02d}": picture(n, 64, 48) for n in range(COUNT)}
    rng = np.random.default_rng(0)
    results = {
        name: np.clip(photo.astype(int) + rng.integers(-20, 20, photo.shape), 0, 255).astype(
            np.uint8
        )
        for name, photo in photos.items()
    }
    return save(folder / "photos", photos), save(folder / "results", results)


@pytest.fixture
def by_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """FID and KID of mean colours: Inception has no slim one."""

    def vector(seen: measures.Picture) -> Floats:
        return seen.own.astype(np.float64).mean((0, 1))

    monkeypatch.setattr(folders, "inception_vector", lambda zoo: vector)
    monkeypatch.setattr("unripple.runtime.compare.editing.inception_vector", lambda zoo: vector)
    monkeypatch.setattr("unripple.runtime.compare.editing.zoo_of", lambda *words: None)


def test_every_metric_gives_a_value_for_every_pair(
    pair: tuple[Path, Path], models: dict[str, str]
) -> None:
    told: list[tuple[int, int, str]] = []
    found = compare(*pair, OF_PAIRS, models=models, on_progress=lambda *words: told.append(words))
    assert list(found) == OF_PAIRS
    for one in found.values():
        assert list(one.values) == [f"{n:02d}" for n in range(COUNT)] and one.count == COUNT
    assert told == [(n + 1, COUNT, f"{n:02d}") for n in range(COUNT)]
    assert all(math.isnan(value) for value in found["id"].values.values())  # no faces
    for name in ("l2", "lpips", "id_vit", "psnr"):
        values = list(found[name].values.values())
        assert found[name].mean == pytest.approx(np.mean(values))
        assert found[name].std == pytest.approx(np.std(values))


def test_a_folder_is_like_itself(
    pair: tuple[Path, Path], models: dict[str, str], by_colour: None
) -> None:
    asked = [*OF_PAIRS, "fid", "kid"]
    same = compare(pair[0], pair[0], asked, models=models | {"inception": "i.safetensors"})
    assert same["l2"].mean == same["lpips"].mean == same["id_vit"].mean == 0
    assert same["psnr"].mean == math.inf and math.isnan(same["psnr"].std)
    assert same["fid"].mean == pytest.approx(0, abs=1e-6) and same["fid"].values == {}


def test_lpips_is_the_network_at_256_px(pair: tuple[Path, Path], models: dict[str, str]) -> None:
    found = compare(*pair, ["lpips"], models=models)["lpips"]
    nets: Any = slim_judges.networks()
    net = LPIPS(nets["lpips_trunk"], nets["lpips_head"]).eval()
    size = Image.Resampling.BILINEAR
    seen = [np.asarray(Image.open(folder / "07.png").resize((256, 256), size)) for folder in pair]
    with torch.no_grad():
        assert found.values["07"] == pytest.approx(float(net(*map(to_tensor, seen))), abs=1e-6)


@pytest.mark.parametrize("name", ["lpips", "msssim"])
def test_golden_pictures_give_golden_numbers(name: str, tmp_path: Path) -> None:
    golden = read_golden(GOLDENS / name)
    made = made_pictures.pairs(golden.inputs)
    originals = save(tmp_path / "a", {str(n): one for n, (one, _) in enumerate(made)})
    results = save(tmp_path / "b", {str(n): other for n, (_, other) in enumerate(made)})
    metrics = ["msssim"] if name == "msssim" else ["l2", "lpips"]
    models = {} if name == "msssim" else golden_lpips(golden, tmp_path)
    for definition in ("sfe", "hyperstyle"):
        found = compare(originals, results, metrics, definition=definition, models=models)
        for metric, one in found.items():
            output = "l2" if metric == "l2" else f"{definition}_{metric}".removesuffix("_msssim")
            values = np.nan_to_num(np.array(list(one.values.values())))
            assert golden.ratio(output, values) <= 1
    if name == "msssim":
        wanted = golden.outputs["hyperstyle_mean"]
        assert found["msssim"].mean == pytest.approx(wanted.item(), abs=1e-5)


def golden_lpips(golden: Any, folder: Path) -> dict[str, str]:
    from safetensors.torch import save_file

    layers = {
        f"features.{key.removeprefix('net.layers.')}": value.contiguous()
        for key, value in golden.state.items()
        if key.startswith("net.layers.")
    }
    lins = {
        f"lin{key[4]}.model{key[5:]}": value.contiguous()
        for key, value in golden.state.items()
        if key.startswith("lin.")
    }
    files = {"lpips_trunk": layers, "lpips_head": lins}
    for role, state in files.items():
        save_file(state, folder / f"{role}.safetensors")
    return {role: str(folder / f"{role}.safetensors") for role in files}


def test_faces_are_compared_as_mtcnn_finds_them(tmp_path: Path, models: dict[str, str]) -> None:
    shown = np.asarray(Image.open(REPO / "data/photos/portrait-01.png").convert("RGB"))
    other = np.asarray(Image.open(REPO / "data/photos/portrait-02.png").convert("RGB"))
    originals = save(tmp_path / "a", {"same": shown, "other": shown})
    results = save(tmp_path / "b", {"same": shown, "other": other})
    found = compare(originals, results, ["id"], models={"identity": "embedded"})["id"]
    assert found.values["same"] == pytest.approx(1, abs=1e-5)
    assert found.values["other"] < 0.9
    cut = compare(originals, results, ["id"], models=models)["id"]
    assert cut.values["same"] == pytest.approx(1, abs=1e-5) or math.isnan(cut.values["same"])


def test_points_are_brought_to_their_places() -> None:
    turn = np.deg2rad(20)
    there = (
        POINTS @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * 3 + 40
    )
    affine = similarity(there.astype(np.float32), POINTS)
    assert there @ affine[:, :2].T + affine[:, 2] == pytest.approx(POINTS, abs=1e-3)


def test_the_figures_are_written_whole(
    pair: tuple[Path, Path], by_colour: None, tmp_path: Path
) -> None:
    models = {"inception": "i.safetensors"}
    found = compare(*pair, ["l2", "kid"], models=models, definition="hyperstyle")
    assert [path.name for path in write(found, tmp_path / "deep" / "out")] == [
        "l2.json",
        "kid.json",
    ]
    l2, kid = (json.loads((tmp_path / f"deep/out/{m}.json").read_text()) for m in ("l2", "kid"))
    assert l2["definition"] == "hyperstyle" and l2["pictures"] == COUNT and not l2["undefined"]
    assert l2["mean"] == pytest.approx(np.mean(list(l2["values"].values())))
    assert kid["value"] == found["kid"].value and "values" not in kid


def test_undefined_values_are_named_and_left_out_of_the_mean() -> None:
    one = Compared(MEASURES["id"], "sfe", 3, {"a": 0.5, "b": math.nan, "c": 0.7})
    told = one.to_json()
    assert told["mean"] == pytest.approx(0.6) and told["std"] == pytest.approx(0.1)
    assert told["undefined"] == ["b"] and told["values"]["b"] is None
    nobody = Compared(MEASURES["id"], "sfe", 1, {"b": math.nan}).to_json()
    assert nobody["mean"] is None and nobody["std"] is None


def test_pictures_that_do_not_fit_are_named(tmp_path: Path) -> None:
    originals = save(tmp_path / "a", {"x": picture(0, 32, 32)})
    results = save(tmp_path / "b", {"x": picture(1, 64, 32)})
    assert compare(originals, results, ["l2"])["l2"].count == 1
    with pytest.raises(ShapeMismatch, match=r"b/x\.png and .*a/x\.png: psnr .* 32x64 and 32x32"):
        compare(originals, results, ["psnr"])


def test_a_picture_cut_short_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    results = save(tmp_path, {f"{n:02d}": picture(n, 64, 48) for n in range(COUNT)})
    whole = (results / "11.png").read_bytes()
    (results / "11.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadPhoto, match=r"11\.png: damaged or cut short"):
        compare(pair[0], results, ["l2"])


def test_an_extra_picture_shifts_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    photos = {f"{n:02d}": picture(n, 64, 48) for n in range(COUNT)}
    results = save(tmp_path, {**photos, "000": picture(99)})
    with pytest.raises(BadPhoto, match=r"000\.png has no original"):
        compare(pair[0], results, ["l2"])


@pytest.mark.parametrize(
    ("metric", "command"),
    [
        ("lpips", "fetch lpips`"),
        ("id", "fetch curricularface`"),
        ("id_vit", "fetch id_vit`"),
        ("fid", "fetch inception`"),
        ("kid", "fetch inception`"),
    ],
)
def test_a_missing_network_is_one_sentence(
    pair: tuple[Path, Path], metric: str, command: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path))
    with pytest.raises(BadCheckpoint, match=rf"{metric} needs .* not here yet; run .*{command}"):
        compare(*pair, ["l2", metric])


def test_what_is_unknown_is_named(pair: tuple[Path, Path]) -> None:
    with pytest.raises(UnknownName, match=r"no metric 'lpip'; did you mean 'lpips'"):
        compare(*pair, ["lpip"])
    with pytest.raises(UnknownName, match="no definition 'sfo'"):
        compare(*pair, ["l2"], definition="sfo")
    with pytest.raises(UnknownName, match="no role 'lpips'"):
        compare(*pair, ["l2"], models={"lpips": "x.safetensors"})


def test_a_set_of_one_is_refused(tmp_path: Path) -> None:
    one = save(tmp_path, {"x": picture(0)})
    with pytest.raises(ShapeMismatch, match="fid compares sets of at least 2 pictures, found 1"):
        compare(one, one, ["fid"])


def table(folder: Path, smiling: Callable[[int], bool]) -> Path:
    rows = [f"{n}.jpg  {1 if smiling(n) else -1}" for n in range(COUNT)]
    path = folder / "anno.txt"
    path.write_text("\n".join([str(COUNT), "Smiling", *rows]) + "\n")
    return path


@pytest.mark.parametrize("reverse", [False, True])
def test_editing_fid_compares_those_with_those_that_were_given_it(
    tmp_path: Path, by_colour: None, reverse: bool
) -> None:
    """Smiling faces are bright here; the edit brightens dark ones to the very level."""

    def level(n: int, bright: bool) -> Photo:
        return np.full((8, 8, 3), (200 if bright else 50) + n % 5, np.uint8)

    def smiles(n: int) -> bool:
        return n % 2 == 0

    photos = {f"{n:03d}": level(n, smiles(n)) for n in range(COUNT)}
    edited = {name: level(int(name), not reverse) for name in photos}
    found = edit_fid(
        save(tmp_path / "real", photos),
        save(tmp_path / "edited", edited),
        "Smiling",
        table(tmp_path, smiles),
        reverse=reverse,
    )
    assert found.real == found.edited == COUNT // 2
    assert found.value < 5
    assert found.attribute == ("Smiling (reversed)" if reverse else "Smiling")


def test_editing_fid_names_what_it_does_not_know(tmp_path: Path, by_colour: None) -> None:
    real = save(tmp_path / "real", {str(n): picture(n) for n in range(4)})
    rows = table(tmp_path, lambda n: n < 2)
    with pytest.raises(BadPhoto, match=r"99\.png has no original in"):
        edit_fid(real, save(tmp_path / "extra", {"99": picture(9)}), "Smiling", rows)
    save(real, {"77": picture(9)})
    with pytest.raises(BadPhoto, match=r"77: .*anno\.txt does not say what this picture shows"):
        edit_fid(real, real, "Smiling", rows)


def test_too_few_pictures_are_said(tmp_path: Path, by_colour: None) -> None:
    real = save(tmp_path / "real", {str(n): picture(n) for n in range(4)})
    with pytest.raises(ShapeMismatch, match=r"Smiling: 1 real pictures in .* wanted at least 2"):
        edit_fid(real, real, "Smiling", table(tmp_path, lambda n: n == 0))


def test_editing_fid_knows_the_face_world(by_colour: None) -> None:
    photos = REPO / "data/photos"
    found = edit_fid(photos, photos, "Male", photos / "truth")
    assert found.real + found.edited == 12


def test_python_has_both_by_name() -> None:
    assert unripple.compare is compare and unripple.edit_fid is edit_fid
