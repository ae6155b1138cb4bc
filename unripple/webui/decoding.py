"""The process that decodes for `reading`: waits for files, and forks a child for each.

    python -m unripple.webui.decoding FOLDER

Standard input is a socket; a message on it carries the child's end of a pipe, and the file without
a name that the pixels go to. When the socket ends, so does the server, however it died: FOLDER, in
which the sessions kept their files, is deleted then, and all children end with this process.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unripple.conventions import LimitExceeded, UnrippleError
from unripple.io.photo import check_photo, read_photo
from unripple.pipeline.limits import Limits
from unripple.processes import die_with

_LATER_S = 5
_FEWER_TURNS = 10  # added to the niceness: other people's previews come first
_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(folder: Path) -> None:
    """Fork children until the socket ends."""
    for one in _OURS:  # meant for the server, which ends us
        signal.signal(one, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for children
    with socket.socket(fileno=0) as line:
        while True:
            _, files, _, _ = socket.recv_fds(line, 1, 2)
            if not files:
                break
            me = os.getpid()
            if os.fork() == 0:
                line.close()
                _live(*files, parent=me)
            for file in files:
                os.close(file)
    shutil.rmtree(folder, ignore_errors=True)


def _live(pipe: int, file: int, *, parent: int) -> None:
    """A child's whole life."""
    for one in _OURS:
        signal.signal(one, signal.SIG_DFL)
    die_with(parent)
    os.nice(_FEWER_TURNS)
    try:
        with Connection(pipe) as line:
            path, limits = line.recv()
            try:
                _decode(line, Path(path), limits, file)
            except UnrippleError as error:
                line.send(error)
            except MemoryError:
                line.send(LimitExceeded("took all memory; save it smaller"))
    finally:
        os._exit(0)


def _decode(line: Connection, path: Path, limits: Limits, file: int) -> None:
    _bound_processor(math.ceil(limits.seconds) + _LATER_S)
    check_photo(path, max_megapixels=limits.megapixels, max_mb=limits.memory_mb)
    Image.MAX_IMAGE_PIXELS = None  # `check_photo` counted
    with Image.open(path) as picture:
        megapixels = picture.width * picture.height / 1e6
    line.send((os.getpid(), megapixels))
    line.recv()  # our turn
    photo = read_photo(path, max_megapixels=limits.megapixels)
    pixels: Any = np.ascontiguousarray(photo.pixels)
    with os.fdopen(file, "wb", closefd=False) as out:
        out.write(pixels.data)
    line.send((pixels.shape, photo.metadata))


def _bound_processor(seconds: int) -> None:
    """The server ends whoever takes too long; this does where the server cannot look."""
    import resource  # there is none beyond Unix

    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    if most == resource.RLIM_INFINITY or most > seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
