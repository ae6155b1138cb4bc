"""Who may ask, seen from outside: every refusal, and that nothing more is refused."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import MutableMapping
from typing import Any

import pytest

from unripple.editor.guard import Guard

OURS = "127.0.0.1:7860"


def ask(
    path: str = "/",
    *,
    headers: dict[str, str] | None = None,
    body: tuple[bytes, ...] = (b"",),
    guard: dict[str, Any] | None = None,
    kind: str = "http",
) -> tuple[int, dict[str, str], int]:
    """Status, headers, and how many bytes of the body the app behind got."""
    got = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal got
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            got += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    parts = list(body)
    said: dict[str, Any] = {}

    async def receive() -> MutableMapping[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.setdefault(message["type"], message)

    pairs = {"host": OURS, **(headers or {})}
    scope = {
        "type": kind,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
    }
    asyncio.run(Guard(app, **(guard or {}))(scope, receive, send))
    start = said.get("http.response.start") or {"status": 0, "headers": []}
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, got


@pytest.mark.parametrize("host", [OURS, "localhost:7860", "LOCALHOST", "[::1]:7860", "127.0.0.1"])
def test_this_machines_names_are_answered(host: str) -> None:
    assert ask(headers={"host": host})[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example",
     "", "127.0.0.2", "localhost@evil.example", "localhost:7860:80x", "xlocalhost"],
)  # fmt: skip
def test_forged_hosts_are_refused(host: str) -> None:
    status, _, got = ask(headers={"host": host})
    assert status == 421 and got == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_pages_are_refused(headers: dict[str, str]) -> None:
    assert ask("/studio/begin", headers=headers)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [{"origin": f"http://{OURS}"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}],
)
def test_our_own_page_is_answered(headers: dict[str, str]) -> None:
    assert ask("/studio/begin", headers=headers)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/gradio_api/upload", "/proxy=http://x",
     "/gradio_api/proxy=http://x", "/gradio_api/queue/join", "/gradio_api/run/predict",
     "/gradio_api/stream/a/b/c", "/static/../../../etc/passwd", "/assets/..\\..\\x",
     "/openapi.json",
     "/gradio_api/component_server", "/monitoring", "/docs", "/login", "/custom_component/a/b/c"],
)  # fmt: skip
def test_routes_that_the_page_does_not_need_are_closed(path: str) -> None:
    assert ask(path)[0] == 404


def test_websockets_are_closed() -> None:
    assert ask("/studio/x", kind="websocket")[0] == 0


def test_long_bodies_are_refused_by_their_word_and_by_their_length() -> None:
    small = {"max_mb": 1e-4}
    assert ask("/studio/x", headers={"content-length": "101"}, guard=small)[0] == 413
    assert ask("/studio/x", headers={"content-length": "-1"}, guard=small)[0] == 413
    status, _, got = ask("/studio/x", body=(b"x" * 60,) * 4, guard=small)
    assert status == 413 and got <= 100
    assert ask("/studio/x", body=(b"x" * 60, b"x" * 40), guard=small)[2] == 100


def test_without_the_password_nothing_is_answered() -> None:
    login = {"login": ("unripple", "sesame-open")}

    def basic(text: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    for headers in ({}, basic("unripple:wrong"), basic("unripple:"), {"authorization": "Basic %%"}):
        for path in ("/", "/studio/begin", "/assets/x.js"):
            status, said, _ = ask(path, headers=headers, guard=login)
            assert status == 401 and "Basic" in said["www-authenticate"]
    assert ask(headers=basic("unripple:sesame-open"), guard=login)[0] == 200


def test_answers_forbid_loading_anything_from_elsewhere() -> None:
    policy = ask()[1]["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy
    assert "frame-ancestors 'none'" in policy
