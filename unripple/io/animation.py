"""Animations: frames, uint8 [H, W, 3] each, to GIF, WebP and MP4 bytes that carry the mark.

GIF has 256 colours: one palette serves all frames, and an ordered dither hides its steps. Error
diffusion would let every change in the face shimmer through the unchanged background below it.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from unripple.conventions import Floats, Photo, UnrippleError
from unripple.io.provenance import xmp_packet

if TYPE_CHECKING:
    import cv2

ANIMATION_SUFFIXES = (".gif", ".webp", ".mp4")
LOOP_FOR_EVER = 0

_GIF_COLOURS = 255  # one is left for pixels that stay as they were
_PALETTE_PIXELS = 400_000  # of all frames together, looked at to choose the colours
_DITHER_LEVELS = 6.0  # by looking: less leaves bands on skin, more shows its own pattern
_GIF_TICK_S = 0.01
_FASTEST_TICKS = 2  # browsers show faster ones at a tenth of a second per frame
_XMP_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
_XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
"""Where XMP lies in GIF and MP4 files: XMP specification part 3 (Adobe, 2020), 1.1.2 and 1.1.6."""
_CODECS = ("vp09", "mp4v")  # browsers play VP9; the other one is in every OpenCV


def check_animation_name(path: Path) -> None:
    """Refuse an animation's name before any work is done for it.

    Raises:
        UnrippleError: the ending is none that can be written.
    """
    if path.suffix.lower() not in ANIMATION_SUFFIXES:
        raise UnrippleError(
            f"{path}: cannot write {path.suffix or 'a name without an ending'}; "
            f"use one of {', '.join(ANIMATION_SUFFIXES)}"
        )


def encode_animation(
    frames: Sequence[Photo], ending: str, *, fps: float, marked: bool = True
) -> bytes:
    """An animation's bytes; GIF and WebP run for ever.

    Args:
        frames: at least one, all of one size.
        ending: ".gif" (255 colours), ".webp" (lossless), ".mp4" (VP9, sides made even).
        fps: frames per second; GIF knows hundredths of a second, and none below two.
        marked: whether to state that a trained algorithm altered the pictures.

    Raises:
        UnrippleError: another ending, or OpenCV came without a codec.
    """
    check_animation_name(Path("frames" + ending))
    xmp = xmp_packet() if marked else b""
    encode = {".gif": _gif, ".webp": _webp, ".mp4": _mp4}[ending.lower()]
    return encode(frames, fps, xmp)


def _webp(frames: Sequence[Photo], fps: float, xmp: bytes) -> bytes:
    first, *others = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    first.save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=others,
        lossless=True,
        duration=round(1000 / fps),
        loop=LOOP_FOR_EVER,
        xmp=xmp,
    )
    return buffer.getvalue()


def _gif(frames: Sequence[Photo], fps: float, xmp: bytes) -> bytes:
    palette = _palette(frames)
    first, *others = (_with_palette(frame, palette) for frame in frames)
    ticks = max(_FASTEST_TICKS, round(1 / (fps * _GIF_TICK_S)))
    buffer = io.BytesIO()
    first.save(
        buffer,
        "GIF",
        save_all=True,
        append_images=others,
        duration=round(1000 * ticks * _GIF_TICK_S),
        loop=LOOP_FOR_EVER,
        optimize=False,
    )
    return _with_xmp(buffer.getvalue(), xmp) if xmp else buffer.getvalue()


def _palette(frames: Sequence[Photo]) -> Image.Image:
    """A palette for all frames alike, as Pillow wants it."""
    area = sum(frame.shape[0] * frame.shape[1] for frame in frames)
    every = max(1, area // _PALETTE_PIXELS)
    looked = np.concatenate([frame.reshape(-1, 3)[::every] for frame in frames])
    picture = Image.fromarray(looked[None])
    return picture.quantize(_GIF_COLOURS, Image.Quantize.MEDIANCUT, kmeans=4)


def _with_palette(frame: Photo, palette: Image.Image) -> Image.Image:
    height, width = frame.shape[:2]
    tiled = np.tile(_bayer(3), (height // 8 + 1, width // 8 + 1))[:height, :width]
    dithered = frame + _DITHER_LEVELS * tiled[..., None]
    levels = np.rint(np.clip(dithered, 0, 255)).astype(np.uint8)
    return Image.fromarray(levels).quantize(palette=palette, dither=Image.Dither.NONE)


def _bayer(doublings: int) -> Floats:
    """Thresholds of an ordered dither, float [2^n, 2^n] in (-0.5, 0.5). Source: Bayer 1973."""
    ranks = np.zeros((1, 1))
    for _ in range(doublings):
        ranks = np.block([[4 * ranks, 4 * ranks + 2], [4 * ranks + 3, 4 * ranks + 1]])
    return (ranks + 0.5) / ranks.size - 0.5


def _with_xmp(gif: bytes, xmp: bytes) -> bytes:
    """XMP as an application extension behind the global colours."""
    flags = gif[10]
    colours = 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
    at = 13 + colours
    return gif[:at] + b"\x21\xff\x0bXMP DataXMP" + xmp + _XMP_TRAILER + gif[at:]


def _mp4(frames: Sequence[Photo], fps: float, xmp: bytes) -> bytes:
    height, width = (side + side % 2 for side in frames[0].shape[:2])
    # OpenCV writes to a name of its own; from there the bytes go on.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frames.mp4")
        writer = _writer(path, fps, (width, height))
        for frame in frames:
            rest = [(0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0)]
            writer.write(np.ascontiguousarray(np.pad(frame, rest, mode="edge")[..., ::-1]))
        writer.release()
        film = path.read_bytes()
    if not xmp:
        return film
    return film + struct.pack(">I4s", 8 + len(_XMP_UUID) + len(xmp), b"uuid") + _XMP_UUID + xmp


def _writer(path: Path, fps: float, size: tuple[int, int]) -> cv2.VideoWriter:
    import cv2  # 0.1 s that most commands need not pay

    for codec in _CODECS:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
        if writer.isOpened():
            return writer
    raise UnrippleError("this OpenCV came without a codec for .mp4; choose .webp or .gif")
