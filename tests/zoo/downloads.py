"""A file to be downloaded, and what tests of downloads say again and again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.zoo.site import Request
from unripple.zoo.fetch import Fetched, download
from unripple.zoo.index import Entry

CONTENT = bytes(range(256)) * 12_000  # 3 MB: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def entry_of(*urls: str, **words: Any) -> Entry:
    facts: dict[str, Any] = {
        "name": "net",
        "what": "a net",
        "file": "weights.pth",
        "page": "https://example.org/page",
        "urls": urls,
        "licence": "MIT",
        "commercial": True,
        "layout": "flat",
        "networks": {"parser": "bisenet"},
    }
    return Entry(**{**facts, **words})


def get(entry: Entry, folder: Path, **words: Any) -> Fetched:
    waits: list[float] = []
    return download(entry, folder, **{"timeout_s": 5, "pause": waits.append, **words})


def good(request: Request) -> None:
    request.file(CONTENT, etag='"v1"')


def in_turn(*answers: Callable[[Request], None]) -> Callable[[Request], None]:
    """One answer after the other, the last one for ever."""
    left = list(answers)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def begun(folder: Path, content: bytes, url: str, etag: str | None = '"v1"') -> None:
    """A download that was interrupted."""
    (folder / "net.pth.part").write_bytes(content)
    origin = {"url": url, "etag": etag, "total": len(CONTENT)}
    (folder / "net.pth.part.json").write_text(json.dumps(origin))
