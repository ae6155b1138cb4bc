"""Who may ask, seen from outside: every refusal, and that nothing more is refused."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import MutableMapping
from typing import Any

import pytest

from unripple.webui.guard import Deadlines, Guard

OURS = "127.0.0.1:7860"


def ask(
    path: str = "/",
    *,
    query: str = "",
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
        "query_string": query.encode(),
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


TOKEN = {"token": "a-very-secret-token"}


def test_without_the_token_nothing_is_answered() -> None:
    for path in ("/", "/studio/begin", "/assets/x.js", "/nowhere"):
        for query in ("", "token=", "token=wrong", "token=a-very-secret-toke", "token=%ff"):
            assert ask(path, query=query, guard=TOKEN)[0] == 403
    for given in ("token wrong", "Basic Zm9v", "token", "Bearer é"):
        assert ask(headers={"authorization": given}, guard=TOKEN)[0] == 403


def test_the_token_comes_in_the_address_or_a_header_and_leaves_a_cookie() -> None:
    status, said, _ = ask(query="token=a-very-secret-token", guard=TOKEN)
    assert status == 200
    assert "HttpOnly" in said["set-cookie"] and "SameSite=Strict" in said["set-cookie"]
    assert "a-very-secret-token" not in said["set-cookie"]
    for kind in ("token", "Bearer"):
        headers = {"authorization": f"{kind} a-very-secret-token"}
        assert ask("/studio/begin", headers=headers, guard=TOKEN)[0] == 200


def test_the_cookie_is_of_one_server_and_port() -> None:
    async def main() -> list[int]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        guard, statuses = Guard(app, **TOKEN), []

        async def asked(query: bytes, cookie: bytes, port: bytes = b"7860") -> bytes:
            said: list[Any] = []

            async def send(message: Any) -> None:
                said.append(message)

            headers = [(b"host", b"127.0.0.1:" + port), (b"cookie", cookie)]
            scope = {"type": "http", "path": "/", "query_string": query, "headers": headers}
            await guard(scope, None, send)  # type: ignore[arg-type]
            statuses.append(said[0]["status"])
            return dict(said[0]["headers"]).get(b"set-cookie", b"").partition(b";")[0]

        cookie = await asked(b"token=a-very-secret-token", b"")
        await asked(b"", cookie)
        await asked(b"", cookie, port=b"7861")
        await asked(b"", cookie[:-1])
        await asked(b"", b"unripple-7860=\xff; ;=")
        return statuses

    assert asyncio.run(main()) == [200, 200, 403, 403, 403]


@pytest.mark.parametrize("headers", [{"origin": "http://["}, {"host": "["}, {"host": "[::1"}])
def test_malformed_names_are_said_to_be(headers: dict[str, str]) -> None:
    assert ask("/studio/begin", headers=headers)[0] == 400


def test_json_is_short_and_lengths_are_numbers() -> None:
    assert ask("/studio/x/preview", headers={"content-length": "64000000"})[0] == 413
    assert ask("/studio/x/photo", headers={"content-length": "64000000"})[0] == 200
    assert ask("/studio/x/photo", headers={"content-length": "9" * 5000})[0] == 413


@pytest.mark.parametrize("pause", [1.0, 0.01])
def test_bodies_that_stall_or_dawdle_end(pause: float) -> None:
    limits = Deadlines(idle=0.2, slow=0.3, body=5.0)

    async def main() -> tuple[int, float]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            while (await receive())["more_body"]:
                pass

        async def receive() -> Any:
            await asyncio.sleep(pause)
            return {"type": "http.request", "body": b"x", "more_body": True}

        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        scope = {"type": "http", "path": "/studio/x/photo", "headers": [(b"host", OURS.encode())]}
        began = time.monotonic()
        await Guard(app, deadlines=limits)(scope, receive, send)
        return said[0]["status"], time.monotonic() - began

    status, passed = asyncio.run(main())
    assert status == 408 and passed < 2
