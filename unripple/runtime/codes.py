"""Codes of many faces: found by an encoder, told apart by texts or numbers, drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.conventions import BadConfig, Floats, Photo, UnrippleError
from unripple.io.config import Edit
from unripple.io.latents import SUFFIX, read_latents, write_latents
from unripple.pipeline.digests import role_sha256
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.asked import EDIT
from unripple.runtime.editor import Editor
from unripple.runtime.work import Work
from unripple.zoo.zoo import Zoo

if TYPE_CHECKING:
    from torch import Tensor

_BATCH = 8
_TORCH = (".pt", ".pth")
_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")


class Codes(NamedTuple):
    """Codes by name.

    Attributes:
        names: of the faces.
        w_plus: float32 [N, L, W].
    """

    names: tuple[str, ...]
    w_plus: Floats

    def some(self, numbers: Sequence[int]) -> Codes:
        """Those of some numbers, in that order."""
        return Codes(tuple(self.names[i] for i in numbers), self.w_plus[list(numbers)])


def read_codes(path: Path) -> Codes:
    """Read codes, as `unripple codes extract` writes them, or as published ones are: a .pt file of
    one tensor [N, L, W], of which nothing is executed.

    Raises:
        BadConfig: they are no codes w+.
        BadCheckpoint: the .pt file cannot be read, or asks for code.
    """
    if path.suffix in _TORCH:
        from unripple.zoo.containers import read_container

        content = read_container(path)
        if getattr(content, "ndim", 0) != 3 or not content.is_floating_point():
            raise BadConfig(f"{path}: wanted one tensor of codes, [N, L, W]")
        array: Floats = content.float().numpy()
        return Codes(tuple(map(str, range(len(array)))), array)
    found = read_latents(path)
    w_plus = np.stack(list(found.values()))
    if w_plus.ndim != 3:
        raise BadConfig(f"{path}: holds w, {list(w_plus.shape[1:])} each; wanted w+, [L, W]")
    return Codes(tuple(found), w_plus)


def write_codes(path: Path, codes: Codes, about: Mapping[str, Any]) -> None:
    """Write codes; see `io.latents.write_latents`."""
    write_latents(path, codes.names, codes.w_plus, about)


def about_codes(zoo: Zoo, encoder: str) -> dict[str, Any]:
    """What a file of codes says of itself: who found them, and whose they are."""
    return {"encoder": encoder, "generator": role_sha256(zoo, "generator")}


def extracted(
    editor: Editor, photos: Sequence[Path], failed: Callable[[Path, UnrippleError], None]
) -> Codes:
    """The codes of photos, by the projector that the editor's config names.

    What the editor's cache has is not computed again, so one that was stopped goes on.

    Args:
        editor: projects.
        photos: files.
        failed: told of those that cannot be done, which are left out.

    Raises:
        BadConfig: none could be done.
    """
    found = {}
    for photo in photos:
        try:
            found[photo.name] = np.asarray(editor.run(photo, "project")["project"]["w_plus"])
        except UnrippleError as error:
            failed(photo, error)
    if not found:
        raise BadConfig("codes: no photo there that could be described by codes")
    return Codes(tuple(found), np.stack(list(found.values())).astype(np.float32))


def numbers_of(said: str, count: int) -> list[int]:
    """The numbers that `60`, `3,5,7` or `10-19` name, from 0.

    Raises:
        BadConfig: it names none, or one that there is not.
    """
    numbers: list[int] = []
    for part in said.split(","):
        match = _NUMBERS.fullmatch(part.strip())
        if match is None:
            raise BadConfig(f"--w {said!r}: wanted numbers like 60, or 3,5,7, or 10-19")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last >= count:
            raise BadConfig(f"--w {said!r}: there are codes 0 to {count - 1}, found {part.strip()}")
        numbers += range(first, last + 1)
    return list(dict.fromkeys(numbers))


def likest(codes: Codes, texts: Sequence[str], zoo: Zoo) -> list[int]:
    """Which of some texts fits each picture of codes best, as CLIP sees it.

    Raises:
        BadText: a text is empty or too long.
        ShapeMismatch: the codes are another generator's.
    """
    import torch

    from unripple.models.clip_text import PLAIN
    from unripple.models.text_leads import Reader
    from unripple.ops.style_directions import mean_text

    clip = zoo.load("clip")
    reader = Reader(clip.net, clip.metadata)
    found: list[int] = []
    with torch.inference_mode():
        said = torch.stack([mean_text(reader.read(text, PLAIN, said_by="--by")) for text in texts])
        for pictures in _drawn(codes, zoo):
            found += (reader.see(pictures) @ said.T).argmax(1).tolist()
    return found


def _drawn(codes: Codes, zoo: Zoo) -> Iterator[Tensor]:
    import torch

    generator: Any = zoo.load("generator").net
    check_codes(codes, generator)
    device = next(generator.parameters()).device
    for part in torch.split(torch.from_numpy(codes.w_plus), _BATCH):
        yield generator.synthesize(part.to(device), noise="stored")


def check_codes(codes: Codes, generator: Any) -> None:
    """Refuse codes of another generator.

    Raises:
        BadConfig: they are.
    """
    wanted = (generator.n_codes, generator.style_dim)
    if codes.w_plus.shape[1:] != wanted:
        raise BadConfig(
            f"codes: {list(codes.w_plus.shape[1:])} each, this generator has {list(wanted)}: they "
            "were found with other models"
        )


def draw_texts(editor: Editor, w_plus: Floats, edit: Edit) -> Photo:
    """Codes drawn as they are, and after each text of an edit, side by side, uint8 [S, n * S, 3].

    Args:
        editor: tells config and networks.
        w_plus: float32 [L, W].
        edit: of texts; without any, the codes alone.
    """
    import torch

    from unripple.ops.tensors import to_photo
    from unripple.stages.invert import codes_of, draw, restyled
    from unripple.stages.translate import (
        Translated,
        TranslateSettings,
        follow_texts,
        texts_of,
    )

    zoo = editor.zoo
    generator: Any = zoo.load("generator").net
    check_codes(Codes(("one",), w_plus[None]), generator)
    seen = [Translated(w_plus, {})]
    if edit.said:
        job = job_from_config(editor.config, "translate", EDIT, zoo, edit=edit)
        settings = TranslateSettings.of(job.settings)
        work = Work(job.settings, {"project": {"w_plus": w_plus}}, zoo)
        seen += follow_texts(work, texts_of(settings), w_plus)
    pictures = []
    with torch.inference_mode():
        for at in seen:
            drawer = restyled(generator, at.styles)
            codes = codes_of(at.w_plus, drawer)
            pictures.append(to_photo(draw(codes, drawer, size_px=generator.size)))
    return np.concatenate(pictures, axis=1)


def file_names(out: Path, stem: str, texts: Sequence[str]) -> list[Path]:
    """A file for each text of a split, in a folder.

    Raises:
        BadConfig: two texts would have one file.
    """
    words = [re.sub(r"[^\w+-]+", "-", text).strip("-")[:60] for text in texts]
    if len({word.casefold() for word in words}) < len(words):
        raise BadConfig("--by: two texts would be one file; say them in other words")
    return [out / f"{stem}-{word}{SUFFIX}" for word in words]
