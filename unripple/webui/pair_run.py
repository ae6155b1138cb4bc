"""The process that makes the pairs of a batch: the workflow's jobs, into the workflow's store.

    python -m unripple.webui.pair_run batch.yaml --device cpu

Each line of standard input is a pair, `{"id": ..., "photo": file, "edit": name}`; each line of
standard output says how far one is. What is made has the keys that `snakemake` gives it, so that
neither makes again what the other has made. It may be killed at any time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unripple import atomic
from unripple.conventions import UnrippleError
from unripple.io.config import Config, find_edit, read_config
from unripple.io.landmarks import landmarks_of, read_landmarks
from unripple.io.lock import claim
from unripple.io.photo import printable
from unripple.io.places import results_folder
from unripple.io.results import Results
from unripple.io.sheet import photo_id
from unripple.runtime.cache import StoreCache
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.zoo.zoo import Zoo

LAST_STEP, SHOWN = "measure", "paste"
_FEWER_TURNS = 5  # added to the niceness: whoever moves a slider goes first
_PAGES = "page"


def results_of(config: Config) -> Results:
    """Where the workflow keeps what this config makes."""
    return Results(results_folder(config))


class Maker:
    """Makes pairs of one batch, with the networks of the one before.

    Args:
        batch: its config, which may grow meanwhile.
        device: where networks run.
        say: told how far a pair is.
    """

    def __init__(self, batch: Path, device: str, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._batch, self._say = batch, say
        self._zoo = Zoo(read_config(batch)["models"], device)

    def make(self, pair: Mapping[str, str]) -> dict[str, Any]:
        """Make one pair; what the page needs to know of it.

        Raises:
            UnrippleError: it cannot be made.
        """
        config = read_config(self._batch)
        results = results_of(config)
        editor = Editor(
            settings=config,
            cache=StoreCache(results.store),
            zoo=self._zoo,
            before_stage=lambda stage: self._say({"id": pair["id"], "stage": stage}),
        )
        source = _source(config, pair["photo"])
        edit = find_edit(config, pair["edit"])
        keys = editor.run_keys(source, LAST_STEP, edit)
        key = keys[SHOWN, edit.name]
        results.show(SHOWN, edit.name, {source.photo: key}, [source.photo])
        measured: Any = results.store.get(keys[LAST_STEP, edit.name])["figures"]
        picture: Any = results.store.get_part(key, "picture")
        pages = {
            "before": _page(results, f"{pair['id']}-before", source.read(1e9).pixels),
            "after": _page(results, f"{pair['id']}-after", picture),
        }
        return {
            "picture": str(results.store.parts(key)["picture"]),
            "figures": measured,
            **pages,
        }


def _source(config: Config, file: str) -> Source:
    path = Path(config["photos"]) / file
    listed = config["align"]["landmarks"]
    name = photo_id(file, ())
    points = landmarks_of(read_landmarks(Path(listed)), name, path) if listed else None
    return Source(name, path, points=points)


def _page(results: Results, name: str, picture: Any) -> str:
    """A picture for pages, in a file."""
    from unripple.webui.views import whole

    shown = whole(picture)
    path = results.root / _PAGES / f"{name}.{shown.media_type.rpartition('/')[2]}"
    atomic.write_bytes(path, shown.data)
    return str(path)


def _end_with(parent: int) -> None:
    """End when the server does, however it ends."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main(batch: Path, device: str) -> None:
    """Make all pairs that come."""

    def say(word: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(word) + "\n")
        sys.stdout.flush()

    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.nice(_FEWER_TURNS)
    maker: Maker | None = None
    for line in sys.stdin:
        pair = json.loads(line)
        try:
            if maker is None:
                say({"id": pair["id"], "stage": "start"})
                results = results_of(read_config(batch))
                if claim(results.root):
                    results.sweep()
                maker = Maker(batch, device, say)
            say({"id": pair["id"], "done": maker.make(pair)})
        except UnrippleError as error:
            say({"id": pair["id"], "failed": printable(str(error))})
        except MemoryError:
            say({"id": pair["id"], "failed": "took all memory; save the photo smaller"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("batch", type=Path)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    main(given.batch, given.device)
