"""A web server on this machine that serves one file, well or badly."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

Answering = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; the site's routes answer it with the methods below."""

    protocol_version = "HTTP/1.1"
    site: ClassVar[Site]

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        asked = {name: self.headers[name] for name in ("Range", "If-Range") if name in self.headers}
        self.site.asked.append((self.path, asked))
        self.site.routes[self.path.partition("?")[0]](self)

    def log_message(self, *words: object) -> None:
        pass

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Headers with underscores for dashes."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page(self, html: str, status: int = 200) -> None:
        self.reply(status, html.encode(), Content_Type="text/html; charset=utf-8")

    def hang_up(self, promised: int, body: bytes, status: int = 200, **headers: str) -> None:
        """Promise more bytes than are sent, then break the connection."""
        self.send_response(status)
        for name, value in {"Content_Length": str(promised), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = True

    def reset(self) -> None:
        """Cut the connection hard."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def begin(self) -> int:
        """The byte from which the client wants the file."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(found.group(1)) if found else 0

    def file(self, content: bytes, etag: str | None = None) -> None:
        """As a good server sends a file, ranges and all."""
        start = self.begin()
        tags = {"ETag": etag} if etag else {}
        if start and self.headers.get("If-Range", etag) != etag:
            start = 0
        if start >= len(content):
            self.reply(416, Content_Range=f"bytes */{len(content)}")
        elif start:
            part = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.reply(206, content[start:], Content_Range=part, **tags)
        else:
            self.reply(200, content, **tags)


@dataclass
class Site:
    """A running server.

    Attributes:
        root: its url.
        routes: path -> what answers it.
        asked: paths and range headers so far.
    """

    root: str
    routes: dict[str, Answering] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """Run a site in a thread."""
    handler = type("Here", (Request,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    handler.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
