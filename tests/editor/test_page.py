"""The page as gradio serves it, and the command that serves it."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unripple.cli import editor as command
from unripple.cli.main import build_parser, main
from unripple.conventions import UnrippleError
from unripple.editor.serve import check_sharing
from unripple.editor.studio import Studio

WITHOUT = "needs the extra `editor`: uv sync --extra editor"


@pytest.fixture
def client(studio: Studio) -> Iterator[Any]:
    pytest.importorskip("gradio", reason=WITHOUT)
    from starlette.testclient import TestClient

    from unripple.editor.serve import guarded

    app, _ = guarded(studio)
    with TestClient(app, base_url="http://127.0.0.1:7860") as one:  # type: ignore[arg-type]
        yield one


def test_the_page_loads_nothing_from_elsewhere(client: Any) -> None:
    text = client.get("/").text
    assert "unripple editor" in text
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="([^"]+)"', text)
    assert loaded and not [url for url in loaded if "//" in url]
    assert "http" not in client.get("/").headers["content-security-policy"]
    assert "fonts.g" not in client.get("/theme.css").text


def test_no_file_can_be_read_through_gradio(client: Any, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(Path("data/photos/anna.png").read_bytes())
    for start in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/file/"):
        for path in (tmp_path / "secret.png", Path("config.yaml").resolve(), "/etc/passwd"):
            assert client.get(f"{start}{path}").status_code == 404
    for path in ("/static/%2e%2e/%2e%2e/routes.py", "/assets/..%2f..%2f..%2froutes.py",
                 "/static/..%252f..%252froutes.py"):  # fmt: skip
        assert client.get(path).status_code in (403, 404)
    upload = client.post("/gradio_api/upload", files={"files": b"x"})
    assert upload.status_code == 404


def test_sharing_needs_a_password() -> None:
    with pytest.raises(UnrippleError, match="give a password"):
        check_sharing(share=True, password=None)
    with pytest.raises(UnrippleError, match="fewer than 8"):
        check_sharing(share=True, password="short")
    check_sharing(share=True, password="long enough")
    check_sharing(share=False, password=None)


def test_the_command_refuses_to_share_without_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(command.PASSWORD_VARIABLE, raising=False)
    assert main(["editor", "--share"]) == 2
    (tmp_path / "empty").write_text("\n")
    assert main(["editor", "--share", "--password-file", str(tmp_path / "empty")]) == 2
    assert main(["editor", "--share", "--password-file", str(tmp_path / "none")]) == 2
    told = capsys.readouterr().err
    assert "give a password" in told and "is empty" in told and "cannot be read" in told


def test_without_gradio_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['gradio'] = None\n"
        "from unripple.cli.main import main; sys.exit(main(['editor', '--port', '0']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2 and "uv sync --extra editor" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_costs_neither_gradio_nor_torch() -> None:
    code = (
        "import sys, unripple.cli.main as m; m.build_parser();"
        "print(*[n for n in ('gradio', 'torch', 'starlette') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_command_is_listed() -> None:
    (commands,) = (
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    assert "editor" in commands


def test_the_token_is_new_or_the_environments_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(command.TOKEN_VARIABLE, raising=False)
    assert command._token(none=False) is None and command._token(none=True) == ""
    monkeypatch.setenv(command.TOKEN_VARIABLE, "a-chosen-long-one")
    assert command._token(none=False) == "a-chosen-long-one" and command._token(none=True) == ""
    monkeypatch.setenv(command.TOKEN_VARIABLE, "")
    assert command._token(none=False) == ""
    for bad in ("short", "with space in it", "ends-in-a-break\n"):
        monkeypatch.setenv(command.TOKEN_VARIABLE, bad)
        with pytest.raises(UnrippleError, match="16 letters"):
            command._token(none=False)


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_however_the_server_ends(
    project: Path, tmp_path: Path, end: signal.Signals
) -> None:
    pytest.importorskip("gradio", reason=WITHOUT)
    import http.client
    import time

    process = subprocess.Popen(
        [sys.executable, "-m", "unripple", "editor", "--port", "0"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        # Under `nohup` the tests do not hear it, and the server would stay, as it should.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    assert process.stdout is not None
    address = process.stdout.readline()
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/\?token=[\w-]{32})\n", address)
    assert found is not None, address
    for path, status in ((found[2], 200), ("/", 403)):
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        connection.request("GET", path)
        assert connection.getresponse().status == status
        connection.close()
    (root,) = tmp_path.glob("unripple-editor-*")
    assert root.stat().st_mode & 0o077 == 0
    process.send_signal(end)
    process.wait(60)
    until = time.monotonic() + 10
    while list(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)  # after a kill, the process that decodes tidies up
    assert list(tmp_path.iterdir()) == []
