"""The chunks of a PNG file that name its colours, as they lie there."""

from __future__ import annotations

import struct
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_CHUNKS = (b"cHRM", b"cICP", b"gAMA", b"sRGB")
PROFILE = b"iCCP"
_PIXELS = (b"PLTE", b"IDAT", b"IEND")  # no colour chunk counts after these
_LONGEST = 256  # bytes of such a chunk that are looked at
_MOST = 10_000  # chunks before the pixels


def colour_chunks(path: Path) -> tuple[dict[bytes, bytes], bytes]:
    """What a PNG file says of its colours before its pixels.

    Args:
        path: any file that Pillow could open, so that the chunks' check sums are known to be right.

    Returns:
        Content of the first chunk of each type in `COLOUR_CHUNKS`, and the name of its profile;
        nothing for other files.
    """
    chunks: dict[bytes, bytes] = {}
    profile = b""
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return {}, b""
        for _ in range(_MOST):
            head = file.read(8)
            if len(head) < 8 or head[4:] in _PIXELS:
                break
            length, kind = struct.unpack(">I4s", head)
            content = file.read(min(length, _LONGEST))
            if kind in COLOUR_CHUNKS:
                chunks.setdefault(kind, content)
            elif kind == PROFILE:
                profile = profile or content[:80].partition(b"\0")[0]
            file.seek(length - len(content) + 4, 1)
    return chunks, profile
