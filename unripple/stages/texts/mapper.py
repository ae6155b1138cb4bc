"""mapper: a network trained for some texts says for every photo how its codes go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unripple.conventions import BadText
from unripple.stages.interface import Model, Work
from unripple.stages.project import Projected
from unripple.stages.texts import TextMethod, TextSettings
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

ROLES = ("clip", "generator", "mapper")
VECTORS = "text_vectors"
"""In a mapper's file: the vectors of the texts that it knows by number."""


def follow(work: Work, asked: TextSettings) -> Translated:
    """The codes, or the step of their styles, where the mapper wants them for this text."""
    import numpy as np
    import torch

    from unripple.models.mapper import STEP, StyleMapper, moved

    model = work.load("mapper")
    start = work.input(Projected, "project").w_plus
    with torch.no_grad():
        w_plus = torch.from_numpy(start.astype(np.float32))[None]
        if isinstance(model.net, StyleMapper):
            _known(model, asked.text)
            moves = model.net(work.load("generator").net.styles(w_plus))
            joined = asked.strength * STEP * torch.cat([move[0] for move in moves])
            return Translated(start, {"turn": False}, joined.cpu().numpy())
        vector = vector_of(work, model, asked.text) if model.net.takes_text else None
        if vector is None:
            _known(model, asked.text)
        found = moved(model.net, w_plus, vector, strength=asked.strength)
    return Translated(found[0].cpu().numpy(), {"turn": False})


def vector_of(work: Work, model: Model, text: str) -> Tensor:
    """The vector of a text for a mapper, [1, W].

    It is CLIP's own, of no certain length, or the sum of those that belong to the texts in the
    file, which are said by name or in full, several with ` + ` between them.

    Raises:
        BadText: the mapper does not know it.
    """
    from unripple.stages.families.text import reader_of

    if VECTORS not in model.extras:
        return reader_of(work).read(text, ("{}",))
    table: Any = model.extras[VECTORS]
    rows = [_known(model, one) for one in text.split(" + ")]
    total: Tensor = table[rows].sum(0, keepdim=True)
    return total


def _known(model: Model, text: str) -> int:
    """The number of a text in the mapper's file, which names it `{name: text}`.

    Raises:
        BadText: it is none of them.
    """
    texts = model.metadata.get("texts", {})
    for number, (name, full) in enumerate(texts.items()):
        if text.casefold() in (name.casefold(), full.casefold()):
            return number
    known = "; ".join(f"{name}: {full}" for name, full in texts.items())
    raise BadText(f"text: {model.path} was not trained for {text!r}; it knows {known or 'none'}")


METHOD = TextMethod(
    name="mapper",
    help="a network trained for some texts (models.mapper)",
    roles=ROLES,
    follow=follow,
    strength=1.0,
    rank=4,
)
