"""The quick drawing of edits on the photo's own pixels, while a slider moves.

The same code as the stage's, on a face that was looked at once.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from unripple.conventions import Photo, UnrippleError
from unripple.io.artifact import Artifact
from unripple.io.config import Edit
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.work import Work
from unripple.stages.edit import EditSettings
from unripple.stages.families.shape import places
from unripple.stages.pixels import ANY_SHAPE
from unripple.stages.pixels.changed import edit_seen
from unripple.stages.pixels.coloured import Regions
from unripple.stages.pixels.face import SeenFace, see_face
from unripple.stages.turns.auto import is_foreign
from unripple.webui.edit_request import NAME
from unripple.webui.opened import Opened

_UNGATED, _HARDLY = "face_width", 0.01  # what hardly any photo refuses, and degrees of it
LOOK_PX = 320
"""Side of the closest look: about what the page shows."""


class PixelSketch:
    """Previews of one photo's edits on its own pixels. Threads share it.

    Args:
        opened: the photo.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._looking = threading.Lock()
        self._foreign: bool | None = None
        self._face: SeenFace | None = None
        self._regions: Regions = {}

    def draw(self, edit: Edit) -> Photo | None:
        """The crop with the edit, uint8 [S, S, 3]; None where the generator makes it.

        Raises:
            UnrippleError: the edit cannot be made.
        """
        opened = self._opened
        job = job_from_config(opened.editor.config, "edit", NAME, opened.zoo, edit=edit)
        asked: Any = job.settings
        with self._looking:
            if "pixels" not in asked:
                if not job.open_settings or not self.is_foreign():
                    return None
                asked = {**asked, **job.open_settings["open"]}
            settings = EditSettings.of(asked)
            work = Work(asked, self._inputs(), opened.zoo, opened.source.pixels)
            face = self._seen(work, settings)
            drawn = edit_seen(work, settings, face, largest_px=LOOK_PX, regions=self._regions)
        return drawn.picture

    def prepare(self) -> None:
        """Look at the face before anybody asks for a preview; its first one costs ten others else.

        Where the generator makes the edits, or no edit could be made, nothing is done.
        """
        with contextlib.suppress(UnrippleError):  # whoever asks for an edit will be told
            self.draw(Edit("prepare", ((_UNGATED, _HARDLY),)))

    def _seen(self, work: Work, settings: EditSettings) -> SeenFace:
        if self._face is None:
            self._face = see_face(work, settings, places(work.pixel_direction(ANY_SHAPE)))
        return self._face

    def _inputs(self) -> dict[str, Artifact]:
        return {name: self._opened.artifacts[name] for name in ("align", "invert")}

    def is_foreign(self) -> bool:
        """Whether the generator cannot draw the photo, which is then edited on its pixels."""
        if self._foreign is None:
            self._foreign = is_foreign(Work({}, self._inputs(), self._opened.zoo))
        return self._foreign
