"""`unripple compare` and `unripple edit-fid`: files, tables, complaints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import picture
from unripple.cli.compare import DEFINITIONS, METRICS
from unripple.cli.main import BAD_FILE, BAD_INPUT, main
from unripple.runtime.compare import DEFINITIONS as KNOWN_DEFINITIONS
from unripple.runtime.compare import MEASURES


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`photos` and, of another suffix and a little brighter, `results`."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "results"):
        Path(name).mkdir()
    for n in range(3):
        shown = picture(n, 40, 40)
        Image.fromarray(shown).save(f"photos/{n}.png")
        Image.fromarray(np.maximum(shown, 9)).save(f"results/{n}.webp", lossless=True)
    return tmp_path


def complaint(capsys: pytest.CaptureFixture[str], *words: str, status: int = BAD_INPUT) -> str:
    assert main(words) == status
    shown = capsys.readouterr()
    assert shown.out == "" and "Traceback" not in shown.err
    return shown.err.strip().splitlines()[-1]


def test_the_command_line_knows_every_metric() -> None:
    assert set(METRICS) == set(MEASURES) and KNOWN_DEFINITIONS == DEFINITIONS


def test_figures_are_written_and_their_means_printed(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "photos", "results", "--metrics", "psnr", "l2", "psnr"]
    assert main([*words, "--out", "figures"]) == 0
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()] == ["psnr", "l2"]
    assert "(3 pictures)" in shown.out and "3/3 2" in shown.err
    for metric in ("l2", "psnr"):
        told = json.loads((folders / "figures" / f"{metric}.json").read_text())
        assert told["metric"] == metric and list(told["values"]) == ["0", "1", "2"]
        assert f"{metric} {told['mean']:.6g}" in shown.out


def test_figures_that_are_there_are_not_lost(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "photos", "results", "--metrics", "l2", "--out", "figures"]
    assert main(words) == 0
    before = Path("figures/l2.json").read_bytes()
    capsys.readouterr()
    said = complaint(capsys, *words)
    assert (
        said.startswith("unripple: figures/l2.json: there is one already") and "--overwrite" in said
    )
    assert Path("figures/l2.json").read_bytes() == before
    assert main([*words, "--overwrite"]) == 0


def test_a_picture_alone_leaves_no_figures(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("results/1.webp").unlink()
    said = complaint(capsys, "compare", "photos", "results", "--out", "figures")
    assert said.startswith("unripple: photos/1.png has no result; pictures are paired")
    assert not Path("figures").exists()


def test_steps_of_hyperstyle_are_compared_one_by_one(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("steps").mkdir()
    Path("results").rename("steps/0")
    words = ["compare", "photos", "steps", "--metrics", "l2", "--out", "figures"]
    assert main([*words, "--definition", "hyperstyle"]) == 0
    assert capsys.readouterr().out.startswith("0 l2 ")
    assert json.loads(Path("figures/0/l2.json").read_text())["definition"] == "hyperstyle"
    assert "steps/0/0.webp has no original" in complaint(capsys, *words[:-1], "others")


def test_a_network_that_is_not_here_is_said(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRIPPLE_MODELS", str(folders / "models"))
    words = ["compare", "photos", "results", "--metrics", "lpips", "--out", "figures"]
    assert "run `unripple models fetch lpips`" in complaint(capsys, *words, status=BAD_FILE)


@pytest.mark.parametrize("model", ["identity", "=x", "identity="])
def test_a_model_needs_its_role(
    folders: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    words = ["compare", "photos", "results", "--out", "figures", "--model", model]
    assert "wanted ROLE=FILE" in complaint(capsys, *words)


def test_editing_fid_names_what_is_wrong(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("anno.txt").write_text("3\nSmiling\n0.jpg 1\n1.jpg 1\n2.jpg -1\n")
    words = ["edit-fid", "photos", "results", "--table", "anno.txt", "--attribute"]
    assert "no attribute 'Smile'; did you mean" in complaint(capsys, *words, "Smile")
    assert "1 pictures in results count, wanted at least 2" in complaint(capsys, *words, "Smiling")
