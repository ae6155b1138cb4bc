"""optimise: the photo's own codes, or styles, go on until CLIP sees the text in their picture.

The published optimisation, with two differences. CLIP sees each picture in several views, moved and
cut a little, since otherwise it is fooled by patterns that nobody sees. And the loss of a step is
that of the codes it ends with: the published first step has a rate of 0, and its last is not drawn.
It keeps a draft, so that one that was killed goes on to the very same codes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unripple.stages.families.text import reader_of
from unripple.stages.interface import Work
from unripple.stages.project import Projected
from unripple.stages.texts import TextMethod, TextSettings
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from torch import Tensor

RATE, WARM, COOL = 0.1, 0.05, 0.25
"""The learning rate, and the shares of the steps in which it rises and falls."""

VIEWS = 4
DRAFT_S = 10.0
ROLES = ("clip", "generator", "identity")


def rate_at(step: int, steps: int) -> float:
    """Adam's rate: up a line, flat, down half a cosine.

    Source: get_lr of optimization/run_optimization.py of orpatashnik/StyleCLIP (MIT).
    """
    t = step / steps
    down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / COOL))
    return RATE * down * min(1.0, t / WARM)


def follow(work: Work, asked: TextSettings) -> Translated:
    """The codes, or the step of their styles, after `steps` of Adam, times the strength."""
    import numpy as np
    import torch

    generator = work.load("generator").net
    start = work.input(Projected, "project").w_plus
    device = next(generator.parameters()).device
    w_plus = torch.from_numpy(start.astype(np.float32))[None].to(device)
    in_styles = asked.space == "s"
    origin = generator.styles(w_plus) if in_styles else [w_plus]
    found = _optimised(work, asked, generator, [part.detach() for part in origin])
    step = [asked.strength * part for part in found]
    if in_styles:
        styles = torch.cat([part[0] for part in step])
        return Translated(start, {"turn": False}, styles.cpu().numpy())
    return Translated(start + step[0][0].cpu().numpy(), {"turn": False})


def _optimised(work: Work, asked: TextSettings, generator: Any, origin: list[Tensor]) -> list[Any]:
    """How far each part of the codes or styles went."""
    import torch

    loss = _Loss(work, asked, generator, origin)
    moves = [torch.zeros_like(part).requires_grad_() for part in origin]
    # RGB layers' styles stay, as published.
    learned = [part for i, part in enumerate(moves) if len(moves) == 1 or i % 3 != 1]
    adam = torch.optim.Adam(learned, lr=RATE)
    begun = _restore(work, moves, learned, adam)
    saved = time.monotonic()
    for step in range(begun, asked.steps):
        adam.param_groups[0]["lr"] = rate_at(step, asked.steps)
        adam.zero_grad()
        with torch.enable_grad():
            value = loss.of(moves, step)
            value.backward()  # type: ignore[no-untyped-call]
        adam.step()
        work.on_progress(step + 1, asked.steps, float(value.detach()))
        if time.monotonic() - saved >= DRAFT_S:
            _save(work, moves, learned, adam, step + 1)
            saved = time.monotonic()
    return [part.detach() for part in moves]


class _Loss:
    """What is minimised: how badly views fit the text, how far the codes went, who it is."""

    def __init__(
        self, work: Work, asked: TextSettings, generator: Any, origin: list[Tensor]
    ) -> None:
        import torch

        from unripple.models.clip import text_loss
        from unripple.models.clip_text import templates_of
        from unripple.models.irse import crop_for_identity
        from unripple.ops.style_directions import mean_text

        self.asked, self.generator, self.origin = asked, generator, origin
        self.reader, self.lead = reader_of(work), text_loss
        templates = templates_of(asked.templates)
        self.text = mean_text(self.reader.read(asked.text, templates, said_by="text"))
        person = work.load("identity").net
        self.identify: Callable[[Tensor], Tensor] = lambda pictures: person(
            crop_for_identity(pictures, person.input_size)
        )
        with torch.no_grad():
            self.before = self.identify(self._drawn(origin))

    def _drawn(self, parts: list[Tensor]) -> Tensor:
        in_styles = len(parts) > 1
        drawn: Tensor = (
            self.generator.render(parts) if in_styles else self.generator.synthesize(parts[0])
        )
        return drawn

    def of(self, moves: list[Tensor], step: int) -> Tensor:
        """The loss of a step, a scalar; its views depend on the step's number alone."""
        parts = [part + move for part, move in zip(self.origin, moves, strict=True)]
        picture = self._drawn(parts)
        text = self.lead(self.reader.net, views(picture, step), self.text[None]).mean()
        near = sum(move.square().sum() for move in moves)
        same = 1 - (self.identify(picture) * self.before).sum(1).mean()
        total: Tensor = text + self.asked.near * near + self.asked.identity * same
        return total


def views(picture: Tensor, step: int) -> Tensor:
    """The picture [1, 3, S, S] and `VIEWS - 1` others, moved and enlarged a little at random."""
    import torch
    import torch.nn.functional as F

    rng = torch.Generator().manual_seed(step)
    count = VIEWS - 1
    scale = 1 - 0.15 * torch.rand(count, generator=rng)
    shift = (torch.rand(count, 2, generator=rng) - 0.5) * 0.2
    affine = torch.zeros(count, 2, 3)
    affine[:, 0, 0] = affine[:, 1, 1] = scale
    affine[:, :, 2] = shift
    several = picture.expand(count, -1, -1, -1)
    grid = F.affine_grid(affine.to(picture), list(several.shape), align_corners=False)
    moved = F.grid_sample(several, grid, padding_mode="reflection", align_corners=False)
    return torch.cat((picture, moved))


def _save(work: Work, moves: list[Tensor], learned: list[Tensor], adam: Any, done: int) -> None:
    arrays: dict[str, Any] = {"done": done}
    arrays |= {f"move_{i}": part.detach().cpu().numpy() for i, part in enumerate(moves)}
    for i, part in enumerate(learned):
        state = adam.state[part]
        arrays |= {f"{name}_{i}": state[name].cpu().numpy() for name in ("exp_avg", "exp_avg_sq")}
    work.draft.save(arrays)


def _restore(work: Work, moves: list[Tensor], learned: list[Tensor], adam: Any) -> int:
    """Take up a draft; how many steps were done."""
    import torch

    kept = work.draft.load()
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
    return done


METHOD = TextMethod(
    name="optimise",
    help="the photo's own codes or styles, step by step (minutes)",
    roles=ROLES,
    follow=follow,
    strength=1.0,
    uses=("templates", "steps", "space", "near", "identity"),
    rank=3,
)
