"""mapper: a network trained for some texts says for every photo how its codes go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadText
from unripple.ops.words import JOINT, numbers_of
from unripple.stages.interface import Model, Plan, Work
from unripple.stages.invert import restyled
from unripple.stages.texts import MAPPER, Start, TextMethod, TextSettings
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

ROLES = ("clip", "generator", MAPPER)
CLIP = "clip"
"""Whose a mapper's vectors are: the word of `vectors` among what its file says, or none."""

VECTORS = "text_vectors"
"""In a mapper's file: the vectors of the texts that it knows by number."""


def follow(work: Work, asked: TextSettings, start: Start) -> Translated:
    """The codes, or the step of their styles, where the mapper wants them for this text."""
    import numpy as np
    import torch

    from unripple.models.mapper import STEP, StyleMapper, moved
    from unripple.ops.tensors import device_of

    model = work.load(f"{MAPPER}:{asked.mapper}" if asked.mapper else MAPPER)
    with torch.no_grad():
        w_plus = torch.from_numpy(start.w_plus.astype(np.float32))[None].to(device_of(model.net))
        if isinstance(model.net, StyleMapper):
            _known(model, asked.text)
            generator = restyled(work.load("generator").net, start.styles)
            moves = model.net(generator.styles(w_plus))
            step = asked.strength * STEP * torch.cat([move[0] for move in moves])
            return Translated(start.w_plus, {}, start.with_styles(step.cpu().numpy()))
        vector = vector_of(work, model, asked.text) if model.net.takes_text else None
        if vector is None:
            _known(model, asked.text)
        found = moved(model.net, w_plus, vector, strength=asked.strength)
    return Translated(found[0].cpu().numpy(), {}, start.styles)


def vector_of(work: Work, model: Model, text: str) -> Tensor:
    """The vector of a text for a mapper, or the sum of those of several with ` + ` between them,
    [1, W].

    A text in the mapper's file is said by name or in full. Its vector is the file's, or else
    CLIP's own, of no certain length; that there may be of any text.

    Raises:
        BadText: the mapper does not know it.
    """
    from unripple.ops.tensors import device_of
    from unripple.stages.families.text import reader_of

    if VECTORS in model.extras:
        table: Any = model.extras[VECTORS]
        of_known: Tensor = table[_known(model, text)].sum(0, keepdim=True)
        return of_known.to(device_of(model.net))
    texts = model.metadata.get("texts", {})
    said = [texts.get(one, one) for one in text.split(JOINT)]
    reader = reader_of(work)
    total: Tensor = sum(reader.read(one, ("{}",)) for one in said)  # type: ignore[assignment]
    return total


def _known(model: Model, text: str) -> list[int]:
    """The numbers of some texts in the mapper's file, which names them `{name: text}`.

    Raises:
        BadText: one is none of them.
    """
    texts = model.metadata.get("texts", {})
    numbers = numbers_of(text, texts)
    if None in numbers:
        wrong = text.split(JOINT)[numbers.index(None)]
        known = "; ".join(f"{name}: {full}" for name, full in texts.items())
        raise BadText(
            f"text: {model.path} was not trained for {wrong!r}; it knows {known or 'none'}"
        )
    return [number for number in numbers if number is not None]


def needs(method: TextMethod, text: Mapping[str, Any], plan: Plan) -> list[str]:
    """The mapper that the edit names, and CLIP where its vectors are not the mapper's own.

    Raises:
        BadConfig: there is no mapper.
        BadCheckpoint: its file is missing.
    """
    own = f"{MAPPER}:{text['mapper']}" if text.get("mapper") else MAPPER
    plan.require_model(own)
    about = plan.metadata(own)
    left_out = (MAPPER,) if about.get("vectors", CLIP) == CLIP else (MAPPER, "clip")
    return [*(role for role in method.roles if role not in left_out), own]


METHOD = TextMethod(
    name="mapper",
    help="a network trained for some texts (models.mapper)",
    roles=ROLES,
    follow=follow,
    needs=needs,
    strength=1.0,
    uses=("levels", "mapper"),
    additive=False,
    rank=4,
)
