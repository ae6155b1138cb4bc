"""Completion by TAB: the script is one that the shell takes, and knows every command."""

from __future__ import annotations

import subprocess

import pytest

from unripple.cli.completion import SHELLS
from unripple.cli.main import main


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_knows_commands_and_options(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("edit", "stage", "ripple", "--overwrite"):
        assert word.removeprefix("--") in script


def test_bash_completes_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    asked = "COMP_WORDS=(unripple ed); COMP_CWORD=1; _shtab_unripple; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=False
    )
    assert "edit" in done.stdout.split() and "editor" in done.stdout.split(), done.stderr
