"""Who may ask the server what: hosts, origins, a token or password, paths, lengths, deadlines.

ASGI, before all else. Every account of this machine can reach 127.0.0.1, so the address that is
printed carries a token, as Jupyter's does; whoever came with it gets a cookie for what follows.

A page elsewhere that lets its own name point to 127.0.0.1 (DNS rebinding) sends that name as Host,
and one that merely posts here sends its Origin: both are refused.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlsplit

from unripple.webui.guesses import Guesses

log = logging.getLogger(__name__)

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = ("127.0.0.1", "localhost", "[::1]")
ADDRESS = "/studio"
_LONG_BODIES = ("/photo", "/keep", "/external/edited")  # all others are JSON
_LONGEST_JSON = 100_000
_COOKIE = "unripple"
_DIGITS = 15  # of a length that anybody means


class Deadlines(NamedTuple):
    """How long a client may take, seconds.

    Attributes:
        idle: between two parts of a body.
        slow: when bodies must have come at `bytes_per_s` on average.
        body: a whole body.
        answer: until an answer's part is taken.
        bytes_per_s: the slowest line.
    """

    idle: float = 10.0
    slow: float = 15.0
    body: float = 600.0
    answer: float = 60.0
    bytes_per_s: float = 8000.0


class _TooLong(Exception):
    """A body is longer, or takes longer, than it may."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


_HEADERS = {
    # Nothing is loaded from, sent to, or framed by anybody else.
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
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
        max_mb: longest file that may be sent; other bodies are short.
        login: name and password that everybody must give, or None.
        token: what the address carries, or None: everybody may ask who reaches the port.
        deadlines: for bodies and answers.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: tuple[str, ...] = LOCAL,
        max_mb: float = 64.0,
        login: tuple[str, str] | None = None,
        token: str | None = None,
        deadlines: Deadlines = Deadlines(),  # noqa: B008 (nothing can change it)
    ) -> None:
        self._app, self._max_bytes = app, int(max_mb * 1e6)
        self._login, self._token, self._deadlines = login, token, deadlines
        self._cookie = secrets.token_urlsafe(32)
        self._guesses = Guesses()
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
        sending = _Sending(send, self._deadlines.answer)
        refusal = self._stranger(scope, headers) or await self._unknown(scope, headers, sending)
        refusal = refusal or self._unfit(scope, headers)
        if refusal is not None:
            await _refuse(scope, sending, *refusal)
            if scope["type"] == "websocket":
                return
            await self._drain(receive, headers)
            await sending.end()
            return
        try:
            await self._app(scope, self._bounded(scope["path"], receive, sending), sending)
        except _TooLong:
            pass  # `_bounded` has said so
        except asyncio.CancelledError:  # the server ends
            with contextlib.suppress(Exception, asyncio.CancelledError):  # an answer has begun
                await self._ended(sending, 503, "the editor was stopped")
        except TimeoutError:
            log.info("%s: nobody took the answer", scope["path"])

    def _stranger(self, scope: Scope, headers: dict[str, bytes]) -> tuple[int, str] | None:
        """Status and text for who asks by a name that is not ours, or from another page."""
        host = headers.get("host", b"").decode("latin-1")
        if _malformed(f"//{host}"):
            return 400, "malformed Host"
        if _name_of(host) not in self.hosts or _twice(scope, b"host"):
            return 421, "this server does not answer to that name"
        origin = headers.get("origin", b"").decode("latin-1").lower()
        if _malformed(origin):
            return 400, "malformed Origin"
        # "null" (sandboxed pages, files) has no name, and is not ours.
        ours = {f"{scheme}://{host.lower()}" for scheme in ("http", "https")}
        if "origin" in headers and origin not in ours:
            return 403, "asked by another page"
        if headers.get("sec-fetch-site", b"same-origin") in (b"cross-site", b"same-site"):
            return 403, "asked by another page"
        return None

    def _unfit(self, scope: Scope, headers: dict[str, bytes]) -> tuple[int, str] | None:
        """Status and text for what nobody may ask."""
        if scope["type"] != "http":
            return 404, "there is nothing here"
        length, most = headers.get("content-length", b"0"), self._longest(scope["path"])
        if not length.isdigit() or len(length) > _DIGITS or int(length) > most:
            return 413, f"more than {most / 1e6:g} MB"
        return None

    def _longest(self, path: str) -> int:
        long = path.startswith(ADDRESS) and path.endswith(_LONG_BODIES)
        return self._max_bytes if long else min(_LONGEST_JSON, self._max_bytes)

    async def _unknown(
        self, scope: Scope, headers: dict[str, bytes], sending: _Sending
    ) -> tuple[int, str] | None:
        """Status and text for who has neither token, password nor cookie."""
        if self._login is None and self._token is None:
            return None
        port = headers["host"].decode("latin-1").rpartition(":")[2]  # cookies know none
        cookie = f"{_COOKIE}-{port}" if port.isdigit() else _COOKIE
        if _same(_cookies(headers).get(cookie, ""), self._cookie):
            return None
        held = f"{cookie}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"
        given = _tokens(scope, headers) if self._login is None else _passwords(headers)
        if self._token is not None and self._login is None and any(map(self._is_right, given)):
            sending.more.append((b"set-cookie", held.encode()))
            return None  # too long to be guessed: who has it waits for nobody
        if given:
            who = str((scope.get("client") or ("",))[0])
            if not await self._guesses.turn(who):
                return 429, "too many wrong guesses; try again in a few seconds"
            right = any(self._is_right(one) for one in given)
            self._guesses.record(who, right=right)
            if right:
                sending.more.append((b"set-cookie", held.encode()))
                return None
        if self._login is not None:
            return 401, "a name and a password are needed"
        return 403, "open the address that `unripple editor` printed, with its token"

    def _is_right(self, given: str) -> bool:
        secret = self._token if self._login is None else ":".join(self._login)
        return secret is not None and _same(given, secret)

    def _bounded(self, path: str, receive: Receive, sending: _Sending) -> Receive:
        """Bodies that go on for too long, or stall, end there with an answer that says so."""
        got, began, limits = 0, time.monotonic(), self._deadlines
        most, whole = self._longest(path), False

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal got, whole
            if whole:  # from now on it waits for the client to leave
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), limits.idle)
            except TimeoutError:
                raise await self._ended(sending, 408, "the request stalled") from None
            got += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if got > most:
                raise await self._ended(sending, 413, f"more than {most / 1e6:g} MB")
            passed = time.monotonic() - began
            slow = passed > limits.slow and got < passed * limits.bytes_per_s
            if not whole and (slow or passed > limits.body):
                raise await self._ended(sending, 408, "the request is too slow")
            return message

        return bounded

    @staticmethod
    async def _ended(sending: _Sending, status: int, text: str) -> _TooLong:
        await _refuse({"type": "http"}, sending, status, text)
        await sending.end()
        return _TooLong(status, text)

    async def _drain(self, receive: Receive, headers: dict[str, bytes]) -> None:
        """Take what is on its way, so that the client reads the answer instead of a reset."""
        length = headers.get("content-length", b"0")
        if "expect" in headers or not length.isdigit() or len(length) > _DIGITS:
            return
        left, until = min(int(length), self._max_bytes), time.monotonic() + self._deadlines.idle
        while left > 0:
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError:
                return
            left -= len(message.get("body", b""))
            if not message.get("more_body"):
                return


class _Sending:
    """An answer on its way: with our headers, and not for ever.

    Attributes:
        more: headers beside ours.
    """

    def __init__(self, send: Send, patience_s: float) -> None:
        self._send, self._patience_s = send, patience_s
        self.more: list[tuple[bytes, bytes]] = []
        self._ended = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if self._ended:
            return  # the app answers what was refused already
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", [])}
            ours = [(k.encode(), v.encode()) for k, v in _HEADERS.items()]
            more = [(name, value) for name, value in ours if name not in given]
            headers = [*message.get("headers", []), *more, *self.more]
            message = {**message, "headers": headers}
        await asyncio.wait_for(self._send(message), self._patience_s)

    async def end(self) -> None:
        """Finish a refusal; whatever the app says after it is dropped."""
        await self({"type": "http.response.body", "body": b""})
        self._ended = True


def _malformed(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:
        return True
    return False


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _cookies(headers: dict[str, bytes]) -> dict[str, str]:
    try:
        cookies = SimpleCookie(headers.get("cookie", b"").decode("latin-1"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in cookies.items()}


def _tokens(scope: Scope, headers: dict[str, bytes]) -> list[str]:
    """What a request gives as a token: in its address, or as a header."""
    kind, _, token = headers.get("authorization", b"").decode("latin-1").partition(" ")
    try:
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    except ValueError:
        asked = {}
    return [*asked.get("token", []), *([token] if kind.lower() in ("token", "bearer") else [])]


def _passwords(headers: dict[str, bytes]) -> list[str]:
    """What a request gives as name:password."""
    kind, _, login = headers.get("authorization", b"").partition(b" ")
    if kind.lower() != b"basic":
        return []
    try:
        return [base64.b64decode(login, validate=True).decode("utf-8", "replace")]
    except binascii.Error:
        return [""]


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _twice(scope: Scope, name: bytes) -> bool:
    names = [key.lower() for key, _ in scope["headers"]]
    return names.count(name) > 1


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    """Say why not; the connection closes after it, with whatever was to come."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="unripple", charset="UTF-8"'))
    if status == 429:
        headers.append((b"retry-after", b"2"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
