"""The plate of a photo is painted once, whatever is edited; the bytes are those of painting it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import SIZE, picture, write_models
from unripple.conventions import Mask
from unripple.io.artifact import Artifact
from unripple.io.config import Edit, complete
from unripple.io.digest import value_sha256
from unripple.io.metadata import NOTHING
from unripple.io.photo import Photograph
from unripple.io.store import Store
from unripple.pipeline.jobs import job_from_config
from unripple.runtime import compute
from unripple.runtime.cache import ArtifactCache, MemoryCache, StoreCache
from unripple.runtime.compute import Source, compute_or_load
from unripple.runtime.work import Work
from unripple.stages.inpaint import InpaintSettings, run
from unripple.zoo.zoo import Zoo

PHOTO = picture(3)
SOURCE = Source("anna", Path("anna.png"), Photograph(PHOTO))
EDIT = Edit("left", (("pose", -3.0),))


def box(left: int) -> Mask:
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[20:60, left : left + 24] = True
    return mask


def inputs_of(shift: int, start: int = 16) -> dict[str, Artifact]:
    """What inpaint is given of an edit that moves the person by so many px."""
    before, after = box(start), box(start + shift)
    return {
        "align": {"picture": PHOTO},
        "edit": {"picture": picture(50 + shift)},
        "ripple": {"ripple": before & ~after, "before": before, "after": after},
        "foreground": {"before": before, "after": after},
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_models(tmp_path_factory.mktemp("weights"))


def paint(
    models: dict[str, str], cache: ArtifactCache, shift: int, **settings: Any
) -> tuple[Artifact, Zoo]:
    """Bring an edit through inpaint as a new process would."""
    keys = {}
    for name, artifact in inputs_of(shift).items():
        made_from = {"settings": {}, "shift": shift, "name": name}
        keys[name] = value_sha256(made_from)
        cache.put(keys[name], artifact, made_from, NOTHING)
    zoo = Zoo(models)
    config = complete({"models": models, **settings})
    job = job_from_config(config, "inpaint", EDIT.name, zoo, edit=EDIT)
    (key,), there = compute_or_load(job, SOURCE, keys, cache)
    assert not there
    return cache.get(key), zoo


@pytest.mark.parametrize("kind", ["memory", "store"])
def test_edits_of_a_photo_share_a_plate(models: dict[str, str], kind: str, tmp_path: Path) -> None:
    cache = MemoryCache() if kind == "memory" else StoreCache(Store(tmp_path))
    (one, first), (other, second) = (paint(models, cache, shift) for shift in (3, 9))
    assert first.is_loaded("inpainter") and not second.is_loaded("inpainter")
    assert np.array_equal(one["plate"], other["plate"]) and not np.array_equal(one["plate"], PHOTO)
    assert not np.array_equal(one["vacated"], other["vacated"])


def test_a_shared_plate_has_the_bytes_of_one_painted_alone(models: dict[str, str]) -> None:
    cache, zoo = MemoryCache(), Zoo(models)
    for shift in (3, 9):
        shared, _ = paint(models, cache, shift)
        job = job_from_config(complete({"models": models}), "inpaint", EDIT.name, zoo, edit=EDIT)
        work = Work(job.settings, inputs_of(shift), zoo)
        alone = run(work, InpaintSettings.of(job.settings))
        for part, value in alone._asdict().items():
            assert np.array_equal(value, shared[part])


@pytest.mark.parametrize("other", [{"grow_px": 7}, {"painter": "borrow"}, {"painter": "telea"}])
def test_what_decides_a_plate_is_in_its_key(models: dict[str, str], other: dict[str, Any]) -> None:
    cache = MemoryCache()
    paint(models, cache, 3)
    shared, _ = paint(models, cache, 3, inpaint=other)
    alone, _ = paint(models, MemoryCache(), 3, inpaint=other)
    assert np.array_equal(shared["plate"], alone["plate"])


def test_knobs_that_paint_nothing_else_share_a_plate(models: dict[str, str]) -> None:
    cache = MemoryCache()
    paint(models, cache, 3)
    _, zoo = paint(models, cache, 3, inpaint={"min_area_px": 9})
    assert not zoo.is_loaded("inpainter")


def test_where_nobody_stands_nothing_is_painted_or_loaded(
    models: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = np.zeros((SIZE, SIZE), np.bool_)
    monkeypatch.setitem(globals(), "box", lambda left: nobody)
    made, zoo = paint(models, MemoryCache(), 3)
    assert np.array_equal(made["plate"], PHOTO) and not zoo.is_loaded("inpainter")


def test_the_ripple_of_an_edit_is_painted_for_that_edit_alone(
    models: dict[str, str], tmp_path: Path
) -> None:
    store = Store(tmp_path)
    paint(models, StoreCache(store), 3, compose={"method": "direct"})
    assert not [key for key in store.stored() if store.made_from(key).get("shared")]


def test_a_job_waits_for_the_plate_that_another_paints(
    models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = StoreCache(Store(tmp_path))
    put: Callable[..., None] = StoreCache.put

    def slowly(self: StoreCache, key: str, artifact: Any, made_from: Any, metadata: Any) -> None:
        if made_from.get("shared"):
            time.sleep(0.3)
        put(self, key, artifact, made_from, metadata)

    @contextmanager
    def threads_of_a_test(alone: int = 1) -> Iterator[None]:
        yield

    monkeypatch.setattr(StoreCache, "put", slowly)
    monkeypatch.setattr(compute, "one_thread", threads_of_a_test)
    zoos: list[Zoo] = []
    works = [
        threading.Thread(target=lambda by=by: zoos.append(paint(models, cache, by)[1]))
        for by in (3, 9)
    ]
    for work in works:
        work.start()
    for work in works:
        work.join()
    assert sorted(zoo.is_loaded("inpainter") for zoo in zoos) == [False, True]
    assert not list((tmp_path / "drafts").glob("*.lock"))


def test_a_plate_is_kept_as_artifacts_are(models: dict[str, str], tmp_path: Path) -> None:
    store = Store(tmp_path)
    paint(models, StoreCache(store), 3)
    keys = [key for key in store.stored() if store.made_from(key).get("shared")]
    assert len(keys) == 1 and store.damage(keys[0]) is None
    assert set(store.made_from(keys[0])["inputs"]) == {"photo", "hole"}
