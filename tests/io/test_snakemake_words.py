"""What `--configfile` and `--config` say is read before Snakemake reads it, in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unripple.conventions import BadConfig
from unripple.io.snakemake_words import check

REPO = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("photos: 2020-13-45", "texts that look like dates in quotes"),
        ("limits: {seconds: 2001-99-99}", "texts that look like dates in quotes"),
        ("photos: a\nphotos: b", "line 2: 'photos' is given already in line 1"),
        ("photos: &a [*a]", "holds itself"),
        ("photos: !!python/object/apply:os.system [id]", "no meaning here"),
        ("photos: [a", "no YAML"),
        ("project: {iterations: 010}", "octal"),
    ],
)
@pytest.mark.parametrize("option", ["--configfile", "--configfiles", "--configfile="])
def test_a_file_of_the_command_line(tmp_path: Path, option: str, text: str, words: str) -> None:
    (tmp_path / "good.yaml").write_text("photos: a")
    file = tmp_path / "own.yaml"
    file.write_text(text)
    given = [f"{option}{file}"] if option.endswith("=") else [option, f"{file}"]
    more = [] if option.endswith("=") else [f"{tmp_path / 'good.yaml'}"]
    with pytest.raises(BadConfig, match=words) as told:
        check(["-n", "all", *given, *more, "--cores", "1"])
    assert "own.yaml" in str(told.value) and "\n" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"nowhere\.yaml: cannot be read"):
        check(["--configfile", str(tmp_path / "nowhere.yaml")])


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("a=1", "unknown key 'a'"),
        ("photo=x", "did you mean 'photos'"),
        ("photos", "wanted key=value"),
        ("2photos=x", "unknown key '2photos'"),
        ("edit={strength: 1, strength: 2}", "given already"),
        ("project={iterations: 010}", "octal"),
        ("limits={seconds: [", "no YAML"),
    ],
)
def test_an_entry_of_the_command_line(entry: str, words: str) -> None:
    for given in (["--config", entry], ["-C", entry], ["-C" + entry], [f"--config={entry}"]):
        with pytest.raises(BadConfig, match=words) as told:
            check(["-n", *given, "--cores", "1"])
        assert "--config" in str(told.value) and "\n" not in str(told.value)


def test_other_words_are_not_asked(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("photos: a")
    check(["-n", "a=1", "--config", "photos=a=b", "recipe=ripple", "--set-threads", "b=2"])
    check(["--configfile", str(tmp_path / "good.yaml"), "--cores", "1", "nowhere.yaml"])
    check(["--config", "--", "a=1"])
    check([])


PLUGIN = """
import sys
from dataclasses import dataclass
from snakemake.exceptions import WorkflowError
from snakemake.executors.local import Executor, common_settings
from snakemake_interface_executor_plugins.settings import ExecutorSettingsBase
from unripple.conventions import UnrippleError
from unripple.io.snakemake_words import check

@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    def __post_init__(self):
        try:
            check(sys.argv[1:])
        except UnrippleError as error:
            raise WorkflowError(f"unripple: {error}") from None
"""


@pytest.mark.slow
def test_the_settings_of_an_executor_are_asked_before_snakemake_reads(tmp_path: Path) -> None:
    """The hook: no traceback of Snakemake's own over what it reads before any workflow."""
    package = tmp_path / "plugins" / "snakemake_executor_plugin_asked"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN)
    (tmp_path / "Snakefile").write_text("rule all:\n    output: 'x'\n    shell: 'touch x'\n")
    (tmp_path / "own.yaml").write_text("photos: 2020-13-45")
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(package.parent), str(REPO)])}
    command = [sys.executable, "-m", "snakemake", "-n", "--executor", "asked"]
    for words, text in (
        (["--configfile", "own.yaml"], "own.yaml: Snakemake cannot read it"),
        (["--config", "a=1"], "--config a=1: unknown key 'a'"),
    ):
        done = subprocess.run(
            [*command, *words], cwd=tmp_path, env=variables, capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == 1 and text in said and "Traceback" not in said
