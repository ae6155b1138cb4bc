"""The command line: what it does to files, and how it complains."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import walk, write_project
from unripple.cli.main import BAD_FILE, BAD_INPUT, COMMANDS, build_parser, main
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


def test_what_workers_are_forked_from_has_all_that_their_jobs_import() -> None:
    """Python says nothing where the import of a forkserver's module fails."""
    code = (
        "import gc, sys, unripple.cli.preload; from unripple.zoo import zoo\n"
        "assert 'torch' in sys.modules and 'unripple.stages.report' in sys.modules\n"
        "assert 'unripple.cli.stages' in sys.modules and zoo._kept == {}\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 100_000"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_edit_imports_no_other_command() -> None:
    code = (
        "import sys; from unripple.cli.main import main\n"
        "assert main(['edit', 'nobody.png', '--edit', 'yaw=-20']) == 2\n"
        "assert not {'requests', 'tqdm', 'torch', 'unripple.cli.models'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
    words = ["stage", "ripple", "data/photos/anna.png", "--edit", "pose=-3", "-o", str(tmp_path)]
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
    words = ["stage", "align", "--shard", "00000", "--results", str(results), "--log", str(log)]
    assert main(words) == 0
    assert Results(results).read_manifest("align", None, "00000").keys.keys() == {"anna"}
    assert "align 00000: 1/1 anna" in log.read_text()


def test_overrides_reach_the_stage(tmp_path: Path) -> None:
    words = [
        "stage",
        "inpaint",
        "data/photos/anna.png",
        "--edit",
        "pose=-3",
        "--set",
        "inpaint.grow_px=0",
    ]
    assert main([*words, "-o", str(tmp_path / "narrow")]) == 0
    assert main([*words[:5], "-o", str(tmp_path / "wide")]) == 0
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
    assert "yaw\t-40 to 40\tone degree\thead to the picture's right (a turn)" in lines


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
        ("stage align", "name either a photo or a --shard"),
        ("stage align data/photos/anna.png", "say with -o where the outcome goes"),
        ("edit data/photos/anna.png -o out.png", "say with --edit what to change"),
        ("edit data/photos/anna.png --edit pose=-3 -o out.tiff", "cannot write .tiff"),
        ("edit data/photos/anna.png --edit pose=left -o out.png", "wanted direction=degree"),
        ("edit data/photos/anna.png --edit poze=1 -o out.png", "did you mean 'pose'?"),
        ("edit data/photos/anna.png --edit look_lft -o out.png", "did you mean 'look_left'?"),
        ("edit nobody.png --edit pose=1 -o out.png", "nobody.png: cannot be opened"),
        ("stage ripple data/photos/anna.png -o out", "stage ripple works on an edit"),
        ("stage compose --shard 00000", "stage compose works on an edit"),
        ("stage compose --shard 00000 --edit smile", "no edit 'smile' in the config"),
        ("stage compose --shard 00000 --edit pose=3", "the name of one edit of the config"),
        ("stage align --shard 00009", "no shard 00009"),
        (
            "edit data/photos/anna.png --edit pose=1 --device warp -o o.png",
            "device 'warp' is unknown",
        ),
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
        ("stage parse --shard 00000 --job {", "rules write this option"),
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
    words = ["stage", "translate", "data/photos/anna.png", "--edit", "pose=9", "-o", str(tmp_path)]
    assert main(words) == 0
    assert "outside the usable range -4 to 4" in capsys.readouterr().err


def test_every_command_module_registers() -> None:
    helped = build_parser().format_help()
    for name in ("edit", "report", "view", "stage", "verify", "sheet", "directions"):
        assert f"\n    {name} " in helped
    modules = [module for group in COMMANDS.values() for module in group]
    assert len(modules) == len(set(modules))


def test_commands_for_people_come_first_and_stages_apart() -> None:
    helped = build_parser().format_help()
    places = [helped.index(f"\n    {name} ") for name in ("edit", "strip", "report", "stage")]
    assert places == sorted(places) and "\n    ripple" not in helped


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("edt x.png", "no command 'edt'; did you mean 'edit'?"),
        ("parse --shard 00000", "no command 'parse'; stages are called by `unripple stage parse`"),
        ("stage pars --shard 00000", "no command 'pars'; did you mean 'parse'?"),
        ("xyz", "no command 'xyz'; `unripple --help` lists them"),
        ("edit x.png --edt pose=1", "unrecognized arguments: --edt pose=1; did you mean '--edit'?"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], words: str, text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == BAD_INPUT
    assert text in capsys.readouterr().err


def test_shards_of_edits_are_pointed_to_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "edit", "--shard", "00000", "--edit", "look_left")
    assert "say `unripple stage edit --shard ...`" in said


def test_a_report_of_nothing_is_an_error_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == BAD_FILE
    assert "run snakemake first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_report_compares_with_another_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 0
    told = json.loads(Path("results/measure.json").read_text())
    told["edits"][0]["seam"] = 9.0
    (tmp_path / "measure.json").write_text(json.dumps(told))
    assert main(["report", "--against", str(tmp_path)]) == 0
    page = Path("results/report.html").read_text()
    assert f"Against {tmp_path}" in page and "1 better here" in page
    assert main(["report", "--against", str(tmp_path / "nowhere")]) == BAD_FILE
    assert "no table of figures there" in capsys.readouterr().err


def test_a_photo_that_the_last_run_left_out_is_viewed_all_the_same(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Path("results/parse/look_left/anna.labels.png")
    hidden = shown.rename(tmp_path / shown.name)
    try:
        assert main(["view", "parse", "anna", "look_left", "-o", str(tmp_path / "v.png")]) == 0
    finally:
        hidden.rename(shown)
    assert main(["view", "parse", "anna", "look_left", "-o", str(tmp_path / "w.png")]) == 0
    one, other = (np.asarray(Image.open(tmp_path / name)) for name in ("v.png", "w.png"))
    assert np.array_equal(one, other)


def test_a_stages_command_is_read_as_by_the_whole_command_line() -> None:
    words = ["stage", "parse", "--shard", "00000", "--edit", "look"]
    said = [vars(build_parser(only).parse_args(words)) for only in ((), words[:1], words[:2])]
    said = [{name: str(value) for name, value in options.items()} for options in said]
    assert said[0] == said[1] == said[2]
