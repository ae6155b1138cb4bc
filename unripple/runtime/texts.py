"""What can be said to the chosen models, and a face that is drawn from a text alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unripple import atomic
from unripple.conventions import BadCheckpoint, BadConfig, Photo, UnrippleError
from unripple.io import plain_yaml
from unripple.io.config import Edit
from unripple.paths import published_folder
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.asked import EDIT
from unripple.runtime.editor import Editor
from unripple.runtime.work import OnProgress, Work
from unripple.zoo.weights import read_header, write_state
from unripple.zoo.zoo import EMBEDDED, Zoo, embedded_folder

_MAPPER = "mapper"


class KnownMapper(NamedTuple):
    """A mapper that is here.

    Attributes:
        name: as `mapper` of an edit takes it.
        what: how it takes its texts, in words.
        texts: name -> text.
    """

    name: str
    what: str
    texts: Mapping[str, str]


class KnownTexts(NamedTuple):
    """What can be said.

    Attributes:
        clip: which CLIP reads it, or why none does.
        words: that it was trained on; none where nobody knows.
        mappers: that are here.
    """

    clip: str
    words: Sequence[str]
    mappers: Sequence[KnownMapper]


def known_texts(zoo: Zoo) -> KnownTexts:
    """What can be said to some models."""
    words: Sequence[str] = ()
    try:
        words = sorted(zoo.metadata("clip").get("words", ()))
        clip = str(zoo.path("clip"))
    except UnrippleError as error:
        clip = str(error)
    return KnownTexts(clip, words, _mappers(zoo))


def _mappers(zoo: Zoo) -> list[KnownMapper]:
    """The chosen one, those that come along, and those that were fetched."""
    files: dict[Path, str] = {}
    if zoo.has(_MAPPER):
        files[zoo.path(_MAPPER)] = "(models.mapper)"
    for path in sorted((embedded_folder() / "models").glob(f"{_MAPPER}*.safetensors")):
        files.setdefault(path, path.stem if "-" in path.stem else EMBEDDED)
    for path in sorted(published_folder().glob(f"*.{_MAPPER}.safetensors")):
        files.setdefault(path, path.name.partition(".")[0])
    found = []
    for path, name in files.items():
        try:
            about, table = read_header(path)
        except BadCheckpoint:
            continue  # the one that is chosen says so when it is used
        found.append(KnownMapper(name, _what(about, table), dict(about.get("texts", {}))))
    return found


def _what(about: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    if about.get("network") == "style_mapper" or any(key.startswith("mapper_") for key in table):
        return "of styles, for one text"
    if "text_vectors" in table:
        return "texts by number; several with ' + ' between them"
    layers = max((int(key.split(".")[2]) for key in table if key.count(".") == 3), default=0)
    return "any text, as CLIP reads it; trained for" if layers > 4 else "for one text"


def told_of(
    texts: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
    judged: Mapping[str, Sequence[float]],
    figures: Mapping[str, float],
) -> list[str]:
    """What an edit that follows texts said and did, a sentence each.

    Args:
        texts: of the edit.
        about: what `translate` told.
        judged: attribute -> what a judge saw in photo and result.
        figures: that `measure` gave.
    """
    lines = []
    of_each = about.get("texts", [about] * len(texts))
    for said, did in zip(texts, of_each, strict=False):
        how = [f"method {said['method']}"]
        if said["strength"] is not None:
            how.append(f"strength {said['strength']:g}")
        if "channels_moved" in did:
            how.append(f"{did['channels_moved']:,} channels moved")
        lines.append(f"{said['text']!r}, seen from {said['neutral']!r}: {', '.join(how)}")
    if (after := figures.get("text_likeness", math.nan)) == after:
        before = figures["text_likeness_of_photo"]
        lines.append(f"likeness to the text by CLIP: {before:.3f} in the photo, {after:.3f} now")
    if seen := _moved_most(judged):
        lines.append(f"a judge of attributes sees {seen}")
    return lines


_SHOWN, _SEEN = 5, 0.1


def _moved_most(judged: Mapping[str, Sequence[float]]) -> str:
    """The attributes that changed most, with their values before and after."""
    changes = {name: abs(after - before) for name, (before, after) in judged.items()}
    names = sorted((n for n in changes if changes[n] >= _SEEN), key=lambda n: -changes[n])[:_SHOWN]
    listed = (f"{n} {judged[n][0]:.2f} → {judged[n][1]:.2f}" for n in names)
    return ", ".join(listed)


def draw_face(editor: Editor, edit: Edit, on_progress: OnProgress) -> Photo:
    """A face out of nothing, uint8 [S, S, 3]; with `every`, what it came by stands before it.

    Args:
        editor: tells config and networks.
        edit: a text, with method optimise and start: mean.
        on_progress: see there.
    """
    import torch

    from unripple.ops.tensors import to_photo
    from unripple.stages.invert import codes_of, draw, restyled
    from unripple.stages.translate import TranslateSettings, run

    zoo = editor.zoo
    generator: Any = zoo.load("generator").net
    nothing = np.zeros((generator.n_codes, generator.style_dim), np.float32)
    job = job_from_config(editor.config, "translate", EDIT, zoo, edit=edit)
    progress = partial(on_progress, edit.texts[0]["text"])
    work = Work(job.settings, {"project": {"w_plus": nothing}}, zoo, on_progress=progress)
    found = run(work, TranslateSettings.of(job.settings))
    with torch.inference_mode():
        drawer = restyled(generator, found.styles)
        picture = to_photo(draw(codes_of(found.w_plus, drawer), drawer, size_px=generator.size))
    return picture if found.iterates is None else np.concatenate((found.iterates, picture), axis=1)


def read_texts(path: Path) -> dict[str, str]:
    """A file of texts by name, in their order.

    Raises:
        BadConfig: it is missing, or something else.
    """
    content = plain_yaml.read(path)
    fits = isinstance(content, dict) and content
    if not fits or not all(isinstance(v, str) and v.strip() for v in content.values()):
        raise BadConfig(f"--texts {path}: wanted lines `name: text`, like `specs: a face with ...`")
    return {str(name): text for name, text in content.items()}


def convert_mapper(
    source: Path, out: Path, *, texts: Mapping[str, str] | None, vectors: str, size_px: int
) -> None:
    """Write a mapper of a published training as one of ours.

    Args:
        source: its .pt file, of which nothing is executed.
        out: a .safetensors file.
        texts: name -> text, in the order of training; None takes the description of a mapper of
            one text.
        vectors: `embedding` or `clip`, of a mapper that is told a text.
        size_px: side of its generator's pictures.

    Raises:
        BadCheckpoint: it is none, or of another kind than is said.
        BadConfig: the texts are missing.
    """
    import torch

    from unripple.zoo.containers import read_container
    from unripple.zoo.layouts import Misplaced
    from unripple.zoo.networks import choose_network, fitted
    from unripple.zoo.text_layouts import NONE, mapper_state, takes_text, with_vectors

    content = read_container(source)
    remedy = "name a training of a mapper, and by --texts and --vectors what it was told"
    try:
        state = mapper_state(content)
        if not takes_text(state):
            texts, vectors = texts or _described(content, source), NONE
        if texts is None:
            raise BadConfig("--texts: this mapper was told texts; name the file that lists them")
        whole = with_vectors(state, vectors, texts)
    except Misplaced as error:
        raise BadCheckpoint(f"{source}: {error}; {remedy}") from error
    network = choose_network(_MAPPER, {}, state, f"{source}", remedy)
    fitted(_MAPPER, network, state, f"{source}", remedy)
    about = {"role": _MAPPER, "network": network, "size": size_px, "vectors": vectors}
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = atomic.temporary_name(out)
    try:
        write_state(
            temporary,
            {key: value.to(torch.float32).contiguous() for key, value in whole.items()},
            {**about, "texts": dict(texts)},
        )
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _described(content: Any, source: Path) -> dict[str, str]:
    """The text that a training of one mapper was for, as its options say."""
    told = content.get("opts") if isinstance(content, Mapping) else None
    text = told.get("description") if isinstance(told, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        raise BadConfig(f"--texts: {source} does not say what it was trained for; name a file")
    return {"trained": text}
