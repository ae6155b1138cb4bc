"""One user's photo and edits: previews while sliders move, the pipeline's bytes when they rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unripple.conventions import Mask, Photo, UnrippleError, WPlus
from unripple.io.config import Config, Edit, library
from unripple.io.metadata import NOTHING
from unripple.io.photo import encode_png
from unripple.runtime.cache import MemoryCache
from unripple.webui import batch, views
from unripple.webui.app_state import AppState
from unripple.webui.edit_request import EditRequest
from unripple.webui.opened import Choice, Opened, Outcome, moved_codes, sketched
from unripple.webui.reading import PATIENT, Decoded, Patience, mapped
from unripple.webui.translations import read_translation, save_translation
from unripple.zoo.directions import is_turn

_CACHE_MB = 48.0  # artifacts kept between edits of one user


class Session:
    """One user. `preview` and `read` may run beside all else; the other calls, one at a time.

    Args:
        state: what is shared with others.
        folder: of this user alone.

    Attributes:
        opened: the photo, or None.
        outcome: the newest edit at full quality, or None.
        keep: what must stay the photo's, bool [H, W] of the whole photo, or None.
        pictures: what the page shows of the photo.
        held_bytes: memory of this user's pictures, about.
        disk_bytes: what they take on the disk, beside the files that were sent.
    """

    def __init__(self, state: AppState, folder: Path) -> None:
        self.state, self.folder = state, folder
        self.opened: Opened | None = None
        self.outcome: Outcome | None = None
        self.keep: Mask | None = None
        self.pictures: Mapping[str, views.Shown] = {}
        self.held_bytes = self.disk_bytes = 0
        self._walking = threading.Lock()
        self._cache = MemoryCache()
        self._evicted: Choice | None = None

    def read(self, path: Path, patience: Patience = PATIENT) -> Decoded:
        """Decode a file, for `open` or `set_keep`; nothing of the session changes.

        Raises:
            UnrippleError: it cannot be read.
        """
        return self.state.read(path, patience)

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
        return self._open(Choice(path, name, models, inverter, align), decoded, check)

    def _open(
        self, choice: Choice, decoded: Decoded | None, check: Callable[[], None] = lambda: None
    ) -> Opened:
        decoded = decoded or self.read(choice.path)
        with self._walking:
            try:
                return self._walk(choice, decoded, check)
            finally:
                decoded.pixels.leave_memory()

    def _walk(self, choice: Choice, decoded: Decoded, check: Callable[[], None]) -> Opened:
        editor = self.state.editor(choice.models, choice.inverter, self._cache, choice.align)
        source = editor.open(choice.path, pixels=decoded.photo)
        artifacts = editor.run(source, "depth", before_step=check)
        zoo = self.state.zoo(choice.models)
        crop: Any = artifacts["align"]["picture"]
        opened = Opened(
            choice=choice,
            editor=editor,
            zoo=zoo,
            source=source,
            pages=decoded.pixels,
            artifacts=artifacts,
            sketch=sketched(editor, zoo, artifacts),
            yaw_deg=views.yaw_deg(crop, zoo),
        )
        if self.opened is None or self.opened.choice.path != choice.path:
            self.keep = None  # it was drawn for another photo
        self.opened, self.outcome, self._evicted = opened, None, None
        self.pictures = views.of_photo(opened.pixels, artifacts)
        self._weigh(opened)
        return opened

    def preview(self, request: EditRequest) -> Photo:
        """Draw an edit quickly and roughly -> the crop at its previews' side, uint8 [S, S, 3].

        Raises:
            UnrippleError: no photo is open, or there is no such direction.
        """
        opened = self._ready()
        if not request.translation:
            drawn = opened.pixel_sketch.draw(request.edit())
            if drawn is not None:
                return drawn
        w_plus = moved_codes(opened, request.edit())
        offset = self._offset(request, w_plus)
        if offset is not None:
            w_plus = w_plus + offset
        turn = not request.translation and is_turn(request.moves)
        strength = opened.editor.config["edit"]["strength"]
        return opened.sketch.draw(w_plus, turn=turn, strength=strength)

    def full(
        self, request: EditRequest, check: Callable[[], None] = lambda: None
    ) -> Outcome | None:
        """Edit as the pipeline does, byte for byte; None where nothing is asked.

        Args:
            request: what the controls say.
            check: called between steps; what it raises ends the edit.

        Raises:
            UnrippleError: no photo is open, or the edit cannot be done.
        """
        with self._walking:
            return self._full(self._ready(), request, check)

    def _full(
        self, opened: Opened, request: EditRequest, check: Callable[[], None]
    ) -> Outcome | None:
        if not request:
            self.outcome = None
            return None
        offset = self._offset(request, opened.array("project", "w_plus"))
        edit = request.edit()
        artifacts = opened.editor.run(
            opened.source, "measure", edit, offset=offset, before_step=check
        )
        pasted: Any = artifacts["paste"]["picture"]
        picture = pasted if self.keep is None else views.kept(opened.pixels, pasted, self.keep)
        moved: Any = artifacts["translate"]["w_plus"]
        shown = views.of_edit(artifacts, picture, self.keep)
        pages = mapped(picture, self.state.root)
        figures = dict(views.figures(artifacts, opened.zoo, opened.yaw_deg))
        self.outcome = Outcome(
            request,
            pages,
            self.keep is not None,
            moved - opened.array("project", "w_plus"),
            figures,
            [*opened.editor.warnings(edit, artifacts), *opened.lost],
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
        return save_translation(self.state.translations, name, self._made().offset)

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
            self.state.batch,
            config,
            self._edit_of_pipeline(outcome.request, name, config),
            opened.choice.path,
            opened.choice.name,
        )

    def _edit_of_pipeline(self, request: EditRequest, name: str, config: Config) -> Edit:
        """What gives the same bytes there: sliders, or a translation as every photo is offered it.

        Raises:
            UnrippleError: there is no such edit.
        """
        if not request.translation:
            return request.edit(name)
        if request.moves:
            raise UnrippleError(
                "an edit of a batch is sliders or a translation; save the translation, which then "
                "holds both, and choose it with all sliders at rest"
            )
        chosen = self.state.all_translations()[request.translation]
        base = chosen.stem
        offered = library(config).choose(base, None)
        if offered.resolve() != chosen.resolve():
            raise UnrippleError(
                f"the pipeline takes {offered} for {base}, which comes before {chosen}; choose it, "
                "or call one of them otherwise"
            )
        return Edit(name, (), base)

    def evict(self) -> None:
        """Give back memory; the photo is opened anew when it is needed."""
        if self.opened is not None:
            self._evicted = self.opened.choice
        self.opened = self.outcome = None
        self._cache, self.held_bytes, self.disk_bytes = MemoryCache(), 0, 0

    def restore(self, decoded: Decoded | None = None) -> None:
        """Open the photo again if it was evicted; what is kept stays."""
        choice = self._evicted
        if self.opened is None and choice is not None:
            keep = self.keep
            self.open(
                choice.path,
                choice.name,
                choice.models,
                choice.inverter,
                decoded,
                align=choice.align,
            )
            self.keep = keep

    @property
    def choice(self) -> Choice | None:
        """The open photo, also while it is evicted."""
        return self._evicted if self.opened is None else self.opened.choice

    @property
    def path(self) -> Path | None:
        """The open photo's file, also while it is evicted."""
        return None if self.choice is None else self.choice.path

    @property
    def evicted(self) -> bool:
        """Whether `restore` must be called first."""
        return self.opened is None and self._evicted is not None

    def _weigh(self, opened: Opened) -> None:
        held = self._cache.trim(int(_CACHE_MB * 1e6))
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

    def _offset(self, request: EditRequest, w_plus: WPlus) -> WPlus | None:
        if not request.translation:
            return None
        offset = read_translation(request.translation, self.state.all_translations())
        if offset.shape != w_plus.shape:
            raise UnrippleError(
                f"{request.translation} holds {list(offset.shape)} numbers, these models want "
                f"{list(w_plus.shape)}: it was made for others"
            )
        return offset
