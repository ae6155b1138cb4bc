"""The page as it is served, and the command that serves it."""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unripple.cli import editor as command
from unripple.cli.main import build_parser, main
from unripple.conventions import UnrippleError
from unripple.webui.app_state import AppState
from unripple.webui.page import page_files
from unripple.webui.serve import check_access

WITHOUT = "needs the extra `editor`: uv sync --extra editor"


@pytest.fixture
def client(app_state: AppState) -> Iterator[Any]:
    pytest.importorskip("starlette", reason=WITHOUT)
    pytest.importorskip("uvicorn", reason=WITHOUT)
    from starlette.testclient import TestClient

    from unripple.webui.serve import guarded

    app, _ = guarded(app_state)
    with TestClient(app, base_url="http://127.0.0.1:7860") as one:  # type: ignore[arg-type]
        yield one


def loaded_by(text: str) -> list[str]:
    return re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="([^"]+)"', text)


def test_the_page_loads_nothing_from_elsewhere(client: Any) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "unripple editor" in answer.text
    loaded = [url for url in loaded_by(answer.text) if not url.startswith("data:")]
    assert loaded and not [url for url in loaded if "//" in url]
    for url in loaded:
        assert client.get(url).status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "http" not in policy and "unsafe" not in policy


def test_every_module_of_the_page_is_served(client: Any) -> None:
    asked, left = set(), {"/static/page.js"}
    while left:
        url = left.pop()
        asked.add(url)
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert answer.headers["content-type"].startswith("text/javascript")
        names = re.findall(r"^import .*?'\./(\w+\.js)'", answer.text, re.MULTILINE)
        left |= {f"/static/{name}" for name in names} - asked
    served = {url for url in page_files() if url.endswith(".js")}
    assert asked == served


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/gradio_api/upload", "/proxy=http://x",
     "/config", "/theme.css", "/static/../../../etc/passwd", "/assets/..\\..\\x",
     "/static/%2e%2e/%2e%2e/routes.py", "/static/..%2f..%2froutes.py", "/static/..%252f..%252fx.py",
     "/static/page.html", "/static/", "/static", "/studio", "/openapi.json", "/monitoring",
     "/docs", "/login", "/custom_component/a/b/c"],
)  # fmt: skip
def test_nothing_else_is_served(client: Any, path: str) -> None:
    for ask in (client.get, client.post):
        answer = ask(path)
        assert answer.status_code == 404 and answer.json()["error"]


def test_a_proxys_name_needs_a_password_or_a_token() -> None:
    name = "photos.example.org"
    with pytest.raises(UnrippleError, match="give a password"):
        check_access(proxy_name=name, token="")
    with pytest.raises(UnrippleError, match="fewer than 8"):
        check_access(proxy_name=name, password="short")
    for bad in ("https://photos.example.org", "photos.example.org:443", "a/b", "", "-x"):
        with pytest.raises(UnrippleError, match="wanted a host's name"):
            check_access(proxy_name=bad, password="long enough")
    check_access(proxy_name=name, password="long enough")
    check_access(proxy_name=name)  # a new token
    check_access(token="")


def test_a_proxys_name_is_answered_and_no_other(app_state: AppState) -> None:
    pytest.importorskip("starlette", reason=WITHOUT)
    from starlette.testclient import TestClient

    from unripple.webui.serve import guarded

    app, _ = guarded(app_state, token="a-very-secret-token", proxy_name="Photos.example.org")
    with TestClient(app, base_url="https://photos.example.org") as one:  # type: ignore[arg-type]
        assert one.get("/?token=a-very-secret-token").status_code == 200
        assert one.get("/").status_code == 200  # by the cookie
        own = {"origin": "https://photos.example.org"}
        assert one.post("/studio/begin", headers=own).status_code == 200
        for headers in ({"host": "evil.example.org"}, {"origin": "https://evil.example.org"}):
            assert one.post("/studio/begin", headers=headers).status_code in (403, 421)


def test_the_command_says_what_is_wrong_with_access(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(command.PASSWORD_VARIABLE, raising=False)
    (tmp_path / "empty").write_text("\n")
    named = ["editor", "--port", "0", "--proxy-name", "photos.example.org"]
    assert main([*named, "--no-token"]) == 2
    assert main([*named, "--password-file", str(tmp_path / "empty")]) == 2
    assert main([*named, "--password-file", str(tmp_path / "none")]) == 2
    told = capsys.readouterr().err
    assert "give a password" in told and "is empty" in told and "cannot be read" in told


def test_a_busy_port_is_told_before_anything_is_imported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "unripple.webui.serve", None)  # brings torch
    monkeypatch.setitem(sys.modules, "unripple.webui.app_state", None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["editor", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"port {port}" in said and "--port" in said


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, sys\n"
        "u.find_spec = lambda name: None\n"
        "from unripple.cli.main import main; sys.exit(main(['editor', '--port', '0']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2 and "uv sync --extra editor" in done.stderr
    assert "starlette" in done.stderr and "Traceback" not in done.stderr


def test_the_command_line_costs_neither_starlette_nor_torch() -> None:
    code = (
        "import sys, unripple.cli.main as m; m.build_parser();"
        "print(*[n for n in ('uvicorn', 'torch', 'starlette') if n in sys.modules])"
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
    pytest.importorskip("uvicorn", reason=WITHOUT)
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
    printed = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/\?token=[\w-]{32})\n", address)
    assert printed is not None, address
    for path, status in ((printed[2], 200), ("/", 403)):
        connection = http.client.HTTPConnection("127.0.0.1", int(printed[1]), timeout=60)
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
