"""An edit, and what lies on the way to it, as files named as in StyleFeatureEditor's runner.

The arguments are those of its `SimpleRunner.edit`, so that scripts that call it need few changes.
Beside SAVE, of stem S, lie S_aligned and S_unaligned (with `align`), S_mask, S_face and S_back
(with `mask`), S_inversion, S_e4e_inversion and S_e4e_edit (where they are asked for), all in SAVE's
format. The runner names masks after the aligned picture, writes every one of them as JPEG, and
leaves `edited.png` and `mask.jpg` in the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack

from unripple.conventions import Photo
from unripple.io.artifact import Part
from unripple.io.metadata import NOTHING
from unripple.io.outputs import check_output
from unripple.io.photo import check_writable_name, write_photo
from unripple.runtime.asked import asked_edit
from unripple.runtime.compute import Source
from unripple.runtime.view import as_picture
from unripple.stages.keeping import NONE

if TYPE_CHECKING:
    from unripple.runtime.editor import Editor
    from unripple.runtime.result import Result


class SaveOptions(TypedDict, total=False):
    """What `Editor.edit_to` may be given beside photo, direction, power and file.

    Attributes:
        align: find the face, and paste the edited crop back into the photo. Without it, as in the
            source, the photo is an aligned crop already.
        mask: what stays: "background", the file of a mask, or a folder of masks, see `edit.keep`.
        mask_threshold: from which share on the parser's background counts as such; the settings'
            by default, which is .995 (the source's script has .095, its API .995).
        save_inversion: keep the picture before the edit, too.
        save_e4e: keep what e4e's codes alone draw, before the edit and after it.
        overwrite: SAVE may be the photo itself.
    """

    align: bool
    mask: str | Path | None
    mask_threshold: float
    save_inversion: bool
    save_e4e: bool
    overwrite: bool


class SavedPicture(NamedTuple):
    """A picture to be written.

    Attributes:
        suffix: of the stem; "" is SAVE itself.
        picture: uint8 [H, W, 3].
        edited: whether it shows an edit, and so says what the photo's file said, and is marked.
    """

    suffix: str
    picture: Photo
    edited: bool = False


def edit_to(
    editor: Editor,
    photo: str | Path | Photo | Source,
    direction: str,
    power: float,
    save: str | Path,
    **options: Unpack[SaveOptions],
) -> Result:
    """See `Editor.edit_to`."""
    place = Path(save)
    check_writable_name(place)
    own = editor.with_settings(settings_of(editor.config, options))
    source = own.open(photo)
    edit = asked_edit(None, None, None, {direction: power})
    overwrite = options.get("overwrite", False)
    check_output(place, {"photo": source.path}, overwrite=overwrite, switch="save:")
    made = own.edit(source, edit)
    files = pictures_of(made, options)
    if options.get("save_e4e"):
        parts, part = made.artifacts, "plain"  # sfe's own guide
        if part not in parts["invert"]:
            parts, part = own.with_settings(PLAIN).run(source, "edit", edit), "picture"
        files.append(SavedPicture("_e4e_inversion", _shown(parts["invert"][part])))
        files.append(SavedPicture("_e4e_edit", _shown(parts["edit"][part]), edited=True))
    marked = made.metadata.of_result(marked=made.marked)
    paths = [place.with_name(f"{place.stem}{one.suffix}{place.suffix}") for one in files]
    for path in paths:  # all of them before anything is written
        check_output(path, {"photo": source.path}, overwrite=overwrite, switch="save:")
    for path, one in zip(paths, files, strict=True):
        write_photo(path, one.picture, marked if one.edited else NOTHING)
    return made


PLAIN: Mapping[str, Any] = {
    "project": {"method": "encoder"},
    "invert": {"method": "e4e"},
    "edit": {"keep": NONE},
}
"""Settings by which e4e's codes are drawn, and nothing else."""


def settings_of(config: Mapping[str, Any], options: SaveOptions) -> dict[str, Any]:
    """The sections that the options change."""
    changed: dict[str, Any] = {}
    if not options.get("align", False):
        changed["align"] = {"mode": "aligned", "landmarks": None}
    if (mask := options.get("mask")) is not None:
        threshold = options.get("mask_threshold", config["edit"]["keep_threshold"])
        changed["edit"] = {"keep": str(mask), "keep_threshold": threshold}
    return changed


def pictures_of(made: Result, options: SaveOptions) -> list[SavedPicture]:
    """What an edit gave, SAVE first."""
    parts = made.artifacts
    files = [SavedPicture("", _shown(parts["compose"]["picture"]), edited=True)]
    if options.get("align"):
        files.append(SavedPicture("_aligned", _shown(parts["align"]["picture"])))
        files.append(SavedPicture("_unaligned", made.picture, edited=True))
    if options.get("mask") is not None:
        words = {"_mask": "keep", "_face": "face", "_back": "background"}
        files += [
            SavedPicture(suffix, _shown(parts["edit"][part])) for suffix, part in words.items()
        ]
    if options.get("save_inversion"):
        files.append(SavedPicture("_inversion", _shown(parts["invert"]["picture"])))
    return files


def _shown(part: Part) -> Photo:
    return as_picture("picture", part)
