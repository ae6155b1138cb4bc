"""What commands for several photos share: one that fails costs itself alone."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from unripple.conventions import UnrippleError

if TYPE_CHECKING:
    from unripple.runtime.compute import Source

log = logging.getLogger(__name__)


def write_each(
    sources: Mapping[Path, Source], outs: Mapping[Path, Path], write: Callable[[Source, Path], None]
) -> int:
    """Write a file for each photo, and print its name; the command's exit status.

    Args:
        sources: photos by their files.
        outs: the file to write for each, likewise.
        write: makes and writes one.

    Raises:
        Exception: an error that no photo is the reason of.
    """
    from unripple.cli.main import BAD_INPUT
    from unripple.runtime.shard import costs_one_photo

    failed = 0
    for path, source in sources.items():
        try:
            write(source, outs[path])
        except Exception as error:
            if not costs_one_photo(error):
                raise
            failed += 1
            log.error("unripple: %s", error)
            if not isinstance(error, UnrippleError):
                log.error("%s: unforeseen error", source.photo, exc_info=error)
            continue
        sys.stdout.write(f"{outs[path]}\n")
        sys.stdout.flush()
    if failed and len(sources) > 1:
        log.error("unripple: %d of %d photos failed, see above", failed, len(sources))
    return BAD_INPUT if failed else 0
