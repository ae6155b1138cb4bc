"""One answer of one url: is it the file, or a page for people that must not pass for one?

By requests, which Snakemake brings along: it honours the proxy variables and knows neither file:
nor ftp:. (pooch does not go on where a download stopped; huggingface_hub knows one site only.)
"""

from __future__ import annotations

import contextlib
import errno
import http
import re
import socket
import ssl
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

import requests
import urllib3

TIMEOUT_S = 30.0
"""Silence after which a connection counts as dead; no limit on the whole download."""

CONNECT_S = 10.0
"""The same until there is a connection: where there is no network, nobody refuses one either."""

_LOCAL = ("127.0.0.1", "localhost", "::1")
_PARTS = (http.HTTPStatus.PARTIAL_CONTENT, http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH)
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
        alive: whether the server answered at all.
    """

    def __init__(self, text: str, wait_s: float = 0, *, alive: bool = True) -> None:
        super().__init__(text)
        self.wait_s = wait_s
        self.alive = alive


class Unreachable(Refused):
    """There is no way to this host: its name means nothing here, or no network leads to it."""


@dataclass(frozen=True)
class Answer:
    """The start of an answer, and where to read on.

    Attributes:
        start: the byte of the file with which the body starts; None where the server has nothing
            after the bytes that are there already.
        total: size of the whole file, bytes, if the server says.
        etag: strong name of this version of the file, if it has one.
        head: the first bytes of the body.
        body: the bytes after them.
    """

    start: int | None
    total: int | None
    etag: str | None
    head: bytes
    body: requests.Response

    def chunks(self, size: int) -> Iterator[bytes]:
        """The body, piece by piece.

        Raises:
            Faltered: the connection breaks.
        """
        if self.head:
            yield self.head
        while piece := _read(self.body, size):
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
    with _Session() as session:
        clicked = False
        while True:
            with _opened(session, url, offset, etag, timeout_s) as response:
                answer = _answer(response)
                if not _is_page(response, answer):
                    yield answer
                    return
                text = (answer.head + _first(response, _PAGE_BYTES)).decode("utf-8", "replace")
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


class _Session(requests.Session):
    """Keeps the cookies of one download, and is not led off the web."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Where an answer leads on to; None where it does not, or not by http."""
        target = super().get_redirect_target(resp)
        onward = urllib.parse.urljoin(resp.url, target) if target is not None else ""
        if not onward.startswith(("http:", "https:")):
            return None
        if not allowed(onward):
            raise Refused(f"leads on to {onward}; only https is followed")
        return target


@contextlib.contextmanager
def _opened(
    session: _Session, url: str, offset: int, etag: str | None, timeout_s: float
) -> Iterator[requests.Response]:
    """An answer with a body, closed afterwards. 416 is one: nothing more after the offset."""
    if not allowed(url):
        raise Refused("only https is asked")
    headers = {"User-Agent": "unripple", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if etag:
            headers["If-Range"] = etag
    with _faults():
        patience = (min(CONNECT_S, timeout_s), timeout_s)
        response = session.get(url, headers=headers, timeout=patience, stream=True)
    with response:
        fine = (http.HTTPStatus.OK, *_PARTS)
        if response.status_code not in fine:
            raise _complaint(response)
        yield response


def _complaint(response: requests.Response) -> Refused | Faltered:
    text = f"answers {response.status_code} {response.reason}"
    if response.status_code in _PASSING:
        waits = response.headers.get("Retry-After", "")
        return Faltered(text, float(waits) if waits.isdecimal() else 0)
    page = _first(response, _PAGE_BYTES).decode("utf-8", "replace")
    if any(words in page.lower() for words in _QUOTA):
        text = explain(page)
    return Refused(text)


def _answer(response: requests.Response) -> Answer:
    length = response.headers.get("Content-Length", "")
    etag = response.headers.get("ETag", "")
    strong = etag if etag.startswith('"') else None
    ranged = re.fullmatch(
        r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    start, total = ranged.groups() if ranged else (None, None)
    whole = int(total) if total and total.isdecimal() else None
    if response.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return Answer(None, whole, strong, b"", response)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("sends the file compressed, although asked not to")
    if response.status_code == http.HTTPStatus.PARTIAL_CONTENT:
        if start is None:
            raise Refused("sends a part of the file without saying which")
        return Answer(int(start), whole, strong, _first(response, _HEAD_BYTES), response)
    whole = int(length) if length.isdecimal() else None
    return Answer(0, whole, strong, _first(response, _HEAD_BYTES), response)


def _is_page(response: requests.Response, answer: Answer) -> bool:
    if answer.start is None:
        return False
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _PAGE_TYPES:
        return True
    head = answer.head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return answer.start == 0 and head.startswith(_PAGE_STARTS)


def _first(response: requests.Response, size: int) -> bytes:
    """As many bytes as there are, up to a number."""
    data = b""
    while len(data) < size and (piece := _read(response, size - len(data))):
        data += piece
    return data


def _read(response: requests.Response, size: int) -> bytes:
    # What has come so far, be it less: of a whole chunk, a broken connection would leave nothing.
    with _faults():
        return response.raw.read1(size, decode_content=False) or b""


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Turn what networks do into `Faltered`; a bad certificate is no passing fault."""
    try:
        yield
    except requests.TooManyRedirects as error:
        raise Refused("answers 302 without end") from error
    except (OSError, urllib3.exceptions.HTTPError) as error:  # OSError: requests' own, too
        reason = _root(error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Refused(f"shows a certificate that is not trusted ({reason})") from error
        if isinstance(reason, socket.gaierror) or getattr(reason, "errno", None) in _NO_WAY:
            raise Unreachable(f"cannot be reached, no network leads there ({reason})") from error
        if isinstance(error, requests.ConnectTimeout):
            raise Unreachable(f"does not answer within {CONNECT_S:g} s") from error
        if isinstance(reason, TimeoutError | urllib3.exceptions.TimeoutError):
            raise Faltered("does not answer in time") from error
        text = str(reason) or type(reason).__name__
        alive = not isinstance(reason, ConnectionRefusedError)
        raise Faltered(f"cannot be reached or breaks off ({text})", alive=alive) from error


def _root(error: BaseException) -> BaseException:
    """What an error of requests or urllib3 goes back to: theirs repeat each other at length."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
