"""The command line: what it does to files, and how it complains."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import walk, write_project
from unripple.cli.main import BAD_INPUT, COMMANDS, build_parser, main
from unripple.io.config import read_config
from unripple.io.provenance import source_type
from unripple.io.results import Results


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("project"), {"anna.png": (64, 64)})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(read_config(Path("config.yaml")))
    return folder


@pytest.fixture(autouse=True)
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that fails."""
    assert main(arguments) == BAD_INPUT
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.strip().splitlines()
    assert lines[-1].startswith("unripple: ")
    assert "Traceback" not in shown.err
    return lines[-1]


def test_one_photo_gets_the_bytes_of_the_dag(tmp_path: Path) -> None:
    out, strip = tmp_path / "out.png", tmp_path / "strip.png"
    photo = "data/photos/anna.png"
    words = ["edit", photo, "--edit", "pose=-3", "-o", str(out), "--strip", str(strip)]
    assert main(words) == 0
    assert out.read_bytes() == Path("results/paste/look_left/anna.picture.png").read_bytes()
    assert source_type(strip) is not None


def test_an_edit_of_the_config_is_called_by_name(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert main(["edit", "data/photos/anna.png", "--edit", "look_left", "-o", str(out)]) == 0
    assert out.read_bytes() == Path("results/paste/look_left/anna.picture.png").read_bytes()


def test_one_stage_of_one_photo_leaves_its_parts(tmp_path: Path) -> None:
    words = ["ripple", "data/photos/anna.png", "--edit", "pose=-3", "-o", str(tmp_path)]
    assert main(words) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "anna.after.png",
        "anna.before.png",
        "anna.ripple.png",
    ]
    stored = Path("results/ripple/look_left/anna.ripple.png")
    assert (tmp_path / "anna.ripple.png").read_bytes() == stored.read_bytes()


def test_a_shard_is_run_from_the_config(tmp_path: Path) -> None:
    results = tmp_path / "elsewhere"
    log = tmp_path / "align.log"
    words = ["align", "--shard", "00000", "--results", str(results), "--log", str(log)]
    assert main(words) == 0
    assert Results(results).read_manifest("align", None, "00000").keys.keys() == {"anna"}
    assert "align 00000: 1/1 anna" in log.read_text()


def test_overrides_reach_the_stage(tmp_path: Path) -> None:
    words = ["inpaint", "data/photos/anna.png", "--edit", "pose=-3", "--set", "inpaint.grow_px=0"]
    assert main([*words, "-o", str(tmp_path / "narrow")]) == 0
    assert main([*words[:4], "-o", str(tmp_path / "wide")]) == 0
    holes = [
        np.asarray(Image.open(tmp_path / name / "anna.hole.png")) for name in ("narrow", "wide")
    ]
    assert holes[0].sum() <= holes[1].sum()


def test_a_view_is_written_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "parse", "anna", "look_left"]) == 0
    assert main(["view", "align", "anna"]) == 0
    assert main(["view", "ripple", "anna", "look_left", "--part", "before"]) == 0
    named = capsys.readouterr().out.split()
    assert named == [
        "results/view/parse/look_left/anna.png",
        "results/view/align/photo/anna.png",
        "results/view/ripple/look_left/anna.before.png",
    ]
    assert all(Image.open(name).mode == "RGB" for name in named)


def test_directions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["directions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pose\t-4 to 4\tabout 6.7 degrees of yaw\tpose"


def test_a_sound_store_is_verified_and_pruned(capsys: pytest.CaptureFixture[str]) -> None:
    loose = Results().store
    loose.put("ab" * 32, {"figures": {"a": 1}}, {"no": "manifest names it"})
    assert main(["verify"]) == 1  # its name is not the hash of what it was made from
    assert main(["verify", "--prune", "--repair"]) == 0
    assert not loose.has("ab" * 32)
    assert main(["verify"]) == 0


def test_the_report_is_written_and_failures_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert main(["report"]) == 0
    assert json.loads(Path("results/measure.json").read_text())["failures"] == []
    assert Path("results/report.html").exists()


def test_the_sheet_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sheet"]) == 0
    assert "data/sheet.tsv: 1 photos in 1 shards, 0 of them new" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("align", "name either a photo or a --shard"),
        ("align data/photos/anna.png", "say with -o where the outcome goes"),
        ("edit data/photos/anna.png -o out.png", "say with --edit what to change"),
        ("edit data/photos/anna.png --edit pose=-3 -o out.tiff", "cannot write .tiff"),
        ("edit data/photos/anna.png --edit pose=left -o out.png", "wanted direction=degree"),
        ("edit data/photos/anna.png --edit poze=1 -o out.png", "did you mean 'pose'?"),
        ("edit data/photos/anna.png --edit look_lft -o out.png", "did you mean 'look_left'?"),
        ("edit nobody.png --edit pose=1 -o out.png", "nobody.png: cannot be opened"),
        ("ripple data/photos/anna.png -o out", "stage ripple works on an edit"),
        ("compose --shard 00000", "stage compose works on an edit"),
        ("compose --shard 00000 --edit smile", "no edit 'smile' in the config"),
        ("compose --shard 00000 --edit pose=3", "the name of one edit of the config"),
        ("align --shard 00009", "no shard 00009"),
        ("align --shard 00000 --device warp --results other --set align.mode=mtcnn", "unknown"),
        ("directions --set inpaint.growpx=3", "did you mean 'grow_px'?"),
        ("directions --config nowhere.yaml", "nowhere.yaml: cannot be read"),
        ("view compos anna look_left", "did you mean 'compose'?"),
        ("view compose anna", "stage compose works on an edit"),
        ("view compose bob look_left", "nothing of 'bob' with part 'picture'; there is"),
        ("view project anna --part figures", "with part 'figures'"),
        ("sheet --set photos=nowhere", "nowhere: no such folder"),
        ("sheet --shard-size 0", "--shard-size must be at least 1, found 0"),
        (
            "edit data/photos/anna.png --edit pose=nan -o o.png",
            "degree must be a number, found nan",
        ),
        ("edit data/photos/anna.png --edit pose=101 -o o.png", "degree must be at most 100, found"),
        ("edit data/photos/anna.png --edit pose=010 -o o.png", "begins with 0 for octal; write 10"),
        ("edit data/photos/anna.png --edit pose=1 --edit pose=2 -o o.png", "pose is given twice"),
        ("edit data/photos/anna.png --edit pose=1 -o data/photos/anna.png", "the photo itself"),
        ("view align anna -o data/photos/anna.png", "-o data/photos/anna.png is the photo itself"),
        (
            "edit data/photos/anna.png --edit pose=1 -o a.png --strip ./a.png",
            "-o and --strip would",
        ),
        ("edit data/photos/anna.png --edit pose=1 -o a.png --log config.yaml", "the config itself"),
        ("directions --set edit.strength=1 --set edit.strength=2", "edit.strength twice"),
        ("directions --set edit={} --set edit.strength=2", "twice"),
        ("directions --set edit.strength=1:30", "colons for base 60"),
        (
            "directions --set translate.first_code=9 --set translate.end_code=9",
            "no code would move",
        ),
        ("edit data/photos/anna.png --edit pose=1 --set translate.first_code=40 -o o.png", "codes"),
        ("faceworld photos --size 0", "--size must be at least 16, found 0"),
        ("faceworld photos --portraits -1", "--portraits must be at least 0, found -1"),
        ("directions fit --modes 0 -o x.safetensors", "--modes must be at least 1, found 0"),
        ("domains draw --faces 0", "--faces must be at least 1, found 0"),
        ("editor --port 70000", "--port must be at most 65535, found 70000"),
        ("parse --shard 00000 --job {", "rules write this option"),
    ],
)
def test_complaints_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: str, text: str
) -> None:
    assert text in complaint(capsys, *arguments.split())


def test_the_original_is_overwritten_only_on_request(tmp_path: Path) -> None:
    photo = tmp_path / "x.png"
    photo.write_bytes(Path("data/photos/anna.png").read_bytes())
    words = ["edit", str(photo), "--edit", "pose=-3", "-o", f"{tmp_path}/./x.png"]
    words += ["--set", "align.mode=aligned"]
    before = photo.read_bytes()
    assert main(words) == 2 and photo.read_bytes() == before
    assert main([*words, "--overwrite"]) == 0 and photo.read_bytes() != before


def test_an_option_given_twice_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["edit", "data/photos/anna.png", "-o", "a.png", "--out", "b.png"])
    assert ended.value.code == 2
    assert "--out is given twice: a.png and b.png" in capsys.readouterr().err


def test_degrees_out_of_range_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["translate", "data/photos/anna.png", "--edit", "pose=9", "-o", str(tmp_path)]
    assert main(words) == 0
    assert "outside the usable range -4 to 4" in capsys.readouterr().err


def test_every_command_module_registers() -> None:
    helped = build_parser().format_help()
    for name in ("align", "report", "view", "verify", "sheet", "directions"):
        assert name in helped
    assert len(COMMANDS) == len(set(COMMANDS))
