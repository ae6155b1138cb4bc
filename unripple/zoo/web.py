"""One answer of one url: is it the file, or a page for people that must not pass for one?

urllib rather than a third-party client: it honours the proxy variables, follows redirects and needs
nothing installed. Its opener is built here without file: and ftp:, so no redirect reaches them.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import IO, Any

TIMEOUT_S = 30.0
"""Silence after which a connection counts as dead; no limit on the whole download."""

_LOCAL = ("127.0.0.1", "localhost", "::1")
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_HEAD_BYTES = 1024
_PAGE_BYTES = 1 << 20
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")
_GOOGLE = (".google.com", ".googleusercontent.com")
_QUOTA = ("quota exceeded", "too many users have viewed or downloaded")


class Refused(Exception):
    """This url will not give the file, and asking again will not change that."""


class Faltered(Exception):
    """Something passing went wrong; asking again may help.

    Attributes:
        wait_s: how long the server asks to be left alone, seconds; 0 if it did not say.
    """

    def __init__(self, text: str, wait_s: float = 0) -> None:
        super().__init__(text)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Answer:
    """The start of an answer, and where to read on.

    Attributes:
        start: the byte of the file with which the body starts; None where the server has nothing
            after the bytes that are there already.
        total: size of the whole file, bytes, if the server says.
        etag: strong name of this version of the file, if it has one.
        head: the first bytes of the body.
        rest: the bytes after them.
    """

    start: int | None
    total: int | None
    etag: str | None
    head: bytes
    rest: IO[bytes]

    def chunks(self, size: int) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            Faltered: the connection breaks.
        """
        if self.head:
            yield self.head
        while piece := _read(self.rest, size):
            yield piece


def allowed(url: str) -> bool:
    """Whether a url may be asked: https, or plain http on this machine."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


@contextlib.contextmanager
def ask(
    url: str, *, offset: int = 0, etag: str | None = None, timeout_s: float = TIMEOUT_S
) -> Iterator[Answer]:
    """Ask for a file from a byte on. A page on which Google Drive wants a click is followed once.

    Args:
        url: see `allowed`.
        offset: how many bytes are there already.
        etag: the version that they are of; another version is sent from its first byte.
        timeout_s: see `TIMEOUT_S`.

    Raises:
        Refused, Faltered: there is no file in the answer.
    """
    opener = _opener()
    clicked = False
    while True:
        with _opened(opener, url, offset, etag, timeout_s) as response:
            answer = _answer(response)
            if not _is_page(response, answer):
                yield answer
                return
            text = (answer.head + _read(response, _PAGE_BYTES)).decode("utf-8", "replace")
            onward = None if clicked else confirmation(text, response.url)
        if onward is None:
            raise Refused(explain(text))
        url, clicked = onward, True


def explain(page: str) -> str:
    """What a page that came instead of a file says, in a few words."""
    if any(words in page.lower() for words in _QUOTA):
        return (
            "Google Drive's quota for this file is used up; it recovers within a day, and a "
            "browser with a Google account may get it earlier"
        )
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    words = " ".join(title.group(1).split())[:80] if title else ""
    return "shows a web page instead of the file" + (f" ({words!r})" if words else "")


def confirmation(page: str, url: str) -> str | None:
    """Where the button "download anyway" of a Google Drive page leads; None on other pages."""
    reader = _Buttons()
    reader.feed(page)
    for target, fields in reader.found:
        onward = urllib.parse.urljoin(url, target)
        parts = urllib.parse.urlsplit(onward)
        query = {**dict(urllib.parse.parse_qsl(parts.query)), **fields}
        host = parts.hostname or ""
        same = host == urllib.parse.urlsplit(url).hostname or host.endswith(_GOOGLE)
        if "confirm" in query and "id" in query and same and allowed(onward):
            return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(query)))
    return None


class _Buttons(HTMLParser):
    """Collects forms with their hidden fields, and links: Drive has used both."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((words.get("action", ""), {}))
        elif tag == "input" and self.found and words.get("type") == "hidden":
            self.found[-1][1][words.get("name", "")] = words.get("value", "")
        elif tag == "a":
            self.found.append((words.get("href", ""), {}))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **words: Any) -> urllib.request.Request | None:
        request = super().redirect_request(*arguments, **words)
        if request is not None and not allowed(request.full_url):
            raise Refused(f"leads on to {request.full_url}; only https is followed")
        return request


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https, nothing else; keeps the cookies of one download."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPCookieProcessor(CookieJar()),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


@contextlib.contextmanager
def _opened(
    opener: urllib.request.OpenerDirector,
    url: str,
    offset: int,
    etag: str | None,
    timeout_s: float,
) -> Iterator[Any]:
    """An answer with a body, closed afterwards. 416 is one: nothing more after the offset."""
    if not allowed(url):
        raise Refused("only https is asked")
    headers = {"User-Agent": "unripple", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if etag:
            headers["If-Range"] = etag
    try:
        with _faults():
            response = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            with error:
                raise _complaint(error) from error
        response = error
    with contextlib.closing(response):
        yield response


def _complaint(error: urllib.error.HTTPError) -> Refused | Faltered:
    text = f"answers {error.code} {error.reason}"
    if error.code in _PASSING:
        waits = error.headers.get("Retry-After", "")
        return Faltered(text, float(waits) if waits.isdecimal() else 0)
    page = _read(error, _PAGE_BYTES).decode("utf-8", "replace")
    if any(words in page.lower() for words in _QUOTA):
        text = explain(page)
    return Refused(text)


def _answer(response: Any) -> Answer:
    length = response.headers.get("Content-Length", "")
    etag = response.headers.get("ETag", "")
    strong = etag if etag.startswith('"') else None
    ranged = re.fullmatch(
        r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    start, total = ranged.groups() if ranged else (None, None)
    whole = int(total) if total and total.isdecimal() else None
    if response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return Answer(None, whole, strong, b"", response)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("sends the file compressed, although asked not to")
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        if start is None:
            raise Refused("sends a part of the file without saying which")
        return Answer(int(start), whole, strong, _read(response, _HEAD_BYTES), response)
    whole = int(length) if length.isdecimal() else None
    return Answer(0, whole, strong, _read(response, _HEAD_BYTES), response)


def _is_page(response: Any, answer: Answer) -> bool:
    if answer.start is None:
        return False
    if response.headers.get_content_type() in _PAGE_TYPES:
        return True
    head = answer.head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return answer.start == 0 and head.startswith(_PAGE_STARTS)


def _read(body: IO[bytes], size: int) -> bytes:
    with _faults():
        return body.read(size)


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Turn what networks do into `Faltered`; a bad certificate is no passing fault."""
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Refused(f"shows a certificate that is not trusted ({reason})") from error
        if isinstance(reason, TimeoutError):
            raise Faltered("does not answer in time") from error
        text = str(reason) or type(reason).__name__
        raise Faltered(f"cannot be reached or breaks off ({text})") from error
