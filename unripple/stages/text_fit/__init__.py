"""How well pictures fit the texts of an edit, and what a judge of attributes sees in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unripple.conventions import Photo
from unripple.metrics.text import TEXT_FIGURES
from unripple.stages.interface import Plan, Work

CLIP, JUDGE = "clip", "attributes"


def decide(plan: Plan) -> dict[str, Any]:
    """The texts of an edit and whom of CLIP and the judge the models have; {} for other edits."""
    texts = [] if plan.edit is None else plan.edit.texts
    if not texts:
        return {}
    words = ("text", "templates")
    judges = [role for role in (CLIP, JUDGE) if plan.has_model(role)]
    return {"texts": [{word: text[word] for word in words} for text in texts], "seen_by": judges}


def fit(
    work: Work,
    texts: Sequence[Mapping[str, Any]],
    seen_by: Sequence[str],
    pictures: Sequence[Photo],
) -> tuple[dict[str, float], dict[str, list[float]] | None]:
    """How a photo and what was made of it fit the texts, see `metrics.text`, and what a judge of
    attributes sees in both; of what nobody looks at, nothing."""
    told: dict[str, float] = {}
    if CLIP in seen_by:
        before, after = (float(one) for one in likeness(work, texts, pictures))
        told = dict(zip(TEXT_FIGURES, (before, after, after - before), strict=True))
    return told, attributes(work, pictures) if JUDGE in seen_by else None


def likeness(work: Work, texts: Sequence[Mapping[str, Any]], pictures: Sequence[Photo]) -> Any:
    """Mean cosine of each picture with the texts, as CLIP sees them: array [P]."""
    import torch

    from unripple.models.clip_text import templates_of
    from unripple.ops.style_directions import mean_text
    from unripple.ops.tensors import device_of, to_tensor
    from unripple.stages.families.text import reader_of

    reader = reader_of(work)
    with torch.inference_mode():
        said = [
            mean_text(reader.read(text["text"], templates_of(text["templates"]))) for text in texts
        ]
        device = device_of(reader.net)
        seen = torch.cat([reader.see(to_tensor(one, device=device)) for one in pictures])
        found = (seen @ torch.stack(said).T).mean(1)
    return found.cpu().numpy()


def attributes(work: Work, pictures: Sequence[Photo]) -> dict[str, list[float]]:
    """What the judge of attributes sees: name -> a value for each picture."""
    import torch
    import torch.nn.functional as F

    from unripple.ops.tensors import device_of, to_tensor

    judge = work.load(JUDGE)
    side = (judge.size_px, judge.size_px)
    with torch.inference_mode():
        seen = []
        for picture in pictures:
            looked = to_tensor(picture, device=device_of(judge.net))
            if tuple(looked.shape[-2:]) != side:
                looked = F.interpolate(looked, size=side, mode="area")
            seen.append(judge.net(looked)[0].float().cpu().numpy())
    columns = np.stack(seen, axis=1)  # [F, P]
    names = judge.metadata["factors"]
    return {
        str(name): [round(float(value), 4) for value in column]
        for name, column in zip(names, columns, strict=True)
    }
