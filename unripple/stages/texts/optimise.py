"""optimise: the photo's own codes, or styles, go on until CLIP sees the text in their picture.

The published optimisation, with two differences. CLIP sees each picture in several views, moved and
cut a little, since otherwise it is fooled by patterns that nobody sees (`views: 1` does without).
And the loss of a step is that of the codes it ends with: the published first step has a rate of 0,
and its last is not drawn. It keeps a draft, so that one that was killed goes on to the very same
codes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadCheckpoint, Photo
from unripple.stages.families.text import reader_of
from unripple.stages.interface import Work
from unripple.stages.invert import restyled
from unripple.stages.texts import Start, TextMethod, TextSettings
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

RATE, WARM, COOL = 0.1, 0.05, 0.25
"""The learning rate, and the shares of the steps in which it rises and falls."""

MEAN = "mean"
"""The word of `start` for a face out of nothing: no photo holds it back."""

DRAFT_S = 10.0
ROLES = ("clip", "generator", "identity")


def rate_at(step: int, steps: int) -> float:
    """Adam's rate: up a line, flat, down half a cosine.

    Source: get_lr of optimization/run_optimization.py of orpatashnik/StyleCLIP (MIT).
    """
    t = step / steps
    down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / COOL))
    return RATE * down * min(1.0, t / WARM)


def follow(work: Work, asked: TextSettings, start: Start) -> Translated:
    """The codes, or the step of their styles, after `steps` of Adam, times the strength."""
    return follow_together([work], asked, [start])[0]


def follow_together(
    works: Sequence[Work], asked: TextSettings, starts: Sequence[Start]
) -> list[Translated]:
    """Several photos at once, each as if it were alone; draft and progress are the first one's."""
    import numpy as np
    import torch

    work, model = works[0], works[0].load("generator")
    # Texts before this one in a chain, of one photo then, may have moved its styles.
    generator = restyled(model.net, starts[0].styles)
    device = next(generator.parameters()).device
    begun = np.stack([one.w_plus.astype(np.float32) for one in starts])
    if asked.start == MEAN:
        begun[:] = _mean_code(model)
    w_plus = torch.from_numpy(begun).to(device)
    in_styles = asked.space == "s"
    origin = [part.detach() for part in generator.styles(w_plus)] if in_styles else [w_plus]
    drawing = _Drawing(model.net if in_styles else generator, origin)
    moves, seen = _optimised(work, asked, drawing, starts[0])
    made = []
    for number, start in enumerate(starts):
        step = [asked.strength * part[number].cpu().numpy() for part in moves]
        strip = _strip(drawing, [one[number] for one in seen], number) if seen else None
        codes, styles = begun[number], start.styles
        if in_styles:
            styles = start.with_styles(np.concatenate(step))
        else:
            codes = codes + step[0]
        made.append(Translated(codes, {}, styles, iterates=strip))
    return made


def _mean_code(model: Any) -> Any:
    """The code of the mean face.

    Raises:
        BadCheckpoint: the generator's file does not have it.
    """
    if "latent_avg" not in model.extras:
        raise BadCheckpoint(
            f"{model.path}: lacks `latent_avg`, the mean face that start: mean begins with; take a "
            "generator that has it, or start: photo"
        )
    return model.extras["latent_avg"].float().cpu().numpy()


@dataclass(frozen=True)
class _Drawing:
    """Draws the codes [B, L, W], or the styles, that some moves lead to from an origin."""

    generator: Any
    origin: Sequence[Tensor]

    def of(self, moves: Sequence[Tensor]) -> Tensor:
        parts = [part + move for part, move in zip(self.origin, moves, strict=True)]
        in_styles = len(parts) > 1
        drawn: Tensor = (
            self.generator.render(parts) if in_styles else self.generator.synthesize(parts[0])
        )
        return drawn

    def apart(self, joined: Tensor) -> list[Tensor]:
        """Moves of all photos out of one row of numbers for each, [B, D]."""
        import torch

        pieces = torch.split(joined, [part[0].numel() for part in self.origin], dim=1)
        return [piece.view_as(part) for piece, part in zip(pieces, self.origin, strict=True)]


def _optimised(
    work: Work, asked: TextSettings, drawing: _Drawing, start: Start
) -> tuple[list[Any], list[Any]]:
    """How far each part of the codes or styles went, and went by the way, [B, D] each."""
    import torch

    loss = _Loss(work, asked, drawing)
    moves = [torch.zeros_like(part).requires_grad_() for part in drawing.origin]
    # RGB layers' styles stay, as published.
    learned = [part for i, part in enumerate(moves) if len(moves) == 1 or i % 3 != 1]
    adam = torch.optim.Adam(learned, lr=RATE)
    seen: list[Tensor] = []
    begun = _restore(start, moves, learned, adam, seen)
    saved = time.monotonic()
    for step in range(begun, asked.steps):
        adam.param_groups[0]["lr"] = rate_at(step, asked.steps)
        adam.zero_grad()
        with torch.enable_grad():
            value = loss.of(moves, step)
            value.backward()  # type: ignore[no-untyped-call]
        adam.step()
        if asked.every and (step + 1) % asked.every == 0:
            seen.append(torch.cat([part.detach().flatten(1) for part in moves], dim=1))
        work.on_progress(step + 1, asked.steps, float(value.detach()))
        if time.monotonic() - saved >= DRAFT_S:
            _save(start, moves, learned, adam, seen, step + 1)
            saved = time.monotonic()
    return [part.detach() for part in moves], seen


def _strip(drawing: _Drawing, seen: Sequence[Tensor], number: int) -> Photo:
    """The pictures of one photo's iterates side by side, uint8 [S, n * S, 3]."""
    import numpy as np
    import torch

    from unripple.ops.tensors import to_photo

    own = _Drawing(drawing.generator, [part[number : number + 1] for part in drawing.origin])
    with torch.inference_mode():
        pictures = [to_photo(own.of(own.apart(one[None])).float().clamp(-1, 1)) for one in seen]
    return np.concatenate(pictures, axis=1)


class _Loss:
    """What is minimised: how badly views fit the text, how far the codes went, who it is."""

    def __init__(self, work: Work, asked: TextSettings, drawing: _Drawing) -> None:
        import torch

        from unripple.models.clip import text_loss
        from unripple.models.clip_text import templates_of
        from unripple.models.irse import crop_for_identity
        from unripple.ops.style_directions import mean_text

        self.asked, self.drawing = asked, drawing
        self.reader, self.lead = reader_of(work), text_loss
        templates = templates_of(asked.templates)
        self.text = mean_text(self.reader.read(asked.text, templates, said_by="text"))
        person = work.load("identity").net
        self.identify: Callable[[Tensor], Tensor] = lambda pictures: person(
            crop_for_identity(pictures, person.input_size)
        )
        with torch.no_grad():
            still = [torch.zeros_like(part) for part in drawing.origin]
            self.before = self.identify(drawing.of(still))

    def of(self, moves: Sequence[Tensor], step: int) -> Tensor:
        """The loss of a step, a scalar: the sum over photos, whose moves it ties together in
        nothing; its views depend on the step's number alone."""
        pictures = self.drawing.of(moves)
        seen = views(pictures, step, self.asked.views)
        text = self.lead(self.reader.net, seen, self.text[None])
        total: Tensor = text.sum() / self.asked.views
        if self.asked.start == MEAN:
            return total
        near = sum(move.square().sum() for move in moves)
        same = (1 - (self.identify(pictures) * self.before).sum(1)).sum()
        whole: Tensor = total + self.asked.near * near + self.asked.identity * same
        return whole


def views(pictures: Tensor, step: int, count: int = 4) -> Tensor:
    """Pictures [B, 3, S, S] and `count - 1` others of each, moved and enlarged a little at random,
    all of them in the same ways, [count * B, 3, S, S]."""
    import torch
    import torch.nn.functional as F

    rng = torch.Generator().manual_seed(step)
    scale = 1 - 0.15 * torch.rand(count - 1, generator=rng)
    shift = (torch.rand(count - 1, 2, generator=rng) - 0.5) * 0.2
    affine = torch.zeros(count - 1, 2, 3)
    affine[:, 0, 0] = affine[:, 1, 1] = scale
    affine[:, :, 2] = shift
    several = pictures.repeat(count - 1, 1, 1, 1)
    if count == 1:
        return pictures
    ways = affine.to(pictures).repeat_interleave(len(pictures), dim=0)
    grid = F.affine_grid(ways, list(several.shape), align_corners=False)
    moved = F.grid_sample(several, grid, padding_mode="reflection", align_corners=False)
    return torch.cat((pictures, moved))


def _save(
    start: Start,
    moves: Sequence[Tensor],
    learned: Sequence[Tensor],
    adam: Any,
    seen: Sequence[Tensor],
    done: int,
) -> None:
    arrays: dict[str, Any] = {"done": done}
    arrays |= {f"move_{i}": part.detach().cpu().numpy() for i, part in enumerate(moves)}
    arrays |= {f"seen_{i}": one.cpu().numpy() for i, one in enumerate(seen)}
    for i, part in enumerate(learned):
        state = adam.state[part]
        arrays |= {f"{name}_{i}": state[name].cpu().numpy() for name in ("exp_avg", "exp_avg_sq")}
    start.draft.save(arrays)


def _restore(
    start: Start, moves: list[Tensor], learned: Sequence[Tensor], adam: Any, seen: list[Tensor]
) -> int:
    """Take up a draft; how many steps were done."""
    import torch

    kept = start.draft.load()
    if kept is None:
        return 0
    done = int(kept["done"])
    with torch.no_grad():
        for i, part in enumerate(moves):
            part.copy_(torch.from_numpy(kept[f"move_{i}"]))
    for i, part in enumerate(learned):
        adam.state[part] = {
            "step": torch.tensor(float(done)),
            "exp_avg": torch.from_numpy(kept[f"exp_avg_{i}"]).to(part),
            "exp_avg_sq": torch.from_numpy(kept[f"exp_avg_sq_{i}"]).to(part),
        }
    count = sum(name.startswith("seen_") for name in kept)
    seen.extend(torch.from_numpy(kept[f"seen_{i}"]).to(moves[0]) for i in range(count))
    return done


METHOD = TextMethod(
    name="optimise",
    help="the photo's own codes or styles, step by step (minutes)",
    roles=ROLES,
    follow=follow,
    follow_together=follow_together,
    strength=1.0,
    uses=(
        "templates",
        "levels",
        "steps",
        "space",
        "near",
        "identity",
        "views",
        "start",
        "every",
    ),
    rank=3,
)
