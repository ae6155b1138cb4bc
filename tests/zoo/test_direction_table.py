"""The table of StyleFeatureEditor's directions: how far a power goes, and what it does in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unripple.cli.main import main
from unripple.conventions import BadCheckpoint, UnknownName
from unripple.io.published_names import NAMED
from unripple.ops.latents import FFHQ_COMPONENTS
from unripple.pipeline.turns import TOWARDS
from unripple.runtime.editor import Editor
from unripple.stages.families import FAMILIES
from unripple.zoo.containers import read_container
from unripple.zoo.directions import Direction, find_direction, read_directions
from unripple.zoo.published import convert, recognise
from unripple.zoo.zoo import SFE, directions_path, published_index

TABLE = directions_path(SFE)
SHA = "0" * 64
L, W = 18, 512


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published_directions: Path) -> Path:
    """The folder of published models with all files of the table."""
    folder = tmp_path / "published"
    monkeypatch.setenv("UNRIPPLE_MODELS", str(folder))
    lock = published_index()
    for name in ("age", "smile", "pose_direction", "ffhq_pca"):
        entry = lock.entry(name)
        convert(published_directions / entry.file, entry, folder, sha256=SHA)
    rng = np.random.default_rng(0)
    for name in ("fs_eyeglasses", "fs_makeup", "fs_smiling"):
        entry = lock.entry(name)
        np.save(tmp_path / entry.file, rng.normal(size=(1, L * W)).astype(np.float32))
        convert(tmp_path / entry.file, entry, folder, sha256=SHA)
    return folder


def moved(name: str, degree: float, w: Any) -> Any:
    direction = find_direction(TABLE, name)
    first, end = direction.codes or (0, None)
    move = FAMILIES[direction.family].move
    return move(w, direction, degree, first_code=first, end_code=end) - w


def codes() -> Any:
    return np.random.default_rng(1).normal(size=(L, W)).astype(np.float32)


def test_all_published_directions_are_listed_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UNRIPPLE_MODELS", str(tmp_path))
    assert main(["directions", "list", "--set", "directions=sfe"]) == 0
    said = capsys.readouterr().out.splitlines()
    lines = dict(line.split("\t", 1) for line in said if "photo's own pixels" not in line)
    published = read_directions(TABLE)
    assert len(published) == 3 + 3 + 8 + 14
    texts = {one.name for one in NAMED}  # 14 mappers, global text, DeltaEdit
    assert published.keys() | TOWARDS.keys() | texts == lines.keys()  # turns are in every set
    assert len(texts) == 14 + 2 and not texts & published.keys()
    assert lines["afro"].startswith("0 to 0.14\tp times what mapper styleclip_afro says")
    assert lines["angry"].endswith("makes angry; moves the background (follows a text)")
    assert lines["fs_smiling"].startswith(
        "-10 to 10\tp lengths of a boundary of w+ (fs boundary)\t"
    )
    assert lines["eye_openness"].startswith("-30 to 45\tgoes to p standard deviations")
    assert lines["eye_openness"].endswith("closes the eyes (against its name)")
    assert lines["glasses"].endswith("takes glasses off (against its name)")
    assert lines["bangs"].startswith("unmeasured\t")
    with pytest.raises(BadCheckpoint, match=r"'fs_smiling'.*unripple models fetch sfe"):
        find_direction(TABLE, "fs_smiling")
    with pytest.raises(UnknownName, match="did you mean 'fs_smiling'"):
        find_direction(TABLE, "fs_smilin")


def test_the_session_tells_the_same() -> None:
    told = {one.name: one for one in Editor(settings={"directions": SFE}).available()}
    assert told["black hair"].family == "style" and told["black hair"].usable == (-7, 10)
    assert told["age"].effect == "makes older" and "p/2" in told["age"].degree
    assert told["sideburns"].effect.endswith("(against its name)")
    assert told["depp"].family == "text" and told["depp"].usable == (0, 0.12)
    assert all(one.name in told for one in NAMED)


def test_a_power_of_fs_is_so_many_boundaries(fetched: Path) -> None:
    boundary = np.load(fetched.parent / "Smiling_boundary.npy").reshape(L, W)
    w = codes()
    np.testing.assert_allclose(moved("fs_smiling", -6, w), -6 * boundary, atol=3e-6)


def test_a_power_of_interfacegan_is_half_a_length(
    fetched: Path, published_directions: Path
) -> None:
    age = read_container(published_directions / "age.pt").numpy()
    np.testing.assert_allclose(moved("age", 5, codes()), 2.5 * np.repeat(age, L, 0), atol=3e-6)
    pose = read_container(published_directions / "pose.pt").numpy()[0]
    assert (pose == pose[:1]).all()  # one row of it is the published rotation
    np.testing.assert_allclose(moved("rotation", -7, codes()), -3.5 * pose, atol=3e-6)


def test_a_power_of_ganspace_is_a_place(fetched: Path) -> None:
    w = codes()
    for name, found in (("face_roundness", "face_roundness"), ("trimmed_beard", "beard")):
        edit = FFHQ_COMPONENTS[found]
        component = find_direction(TABLE, name).component
        assert component is not None
        step = moved(name, 12, w)
        assert not step[: edit.first_code].any() and not step[edit.end_code :].any()
        start = (w[0] - component.mean) @ component.axis / component.spread
        expected = (12 - start) * component.spread * component.axis
        np.testing.assert_allclose(step[edit.first_code], expected, atol=1e-4)


def test_a_power_of_stylespace_is_three_at_its_channels(goldens: Path) -> None:
    facts = json.loads((goldens / "sfe_style_edit" / "golden.json").read_text())
    sizes = [512] * 15 + [256] * 3 + [128] * 3 + [64] * 3 + [32] * 2
    for number, name in enumerate(facts["constructor"]["channels"]):
        values = facts["inputs"][f"channels_{number}"]["values"]
        pairs = set(zip(values[::2], values[1::2], strict=True))
        direction = find_direction(TABLE, name)
        styles = FAMILIES[direction.family].styles
        assert styles is not None
        layers = np.split(styles(direction, 5.0), np.cumsum(sizes)[:-1])
        hit = {(n, int(c)) for n, layer in enumerate(layers) for c in np.flatnonzero(layer)}
        assert hit == pairs
        assert all(layers[layer][channel] == 15 for layer, channel in pairs)


def test_names_that_say_the_opposite_are_marked() -> None:
    marked = {n for n, one in read_directions(TABLE).items() if "against its name" in one.attribute}
    assert marked == {
        "eye_openness", "nose_length", "eyebrow_thickness", "blond hair", "receding hairline",
        "smiling", "sideburns", "goatee", "glasses",
    }  # fmt: skip


def test_every_direction_is_of_a_family_that_is_there(fetched: Path) -> None:
    for name, one in read_directions(TABLE).items():
        assert one.family in FAMILIES, name
        assert find_direction(TABLE, name).vector.size, name
        assert one.attribute and one.unit, name


def test_a_key_follows_what_a_direction_does(fetched: Path) -> None:
    own, published = find_direction(TABLE, "age"), find_direction(fetched, "age")
    assert not np.array_equal(own.identity()[0], published.identity()[0])


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{channels: [[26, 0]], effect: nothing}", "no channel 0 of layer 26"),
        ("{channels: [[15, 300]], effect: nothing}", "no channel 300 of layer 15"),
        ("{effect: nothing}", "channels"),
        ("{channels: [[1, 1]]}", "effect"),
    ],
)
def test_a_damaged_table_is_an_error_that_names_it(
    tmp_path: Path, row: str, complaint: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(f"mine:\n  family: style\n  power: p\n  directions:\n    odd: {row}\n")
    with pytest.raises(BadCheckpoint, match=rf"own\.yaml: .*{complaint}"):
        read_directions(path)


def test_a_boundary_is_read_as_numpy_saved_it_and_never_as_a_pickle(tmp_path: Path) -> None:
    entry = published_index().entry("fs_smiling")
    path = tmp_path / entry.file
    content = np.arange(L * W, dtype=np.float32)[None]
    np.save(path, content)
    assert torch.equal(read_container(path), torch.from_numpy(content))
    assert entry in recognise(read_container(path), published_index())
    made = convert(path, entry, tmp_path / "made", sha256=SHA)["directions"]
    assert np.array_equal(read_directions(made)["fs_smiling"].vector, content.reshape(L, W))
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadCheckpoint, match="no whole array of numbers"):
        read_container(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadCheckpoint, match="no whole array of numbers"):
        read_container(path)


def test_a_boundary_of_another_shape_is_refused(tmp_path: Path) -> None:
    entry = published_index().entry("fs_smiling")
    path = tmp_path / entry.file
    np.save(path, np.zeros((1, 700), np.float32))
    with pytest.raises(BadCheckpoint, match="codes of 512 numbers"):
        convert(path, entry, tmp_path / "made", sha256=SHA)


def test_the_family_of_a_file_is_the_one_it_names() -> None:
    one = Direction("x", np.ones(3, np.float32), None, "", "")
    assert one.family == "linear" and replace(one, way="style").family == "style"
