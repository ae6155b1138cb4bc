"""Who may ask the server what: hosts, origins, a password, paths, lengths. ASGI, before all else.

A page elsewhere that lets its own name point to 127.0.0.1 (DNS rebinding) sends that name as Host,
and one that merely posts here sends its Origin: both are refused. Of gradio's routes only those
that the page needs are let through; none of them reads or writes files that somebody names.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = ("127.0.0.1", "localhost", "[::1]")
STUDIO = "/studio"
_OPEN = frozenset({"/", "/theme.css", "/favicon.ico", "/config", "/manifest.json"})
_OPEN_BELOW = ("/assets/", "/static/")

_HEADERS = {
    # Nothing is loaded from, sent to, or framed by anybody else.
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """An ASGI app around another one.

    Args:
        app: what is guarded.
        hosts: names under which it may be asked, without ports.
        max_mb: longest body of a request.
        login: name and password that everybody must give, or None.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: tuple[str, ...] = LOCAL,
        max_mb: float = 64.0,
        login: tuple[str, str] | None = None,
    ) -> None:
        self._app, self._max_bytes, self._login = app, int(max_mb * 1e6), login
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        await self._app(scope, self._bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope, headers: dict[str, bytes]) -> tuple[int, str] | None:
        """Status and text of what is not let through."""
        host = _name_of(headers.get("host", b"").decode("latin-1"))
        if host not in self.hosts or _twice(scope, b"host"):
            return 421, "this server does not answer to that name"
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(origin.decode("latin-1"), headers):
            return 403, "asked by another page"
        if headers.get("sec-fetch-site", b"same-origin") in (b"cross-site", b"same-site"):
            return 403, "asked by another page"
        if self._login is not None and not self._knows(headers.get("authorization", b"")):
            return 401, "a name and a password are needed"
        if scope["type"] != "http" or not _is_open(scope["path"]):
            return 404, "there is nothing here"
        length = headers.get("content-length", b"0")
        if not length.isdigit() or int(length) > self._max_bytes:
            return 413, f"more than {self._max_bytes / 1e6:g} MB"
        return None

    def _is_ours(self, origin: str, headers: dict[str, bytes]) -> bool:
        # "null" (sandboxed pages, files) has no name, and is not ours.
        return urlsplit(origin).netloc.lower() == headers["host"].decode("latin-1").lower()

    def _knows(self, authorization: bytes) -> bool:
        assert self._login is not None
        kind, _, told = authorization.partition(b" ")
        try:
            given = base64.b64decode(told, validate=True) if kind.lower() == b"basic" else b""
        except binascii.Error:
            given = b""
        return hmac.compare_digest(given, ":".join(self._login).encode())

    def _bounded(self, receive: Receive) -> Receive:
        """Bodies that do not say how long they are, and go on for too long, end there."""
        got = 0

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._max_bytes:
                return {"type": "http.disconnect"}
            return message

        return bounded


def _is_open(path: str) -> bool:
    if ".." in path or "\\" in path or "\0" in path:
        return False
    inside = (STUDIO + "/", *_OPEN_BELOW)
    return path in _OPEN or path.startswith(inside)


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _twice(scope: Scope, name: bytes) -> bool:
    names = [key.lower() for key, _ in scope["headers"]]
    return names.count(name) > 1


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message.get("headers", [])}
            more = [
                (k.encode(), v.encode()) for k, v in _HEADERS.items() if k.encode() not in known
            ]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="unripple", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
