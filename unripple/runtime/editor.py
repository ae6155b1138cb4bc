"""A live session: photos in, edits out, without files between the stages.

Walks the table of steps in memory, so the bytes of a result equal those of the DAG. What an edit
shares with the one before (the same photo, the same networks) is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from unripple.conventions import (
    BadConfig,
    NoFace,
    Photo,
    UnknownName,
)
from unripple.io.artifact import Artifact
from unripple.io.config import Config, Edit, complete
from unripple.io.edited import EditedFile
from unripple.io.landmarks import landmarks_of, read_landmarks
from unripple.io.photo import Photograph, read_photo
from unripple.io.published_names import NAMED, Named
from unripple.io.results import PHOTO
from unripple.pipeline.checks import generator_warnings, warnings_of
from unripple.pipeline.graph import Place, find_step, inputs_until
from unripple.pipeline.jobs import job_from_config
from unripple.pipeline.turns import TO
from unripple.runtime.advice import advice, head_pose, made_on_pixels
from unripple.runtime.asked import EDIT, asked_edit
from unripple.runtime.cache import ArtifactCache, MemoryCache
from unripple.runtime.compute import Source, compute_or_load
from unripple.runtime.edit_to import SaveOptions, edit_to
from unripple.runtime.moved import moved
from unripple.runtime.result import LAST_STEP, Available, Result, RunOptions, joined
from unripple.runtime.walk import walk
from unripple.runtime.work import OnProgress
from unripple.stages.interface import EXTERNAL
from unripple.zoo.directions import Direction
from unripple.zoo.pixel_directions import listed_directions
from unripple.zoo.zoo import SFE, Zoo, chosen_directions, directions_path


def _nothing() -> None: ...


class Editor:
    """Edits photos one by one.

    Args:
        models: "embedded", "published", or a choice per role, see `zoo.Zoo`.
        device: where networks run: "cpu", "cuda", "auto".
        settings: sections of a config that differ from the defaults, like
            `{"inpaint": {"painter": "telea"}}`; checked like a config.
        cache: where artifacts are kept between edits, say another session's; None is memory.
        zoo: networks shared with other sessions; it must be of the same models.
        on_progress: called with how far a long stage is with a photo.
        before_stage: told the word of each stage that begins.
        cores: how many stages of a photo may be computed at a time, where they do not wait for
            each other; more take more memory, and make the same bytes.

    Example:
        >>> editor = Editor()  # doctest: +SKIP
        >>> editor.edit("anna.jpg", yaw=-20, glasses=3).save("turned.png")  # doctest: +SKIP
    """

    def __init__(
        self,
        models: str | Mapping[str, str] | None = None,
        device: str = "cpu",
        *,
        settings: Mapping[str, Any] | None = None,
        cache: ArtifactCache | None = None,
        zoo: Zoo | None = None,
        on_progress: OnProgress | None = None,
        before_stage: Callable[[str], None] | None = None,
        cores: int = 1,
    ) -> None:
        config = {} if settings is None else settings
        if models is not None and isinstance(config, Mapping):
            config = {**config, "models": models if isinstance(models, str) else dict(models)}
        self.config: Config = complete(config)
        self._zoo = zoo or Zoo(self.config["models"], device)
        self._cache: ArtifactCache = MemoryCache() if cache is None else cache
        self._on_progress = on_progress
        self._before_stage = before_stage or (lambda _: None)
        self._cores = cores if self._zoo.device == "cpu" else 1

    @property
    def zoo(self) -> Zoo:
        """Its networks."""
        return self._zoo

    @property
    def cache(self) -> ArtifactCache:
        """Where its artifacts are kept."""
        return self._cache

    @property
    def directions(self) -> dict[str, Direction]:
        """The directions that `edit` takes, by name."""
        chosen = chosen_directions(self.config["directions"], self._zoo)
        return listed_directions(directions_path(chosen))

    def available(self) -> list[Available]:
        """The directions that `edit` takes, in words, in their order."""
        listed: list[Direction | Named] = [*self.directions.values()]
        if chosen_directions(self.config["directions"], self._zoo) == SFE:
            listed += NAMED
        return [
            Available(one.name, one.family, one.usable, one.unit, one.attribute) for one in listed
        ]

    def warnings(self, edit: Edit, made: Mapping[str, Artifact] | None = None) -> list[str]:
        """What to know about an edit: about its degrees, and of this photo once it was made.

        Args:
            edit: the edit.
            made: the artifacts of the photo, as `run` gives them.

        Raises:
            UnknownName: there is no such direction.
        """
        planned = warnings_of(self.config, edit, self._zoo)
        if made is None:
            return planned
        if made_on_pixels(made):
            directions = chosen_directions(self.config["directions"], self._zoo)
            of_generator = generator_warnings(directions, dict(edit.moves))
            planned = [text for text in planned if text not in of_generator]
        return [*planned, *advice(self.config, self._zoo, edit, made)]

    def pose_of(self, photo: str | Path | Photo | Source) -> dict[str, float]:
        """Where the head in a photo looks, as an edit turns another head there.

        Returns:
            `yaw_to`, `pitch_to` and `roll_to`, degrees, for `edit`.

        Raises:
            BadPhoto, NoFace, SeveralFaces: no pose can be read off it.

        Example:
            >>> editor.edit("anna.jpg", **editor.pose_of("bert.jpg"))  # doctest: +SKIP
        """
        source = self.open(photo)
        landmarks: Any = self.run(source, "align")["align"]["landmarks"]
        pose = head_pose(landmarks, self._zoo)
        if pose is None:
            raise NoFace(f"{source.path}: no pose can be read off its landmarks")
        degrees = {"yaw": pose.yaw_deg, "pitch": pose.pitch_deg, "roll": pose.roll_deg}
        return {f"{axis}{TO}": round(degree, 2) for axis, degree in degrees.items()}

    def edit(
        self,
        photo: str | Path | Photo | Source,
        edit: Edit | None = None,
        /,
        *,
        characteristics: str = "",
        text: str | None = None,
        chain: Sequence[Mapping[str, Any] | str] | None = None,
        **how: Any,
    ) -> Result:
        """Edit the face in a photo.

        Args:
            photo: a file, pixels uint8 [H, W, 3], or what `open` gave.
            edit: what to do, like one of the config's or a translation; instead of it,
            characteristics: for a translation: the nine of the face, as in the sheet; "" takes
                those of the file's name, if it has any.
            text: instead of all that: what the picture shall show, like "a face with glasses";
            chain: several texts, one after the other, as in `edits` of the config;
            how: beside a text its other words, like `neutral="a face", strength=2`, see
                `io.text_edits.WORDS`. Without one: how far to go along each direction, like
                `smile=2`, and how far to turn the head: `yaw=-20` by so many degrees, `yaw_to=0`
                into the camera; see `pipeline.turns`.

        Raises:
            BadText: the text says nothing, or too much.
            BadPhoto, NoFace, SeveralFaces: the photo cannot be edited.
            UnknownName: there is no such direction.
            BadConfig: a degree is no number, or beyond what any direction has a use for.
            BadTranslation, NotOffered: there is no such translation for this photo.
        """
        edit = asked_edit(edit, text, chain, how)
        self.warnings(edit)  # a direction that there is none of is told before the work
        source = self.open(photo, characteristics=characteristics)
        faces = self.run_faces(source, LAST_STEP, edit)
        metadata = source.read(self._max_megapixels).metadata
        marked = self.config["digital_source_type"]
        path = None if isinstance(photo, np.ndarray) else source.path
        warnings = [*self.warnings(edit, faces[0]), *metadata.lost]
        return Result(joined(faces), faces[0], warnings, metadata, marked, path, faces)

    def edit_to(
        self,
        photo: str | Path | Photo | Source,
        direction: str,
        power: float,
        save: str | Path,
        **options: Unpack[SaveOptions],
    ) -> Result:
        """Edit an aligned crop along one direction, and save it and what was on the way.

        Args and errors are those of `edit`; of files and options see `runtime.edit_to`.

        Example:
            >>> editor.edit_to("anna.png", "fs_smiling", -6, "out.png")  # doctest: +SKIP
        """
        return edit_to(self, photo, direction, power, save, **options)

    def with_settings(self, changes: Mapping[str, Mapping[str, Any]]) -> Editor:
        """An editor of the same networks and cache, with keys of some sections changed."""
        changed = {name: {**self.config[name], **section} for name, section in changes.items()}
        return Editor(
            settings={**self.config, **changed},
            cache=self._cache,
            zoo=self._zoo,
            on_progress=self._on_progress,
            before_stage=self._before_stage,
            cores=self._cores,
        )

    def repair(
        self,
        photo: str | Path | Photo | Source,
        edited: str | Path | Photo,
        *,
        mask: str | Path | None = None,
    ) -> Result:
        """Take what another program made of a photo back into the photo.

        The editor's settings must say `recipe: external`, see `external_settings`.

        Args:
            photo: a file, pixels uint8 [H, W, 3], or what `open` gave.
            edited: the edited picture, of any size: a file, or pixels uint8 [h, w, 3].
            mask: a picture as large as the photo, white where the edit may stay, for
                `compose.kept.keep: mask`.

        Returns:
            The photo with what was meant of the edit in it; see `register` among the artifacts for
            what had happened to the whole picture.

        Raises:
            BadConfig: the recipe is another one.
            BadPhoto, NoFace, SeveralFaces: the photo cannot be worked on.
            NotAPair: the edited picture is another one, mirrored, cut off, or too small.
        """
        source = self._paired(photo, edited, mask)
        faces = self.run_faces(source, LAST_STEP, Edit(EDIT, ()))
        metadata = source.read(self._max_megapixels).metadata
        marked = self.config["digital_source_type"]
        photo_path = None if isinstance(photo, np.ndarray) else source.path
        lost = list(metadata.lost)
        return Result(joined(faces), faces[0], lost, metadata, marked, photo_path, faces)

    def score(
        self,
        photo: str | Path | Photo | Source,
        edited: str | Path | Photo,
        *,
        mask: str | Path | None = None,
    ) -> Mapping[str, float | None]:
        """The figures of another program's edit as it came (`..._of_edit`) and as repaired.

        Arguments and errors are those of `repair`. A figure that is undefined is None.
        """
        source = self._paired(photo, edited, mask)
        measured: Any = self.run(source, "measure", Edit(EDIT, ()))["measure"]
        return measured["figures"]

    def _paired(
        self, photo: str | Path | Photo | Source, edited: str | Path | Photo, mask: Any
    ) -> Source:
        recipe = self.config["recipe"]
        if recipe != EXTERNAL:
            raise BadConfig(
                f"repair: this editor's recipe is {recipe}; make it by "
                "Editor(settings=external_settings())"
            )
        pixels = Photograph(edited) if isinstance(edited, np.ndarray) else None
        path = Path("edited") if isinstance(edited, np.ndarray) else Path(edited)
        place = None if mask is None else Path(mask)
        file = EditedFile(path, pixels, place, self._max_megapixels)
        return replace(self.open(photo), edited=file)

    def run_faces(
        self,
        photo: str | Path | Photo | Source,
        until: str,
        edit: Edit | None = None,
        *,
        characteristics: str = "",
    ) -> list[dict[str, Artifact]]:
        """`run` for every face that `align.faces` asks for, the largest first."""
        source = self.open(photo, characteristics=characteristics)
        artifacts = [self.run(source, until, edit)]
        job = job_from_config(self.config, "align", None, self._zoo)
        count = len(compute_or_load(job, source, {}, self._cache)[0])
        return artifacts + [self.run(source, until, edit, face=n) for n in range(1, count)]

    def run(
        self,
        photo: str | Path | Photo | Source,
        until: str,
        edit: Edit | None = None,
        **how: Unpack[RunOptions],
    ) -> dict[str, Artifact]:
        """Take a photo through the stages up to one of them.

        Args:
            photo: a file, pixels uint8 [H, W, 3], or what `open` gave.
            until: the last stage.
            edit: the edit; without one, only the stages that look at the photo run.
            how: see `RunOptions`.

        Returns:
            The artifacts by stage word; for parse and depth those of the edit, and those of the
            photo by `parse@photo`, `depth@photo`.

        Raises:
            UnknownName: there is no such stage, or it needs an edit.
            UnrippleError: the photo cannot be done.
        """
        keys = self.run_keys(photo, until, edit, **how)
        return {
            f"{stage}@{PHOTO}" if of == PHOTO else stage: self._cache.get(key)
            for (stage, of), key in keys.items()
        }

    def run_keys(
        self,
        photo: str | Path | Photo | Source,
        until: str,
        edit: Edit | None = None,
        **how: Unpack[RunOptions],
    ) -> dict[Place, str]:
        """The same as `run`: keys in the cache by stage and place, see `Step.places`."""
        recipe = self.config["recipe"]
        if edit is None and find_step(until, recipe).photo_inputs is None:
            raise UnknownName(f"stage {until} works on an edit; name one, like pose=-3")
        source = self.open(photo, characteristics=how.get("characteristics", ""))
        offset, before_step = how.get("offset"), how.get("before_step", _nothing)
        inputs = inputs_until(until, edit.name if edit else None, recipe)
        cache = self._cache

        def make(place: Place, keys: Mapping[Place, str], cores: int) -> str:
            job = job_from_config(self.config, *place, self._zoo, edit=edit)
            needed = {name: keys[before] for name, before in inputs[place].items()}
            progress = self._on_progress
            made, _ = compute_or_load(job, source, needed, cache, on_progress=progress, cores=cores)
            key = made[how.get("face", 0) if place[0] == "align" else 0]
            return key if offset is None or place[0] != "translate" else moved(cache, key, offset)

        def begin(place: Place) -> None:
            before_step()
            self._before_stage(place[0])

        needs = {place: list(before.values()) for place, before in inputs.items()}
        return walk(needs, make, begin=begin, cores=self._cores)

    @property
    def _max_megapixels(self) -> float:
        return self.config["limits"]["megapixels"]

    def open(
        self,
        photo: str | Path | Photo | Source,
        *,
        characteristics: str = "",
        pixels: Photograph | None = None,
    ) -> Source:
        """Read a photo once for several runs.

        Args:
            photo: a file, pixels uint8 [H, W, 3], or what was opened before.
            characteristics: see `edit`.
            pixels: the file's, where somebody has read it already.

        Raises:
            BadPhoto: it cannot be read.
        """
        if isinstance(photo, Source):
            return photo
        values = characteristics
        if isinstance(photo, np.ndarray):
            return Source("photo", Path("photo"), Photograph(photo), characteristics=values)
        path = Path(photo)
        listed = self.config["align"]["landmarks"]
        points = landmarks_of(read_landmarks(Path(listed)), path.stem, path) if listed else None
        pixels = pixels or read_photo(path, max_megapixels=self._max_megapixels)
        return Source(path.stem, path, pixels, points=points, characteristics=values)
