"""One user's photo and edits: previews while sliders move, the pipeline's bytes when they rest."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unripple import atomic
from unripple.conventions import Photo, UnrippleError
from unripple.io.photo import encode_png
from unripple.runtime.cache import MemoryCache
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.webui import batch, views
from unripple.webui.app_state import AppState
from unripple.webui.edit_request import NAME, EditRequest
from unripple.webui.leaving import Wanted, edit_of_pipeline, marked_photo, result_file
from unripple.webui.making import offset_of, outcome_of
from unripple.webui.opened import (
    Choice,
    FoundFace,
    Opened,
    Outcome,
    face_of,
    moved_codes,
    points_of,
    sketched,
)
from unripple.webui.progress import EDITING, OPENING, WorkProgress
from unripple.webui.reading import PATIENT, Decoded, Mapped, Patience
from unripple.webui.translations import save_translation
from unripple.zoo.directions import is_turn

_CACHE_MB = 48.0  # artifacts kept between edits of one user
KEEP = "keep"
"""The folder of masks in a session's."""


class Session:
    """One user. `preview` and `read` may run beside all else; the other calls, one at a time.

    Args:
        state: what is shared with others.
        folder: of this user alone.

    Attributes:
        opened: the photo, or None.
        outcome: the newest edit at full quality, or None.
        keep: a folder with the mask of what must stay the photo's, or None.
        progress: of what is opened or edited just now.
        pictures: what the page shows of the photo.
        held_bytes: memory of this user's pictures, about.
        disk_bytes: what they take on the disk, beside the files that were sent.
    """

    def __init__(self, state: AppState, folder: Path) -> None:
        self.state, self.folder = state, folder
        self.opened: Opened | None = None
        self.outcome: Outcome | None = None
        self.keep: Path | None = None
        self.progress = WorkProgress()
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
        face: int = 0,
    ) -> Opened:
        """Take a photo through the steps that no slider changes.

        Args:
            path: its file.
            name: what the user calls it.
            models, inverter: what to open it with.
            decoded: the file's content, where it was read already.
            check: called between steps; what it raises ends the opening.
            align: settings of the section `align` that are chosen otherwise than in the config.
            face: which of its faces to look at, the largest first.

        Raises:
            UnrippleError: it cannot be done; the photo before it stays then.
        """
        return self._open(Choice(path, name, models, inverter, align, face), decoded, check)

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
        with self.progress.of(OPENING):
            self.progress.stage("align")
            align = {**choice.align, "faces": "all"}  # those to choose from
            editor = self._editor(replace(choice, align=align))
            source = editor.open(choice.path, pixels=decoded.photo)
            made = editor.run_faces(source, "align")
            check()
            faces = tuple(face_of(one["align"]) for one in made)
            sources: tuple[Source, ...] = (source,)
            if len(faces) > 1:  # each by its points, as a batch will find it
                sources = tuple(replace(source, points=points_of(face)) for face in faces)
            face = min(choice.face, len(faces) - 1)
            opened = self._look(
                replace(choice, face=face), editor, sources, faces, decoded.pixels, check
            )
        if self.opened is None or self.opened.choice.path != choice.path:
            self.keep = None  # it was drawn for another photo
        self._show(opened)
        return opened

    def _look(
        self,
        choice: Choice,
        editor: Editor,
        sources: tuple[Source, ...],
        faces: tuple[FoundFace, ...],
        pages: Mapped,
        check: Callable[[], None],
    ) -> Opened:
        """Take the chosen face through the steps before all edits."""
        artifacts = editor.run(sources[choice.face], "depth", before_step=check)
        zoo = self.state.zoo(choice.models)
        crop: Any = artifacts["align"]["picture"]
        return Opened(
            choice=choice,
            editor=editor,
            zoo=zoo,
            sources=sources,
            faces=faces,
            face=choice.face,
            pages=pages,
            artifacts=artifacts,
            sketch=sketched(editor, zoo, artifacts),
            yaw_deg=views.yaw_deg(crop, zoo),
        )

    def _show(self, opened: Opened) -> None:
        self.opened, self.outcome, self._evicted = opened, None, None
        self.pictures = views.of_photo(opened.pixels, opened.artifacts)
        self._weigh(opened)

    def _editor(self, choice: Choice, keep: Path | None = None) -> Editor:
        return self.state.editor(
            choice.models,
            choice.inverter,
            self._cache,
            choice.align,
            keep=keep,
            before_stage=self.progress.stage,
        )

    def choose(self, face: int, check: Callable[[], None] = lambda: None) -> Opened:
        """Look at another face of the open photo.

        Raises:
            UnrippleError: no photo is open, or it has no such face.
        """
        with self._walking:
            opened = self._ready()
            return opened if face == opened.face else self._choose(opened, face, check)

    def _choose(self, opened: Opened, face: int, check: Callable[[], None]) -> Opened:
        if face >= len(opened.faces):
            raise UnrippleError(f"this photo has {len(opened.faces)} faces; choose one of them")
        choice = replace(opened.choice, face=face)
        with self.progress.of(OPENING):
            looked = self._look(
                choice, opened.editor, opened.sources, opened.faces, opened.pages, check
            )
        self._show(looked)
        return looked

    def preview(self, request: EditRequest) -> Photo:
        """Draw an edit quickly and roughly -> the crop at its previews' side, uint8 [S, S, 3].

        Raises:
            UnrippleError: no photo is open, or there is no such direction.
        """
        opened = self._ready()
        if not request.translation and not request.said:
            drawn_on_pixels = opened.pixel_sketch.draw(request.edit())
            if drawn_on_pixels is not None:
                return drawn_on_pixels
        w_plus, styles = moved_codes(opened, request.quick())
        offset = offset_of(self.state, request, w_plus)
        if offset is not None:
            w_plus = w_plus + offset
        turn = not (request.translation or request.said) and is_turn(request.moves)
        strength = opened.editor.config["edit"]["strength"]
        drawn = opened.sketch.with_styles(styles)
        return drawn.draw(w_plus, turn=turn, strength=strength)

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
        with self.progress.of(EDITING):
            if request.face != opened.face:
                opened = self._choose(opened, request.face, check)
            self.outcome = self._edited(opened, request, check)
        self._weigh(opened)
        opened.pages.leave_memory()
        self.outcome.pages.leave_memory()
        return self.outcome

    def _edited(self, opened: Opened, request: EditRequest, check: Callable[[], None]) -> Outcome:
        editor = opened.editor
        if self.keep is not None:
            editor = self._editor(replace(opened.choice, align=editor.config["align"]), self.keep)
        return outcome_of(self.state, opened, editor, request, check)

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
        mask = views.mask_of(drawn, opened.pixels.shape[:2])
        data = encode_png(mask)
        folder = self.folder / KEEP / hashlib.sha256(data).hexdigest()[:16]
        atomic.write_bytes(folder / f"{opened.source.photo}.png", data)
        self.keep = folder
        return int(mask.sum())

    @property
    def mask(self) -> Path | None:
        """The picture of what must stay the photo's, or None."""
        if self.keep is None or self.opened is None:
            return None
        return self.keep / f"{self.opened.source.photo}.png"

    def result_png(self) -> bytes:
        """The result as the pipeline writes it.

        Raises:
            UnrippleError: there is no edit yet.
        """
        return self.result(Wanted())

    def result(self, wanted: Wanted) -> bytes:
        """The result as a file.

        Raises:
            UnrippleError: there is no edit yet.
        """
        return result_file(self._ready(), self._made(), wanted)

    def region(self, view: str, box: tuple[int, int, int, int]) -> Photo:
        """Pixels of the whole photo, its result, or how far both are apart.

        Raises:
            UnrippleError: there is no such view or edit, or nothing of the photo in that box.
        """
        opened = self._ready()
        if view == "photo":
            return views.region(opened.pixels, box)
        after = views.region(self._made().picture, box)
        if view == "difference":
            return views.difference(views.region(opened.pixels, box), after)
        if view != "result":
            raise UnrippleError(f"no pixels of {view!r}: photo, result or difference")
        return after

    def save_translation(self, name: str) -> Path:
        """Keep by how much the codes moved, as a named translation of the user's.

        Raises:
            UnrippleError: there is no edit yet, or the name does not follow the grammar.
        """
        made = self._made()
        if made.on_pixels:
            raise UnrippleError(
                "this edit changes the photo's own pixels and draws no codes; add it to the batch"
            )
        if made.request.said and not made.offset.any():
            raise UnrippleError(
                "this text moves channels of style space and no codes, which a translation holds; "
                "add it to the batch instead"
            )
        return save_translation(self.state.translations, name, made.offset)

    def add_to_batch(self, name: str, suggested: str = NAME) -> batch.Added:
        """Write the edit, and the photo if it is not there, into the batch's config.

        Args:
            name: the edit's there; "" leaves it to the page, which changes its suggestion where
                another edit has it.
            suggested: see `name`.

        Raises:
            UnrippleError: there is no edit yet, or the pipeline could not make these bytes.
        """
        opened, outcome = self._ready(), self._made()
        choice = opened.choice
        config = self.state.config_of(choice.models, choice.inverter, choice.align)
        called = name or suggested or NAME
        edit = edit_of_pipeline(self.state, outcome.request, called, config)
        photo = marked_photo(opened, self.mask if outcome.kept else None)
        return batch.add(self.state.batch, config, edit, photo, rename=not name)

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
            keep, align, face = self.keep, choice.align, choice.face
            models = choice.models, choice.inverter
            self.open(choice.path, choice.name, *models, decoded, align=align, face=face)
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
        self.held_bytes = held
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
