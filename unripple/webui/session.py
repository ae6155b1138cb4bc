"""One user's photo and edits: previews while sliders move, the pipeline's bytes when they rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unripple.conventions import Mask, Photo, UnrippleError, WPlus
from unripple.io.artifact import Artifact
from unripple.io.config import Config, Edit, library
from unripple.io.metadata import NOTHING
from unripple.io.photo import encode_png
from unripple.io.results import PHOTO
from unripple.pipeline.graph import find_step
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.cache import MemoryShelf
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.runtime.work import Work
from unripple.webui import batch, views
from unripple.webui.preview import Sketch, sketch_of
from unripple.webui.reading import PATIENT, Decoded, Mapped, Patience, mapped
from unripple.webui.studio import Studio
from unripple.webui.translations import read_translation, save_translation
from unripple.webui.wanted import NAME, Wanted
from unripple.zoo.directions import is_turn
from unripple.zoo.zoo import Zoo, directions_path

_SHELF_MB = 48.0  # artifacts kept between edits of one user


@dataclass(frozen=True)
class Opened:
    """A photo with all that does not depend on sliders. Nothing of it changes, so threads share it.

    Attributes:
        path: its file.
        name: what the user calls it.
        models, inverter, align: what it was opened with.
        editor: walks the pipeline's steps.
        zoo: its networks.
        source: the decoded photo.
        pages: where its pixels lie.
        artifacts: of the photo's own steps.
        sketch: for previews.
        yaw_deg: where the face looks, or None without a pose network.
    """

    path: Path
    name: str
    models: str
    inverter: str
    align: Mapping[str, str]
    editor: Editor
    zoo: Zoo
    source: Source
    pages: Mapped
    artifacts: Mapping[str, Artifact]
    sketch: Sketch
    yaw_deg: float | None

    @property
    def pixels(self) -> Photo:
        assert self.source.pixels is not None
        return self.source.pixels.pixels

    @property
    def lost(self) -> tuple[str, ...]:
        return self.source.pixels.metadata.lost if self.source.pixels else ()

    def array(self, stage: str, part: str) -> Any:
        return self.artifacts[stage][part]


@dataclass(frozen=True)
class Outcome:
    """An edit at full quality.

    Attributes:
        wanted: what was asked.
        pages: the full photo with the edit, kept pixels put back, uint8 [H, W, 3].
        kept: whether there were any.
        offset: by how much the codes moved, float32 [L, W].
        figures: name -> value or None.
        warnings: what to know about the degrees.
        pictures: what the page shows, by name.
    """

    wanted: Wanted
    pages: Mapped
    kept: bool
    offset: WPlus
    figures: Mapping[str, float | None]
    warnings: list[str]
    pictures: Mapping[str, views.Shown]

    @property
    def picture(self) -> Photo:
        return self.pages.array


class Session:
    """One user. `preview` and `read` may run beside all else; the other calls, one at a time.

    Args:
        studio: what is shared with others.
        folder: of this user alone.

    Attributes:
        opened: the photo, or None.
        outcome: the newest edit at full quality, or None.
        keep: what must stay the photo's, bool [H, W] of the whole photo, or None.
        pictures: what the page shows of the photo.
        held_bytes: memory of this user's pictures, about.
        disk_bytes: what they take on the disk, beside the files that were sent.
    """

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio, self.folder = studio, folder
        self.opened: Opened | None = None
        self.outcome: Outcome | None = None
        self.keep: Mask | None = None
        self.pictures: Mapping[str, views.Shown] = {}
        self.held_bytes = self.disk_bytes = 0
        self._walking = threading.Lock()
        self._shelf = MemoryShelf()
        self._asleep: tuple[Path, str, str, str, Mapping[str, str]] | None = None

    def read(self, path: Path, patience: Patience = PATIENT) -> Decoded:
        """Decode a file, for `open` or `set_keep`; nothing of the session changes.

        Raises:
            UnrippleError: it cannot be read.
        """
        return self.studio.read(path, patience)

    def open(
        self,
        path: Path,
        name: str,
        models: str,
        inverter: str,
        decoded: Decoded | None = None,
        check: Callable[[], None] = lambda: None,
        align: Mapping[str, str] = MappingProxyType({}),
    ) -> Opened:
        """Take a photo through the steps that no slider changes.

        Args:
            path: its file.
            name: what the user calls it.
            models, inverter: what to open it with.
            decoded: the file's content, where it was read already.
            check: called between steps; what it raises ends the opening.
            align: settings of the section `align` that are chosen otherwise than in the config.

        Raises:
            UnrippleError: it cannot be done; the photo before it stays then.
        """
        decoded = decoded or self.read(path)
        with self._walking:
            try:
                return self._open(path, name, models, inverter, decoded, check, align)
            finally:
                decoded.pixels.leave_memory()

    def _open(
        self,
        path: Path,
        name: str,
        models: str,
        inverter: str,
        decoded: Decoded,
        check: Callable[[], None],
        align: Mapping[str, str],
    ) -> Opened:
        studio = self.studio
        editor = studio.editor(models, inverter, self._shelf, align)
        source = editor.open(path, pixels=decoded.photo)
        artifacts = editor.walk(source, None, "depth", before_step=check)
        zoo = studio.zoo(models)
        crop: Any = artifacts["align"]["picture"]
        opened = Opened(
            path,
            name,
            models,
            inverter,
            align,
            editor,
            zoo,
            source,
            decoded.pixels,
            artifacts,
            _sketch(editor, zoo, artifacts),
            views.yaw_deg(crop, zoo),
        )
        if self.opened is None or self.opened.path != path:
            self.keep = None  # it was drawn for another photo
        self.opened, self.outcome, self._asleep = opened, None, None
        self.pictures = views.of_photo(opened.pixels, artifacts)
        self._weigh(opened)
        return opened

    def preview(self, wanted: Wanted) -> Photo:
        """Draw an edit quickly and roughly -> the crop at its previews' side, uint8 [S, S, 3].

        Raises:
            UnrippleError: no photo is open, or there is no such direction.
        """
        opened = self._ready()
        w_plus = _moved(opened, wanted.edit())
        offset = self._offset(wanted, w_plus)
        if offset is not None:
            w_plus = w_plus + offset
        turn = not wanted.translation and is_turn(wanted.moves)
        strength = opened.editor.config["edit"]["strength"]
        return opened.sketch.draw(w_plus, turn=turn, strength=strength)

    def full(self, wanted: Wanted, check: Callable[[], None] = lambda: None) -> Outcome | None:
        """Edit as the pipeline does, byte for byte; None where nothing is asked.

        Args:
            wanted: what the controls say.
            check: called between steps; what it raises ends the edit.

        Raises:
            UnrippleError: no photo is open, or the edit cannot be done.
        """
        with self._walking:
            return self._full(self._ready(), wanted, check)

    def _full(self, opened: Opened, wanted: Wanted, check: Callable[[], None]) -> Outcome | None:
        if not wanted:
            self.outcome = None
            return None
        offset = self._offset(wanted, opened.array("project", "w_plus"))
        edit = wanted.edit()
        artifacts = opened.editor.walk(
            opened.source, edit, "measure", offset=offset, before_step=check
        )
        pasted: Any = artifacts["paste"]["picture"]
        picture = pasted if self.keep is None else views.kept(opened.pixels, pasted, self.keep)
        moved: Any = artifacts["translate"]["w_plus"]
        shown = views.of_edit(artifacts, picture, self.keep)
        pages = mapped(picture, self.studio.root)
        figures = dict(views.figures(artifacts, opened.zoo, opened.yaw_deg))
        self.outcome = Outcome(
            wanted,
            pages,
            self.keep is not None,
            moved - opened.array("project", "w_plus"),
            figures,
            [*opened.editor.warnings(edit), *opened.lost],
            shown,
        )
        self._weigh(opened)
        opened.pages.leave_memory()
        pages.leave_memory()
        return self.outcome

    def set_keep(self, path: Path | None, decoded: Decoded | None = None) -> int:
        """Take a mask of what must stay the photo's, or none; how many pixels it keeps.

        Args:
            path: a picture of the photo's shape, light where the photo must stay.
            decoded: its content, where it was read already.

        Raises:
            BadPhoto: it cannot be read, or has another shape than the photo.
        """
        opened = self._ready()
        if path is None:
            self.keep = None
            return 0
        drawn = (decoded or self.read(path)).photo.pixels
        self.keep = views.mask_of(drawn, opened.pixels.shape[:2])
        return int(self.keep.sum())

    def result_png(self) -> bytes:
        """The result as the pipeline writes it.

        Raises:
            UnrippleError: there is no edit yet.
        """
        opened, outcome = self._ready(), self._made()
        said = opened.source.pixels.metadata if opened.source.pixels else NOTHING
        marked = opened.editor.config["digital_source_type"]
        return encode_png(outcome.picture, said.of_result(marked=marked))

    def save_translation(self, name: str) -> Path:
        """Keep by how much the codes moved, as a named translation of the user's.

        Raises:
            UnrippleError: there is no edit yet, or the name does not follow the grammar.
        """
        return save_translation(self.studio.translations, name, self._made().offset)

    def add_to_batch(self, name: str) -> batch.Added:
        """Write the edit, and the photo if it is not there, into the batch's config.

        Raises:
            UnrippleError: there is no edit yet, or the pipeline could not make these bytes.
        """
        opened, outcome = self._ready(), self._made()
        if outcome.kept:
            raise UnrippleError(
                "the pipeline knows no kept areas and would give another picture; clear what is "
                "kept, or save the image instead"
            )
        config = opened.editor.config
        return batch.add(
            self.studio.batch,
            config,
            self._edit_of_pipeline(outcome.wanted, name, config),
            opened.path,
            opened.name,
        )

    def _edit_of_pipeline(self, wanted: Wanted, name: str, config: Config) -> Edit:
        """What gives the same bytes there: sliders, or a translation as every photo is offered it.

        Raises:
            UnrippleError: there is no such edit.
        """
        if not wanted.translation:
            return wanted.edit(name)
        if wanted.moves:
            raise UnrippleError(
                "an edit of a batch is sliders or a translation; save the translation, which then "
                "holds both, and choose it with all sliders at rest"
            )
        chosen = self.studio.known_translations()[wanted.translation]
        base = chosen.stem
        offered = library(config).choose(base, None)
        if offered.resolve() != chosen.resolve():
            raise UnrippleError(
                f"the pipeline takes {offered} for {base}, which comes before {chosen}; choose it, "
                "or call one of them otherwise"
            )
        return Edit(name, (), base)

    def sleep(self) -> None:
        """Give back memory; the photo is opened anew when it is needed."""
        if self.opened is not None:
            opened = self.opened
            self._asleep = (
                opened.path, opened.name, opened.models, opened.inverter, opened.align
            )  # fmt: skip
        self.opened = self.outcome = None
        self._shelf, self.held_bytes, self.disk_bytes = MemoryShelf(), 0, 0

    def wake(self, decoded: Decoded | None = None) -> None:
        """Open the photo again if the session sleeps; what is kept stays."""
        if self.opened is None and self._asleep is not None:
            keep = self.keep
            path, name, models, inverter, align = self._asleep
            self.open(path, name, models, inverter, decoded, align=align)
            self.keep = keep

    @property
    def path(self) -> Path | None:
        """The open photo's file, also while the session sleeps."""
        if self.opened is not None:
            return self.opened.path
        return self._asleep[0] if self._asleep else None

    @property
    def name(self) -> str:
        """What the user calls the open photo, also while the session sleeps."""
        if self.opened is not None:
            return self.opened.name
        return self._asleep[1] if self._asleep else ""

    @property
    def sleeps(self) -> bool:
        """Whether `wake` must be called first."""
        return self.opened is None and self._asleep is not None

    def _weigh(self, opened: Opened) -> None:
        held = self._shelf.trim(int(_SHELF_MB * 1e6))
        self.held_bytes = held + (0 if self.keep is None else self.keep.nbytes)
        edited = self.outcome.picture.nbytes if self.outcome else 0
        self.disk_bytes = opened.pixels.nbytes + edited

    def _ready(self) -> Opened:
        if self.opened is None:
            raise UnrippleError("no photo is open; choose one first")
        return self.opened

    def _made(self) -> Outcome:
        if self.outcome is None:
            raise UnrippleError("there is no edit yet; move a slider first")
        return self.outcome

    def _offset(self, wanted: Wanted, w_plus: WPlus) -> WPlus | None:
        if not wanted.translation:
            return None
        offset = read_translation(wanted.translation, self.studio.known_translations())
        if offset.shape != w_plus.shape:
            raise UnrippleError(
                f"{wanted.translation} holds {list(offset.shape)} numbers, these models want "
                f"{list(w_plus.shape)}: it was made for others"
            )
        return offset


def _moved(opened: Opened, edit: Edit) -> WPlus:
    """The photo's codes moved along an edit's directions, by the stage's own call."""
    job = job_from_config(opened.editor.config, "translate", NAME, opened.zoo, edit=edit)
    directions = directions_path(job.directions)
    work = Work(
        job.settings, {"project": opened.artifacts["project"]}, opened.zoo, directions=directions
    )
    moved: Any = find_step("translate").call(work)
    codes: WPlus = moved["w_plus"]
    return codes


def _sketch(editor: Editor, zoo: Zoo, artifacts: Mapping[str, Artifact]) -> Sketch:
    from unripple.stages.inverters.hfgi import consultant_of
    from unripple.stages.ripple import person

    parts: Any = {name: artifacts[name] for name in ("align", "invert")}
    labels: Any = artifacts[f"parse@{PHOTO}"]["labels"]
    nets = None
    if editor.config["invert"]["method"] == "hfgi":
        nets = consultant_of(zoo.load("hfgi"))
    return sketch_of(
        parts["align"]["picture"],
        person(labels),
        parts["invert"].get("residual"),
        zoo.load("generator").net,
        nets,
    )
