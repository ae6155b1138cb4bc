"""The manifests of a run as one: keys, failures and figures by photo and edit."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from unripple.io.artifact import Part
from unripple.io.results import PHOTO, Failure, Manifest, Results
from unripple.pipeline.graph import Step
from unripple.report.facts import advice
from unripple.runtime.advice import foreign_advice
from unripple.runtime.cache import StoreCache
from unripple.runtime.joint import JOINED

if TYPE_CHECKING:
    from unripple.stages.report import Failure as ToldFailure

Place: TypeAlias = tuple[str, str | None]


class Manifests:
    """The manifests of all shards, as one."""

    def __init__(
        self,
        results: Results,
        shards: Collection[str],
        edit_names: tuple[str, ...],
        steps: Mapping[str, Step],
    ) -> None:
        self._results = results
        self._cache = StoreCache(results.store)
        manifests: dict[Place, list[Manifest]] = {
            (step.stage, of): [results.read_manifest(step.stage, of, shard) for shard in shards]
            for step in steps.values()
            for of in step.places(edit_names)
        }
        self._keys: dict[Place, dict[str, str]] = {
            place: {photo: key for manifest in listed for photo, key in manifest.keys.items()}
            for place, listed in manifests.items()
        }
        # The first stage of an edit says whether a photo has a use for it.
        asks = "register" if "register" in steps else "translate"
        self._not_offered = {
            edit: {
                photo: why.message
                for manifest in manifests[asks, edit]
                for photo, why in manifest.not_offered.items()
            }
            for edit in (edit_names if asks in steps else ())
        }
        # Where it happened, not where it was passed on.
        self._failures: dict[Place, dict[str, Failure]] = {
            (stage, of): {
                photo: why
                for manifest in listed
                for photo, why in manifest.failures.items()
                if why.stage == stage
            }
            for (stage, of), listed in manifests.items()
        }

    def photos(self) -> list[str]:
        """Every photo, or face of a photo, that was aligned or failed to be, and every photo that
        has all of its faces in one picture."""
        joined = (
            photo for (stage, _), keys in self._keys.items() if stage == JOINED for photo in keys
        )
        return sorted({*self._keys["align", None], *self._failures["align", None], *joined})

    def key(self, stage: str, of: str | None, photo: str) -> str | None:
        """The artifact of a photo at a place."""
        return self._keys.get((stage, of), {}).get(photo)

    def part(self, stage: str, of: str | None, photo: str, name: str) -> Part | None:
        """A part of it."""
        key = self.key(stage, of, photo)
        return None if key is None else self._cache.get_part(key, name)

    def failure(self, photo: str, edit: str | None) -> ToldFailure | None:
        """Why an edit of a photo has no result, or with None why the photo has none at all."""
        for (stage, of), failures in self._failures.items():
            if photo in failures and (of == edit if edit else of in (None, PHOTO)):
                return _told(photo, stage, of, failures[photo])
        return None

    def failures(self) -> list[ToldFailure]:
        """Every failure once."""
        return [
            _told(photo, stage, of, why)
            for (stage, of), failures in self._failures.items()
            for photo, why in sorted(failures.items(), key=itemgetter(0))  # whatever their shards
        ]

    def not_offered(self, edit: str, photo: str) -> str:
        """Why a photo was not offered an edit; "" if it was."""
        return self._not_offered.get(edit, {}).get(photo, "")

    def lost(self, edit: str, photo: str) -> tuple[str, ...]:
        """What of the photo's file did not come along into an edit, one sentence each."""
        key = self.key("paste", edit, photo)
        if key is None or "notes" not in self._results.store.parts(key):
            return ()
        notes: Any = self._results.store.get_part(key, "notes")
        return tuple(notes["lost"])

    def of_text(self, edit: str, photo: str) -> tuple[Any, Any]:
        """What an edit that follows texts told of itself, and what a judge sees before and after;
        {} where nobody said or saw anything."""
        return (
            self.part("translate", edit, photo, "about") or {},
            self._judged(edit, photo) or {},
        )

    def _judged(self, edit: str, photo: str) -> Any:
        key, store = self.key("measure", edit, photo), self._results.store
        there = key is not None and "attributes" in store.parts(key)
        return store.get_part(str(key), "attributes") if there else None

    def foreign(self, photo: str, *, embedded: bool) -> tuple[str, ...]:
        """What to know of a photo that is not of the generator's world."""
        keys = {stage: self.key(stage, None, photo) for stage in ("align", "invert")}
        store = self._results.store
        made = {stage: store.get(key) for stage, key in keys.items() if key is not None}
        told = foreign_advice(made, embedded=embedded)
        return (told,) if told else ()

    def figures(self, edit: str, photo: str) -> dict[str, float] | None:
        """The figures of an edit; nan where undefined, None if it was not measured."""
        figures: Any = self.part("measure", edit, photo, "figures")
        if figures is None:
            return None
        # By name, as a file has them: who computed them may hold them in another order.
        return {
            name: math.nan if value is None else value for name, value in sorted(figures.items())
        }


def _told(photo: str, stage: str, of: str | None, why: Failure) -> ToldFailure:
    from unripple.stages.report import Failure as ToldFailure

    edit = "" if of in (None, PHOTO) else str(of)
    return ToldFailure(photo, stage, str(why), edit, advice(why))
