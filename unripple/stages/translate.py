"""translate: move codes along a direction, to a place on a component, or as texts ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from unripple.conventions import LEVELS, BadText, Floats, Photo, ShapeMismatch, WPlus
from unripple.ops.latents import Component, is_turn, moved_along, moved_to
from unripple.stages.families import FAMILIES
from unripple.stages.interface import DRAWN, Draft, Plan, Settings, Stage, Values, Work, knob
from unripple.stages.inverters import INVERTERS
from unripple.stages.project import Projected
from unripple.stages.texts import TEXTS, Start, TextSettings, decide_text


class Translated(NamedTuple):
    """The parts of this stage.

    Attributes:
        w_plus: the moved codes, float32 [L, W].
        about: `turn` says whether the edit turns the head and nothing else; of a text also how well
            faces fit it before and after one degree, and how many channels move; of several texts
            `texts` is a list of that.
        styles: what is added to the styles of these codes, float32 [S], see `models.style_moves`;
            None where codes alone move.
        guide: the moved guide, likewise; None where `project` gives none.
        iterates: what an optimisation came by, side by side, uint8 [S, n * S, 3]; None without.
    """

    w_plus: WPlus
    about: Mapping[str, Any]
    styles: Floats | None = None
    guide: WPlus | None = None
    iterates: Photo | None = None


@dataclass(frozen=True, kw_only=True)
class TranslateSettings(Settings):
    """Where to go, the edit says: along `moves`, by a translation, or where a text leads."""

    first_code: int = knob(0, "first code that moves", minimum=0, maximum=1000)
    end_code: int | None = knob(
        None, "code before which to stop; null moves all", minimum=1, maximum=1000
    )
    batch: int = knob(
        1, "photos that a text optimises at once, on a GPU alone", minimum=1, maximum=1024
    )
    moves: Mapping[str, float] = field(default_factory=dict)
    text: Mapping[str, Any] | None = None
    chain: Sequence[Mapping[str, Any]] = ()


def translate(
    w_plus: WPlus,
    direction: Floats | Component,
    degree: float,
    *,
    first_code: int = 0,
    end_code: int | None = None,
) -> WPlus:
    """Move some of the codes; the others keep their bits.

    Args:
        w_plus: float32 [L, W].
        direction: [W] for every code alike, or [L, W]; or a GANSpace component.
        degree: along a direction how far to go, in lengths of it, where 0 changes nothing; on a
            component the place to go to, in standard deviations from the mean.
        first_code, end_code: the codes that move, as in a slice. Early ones hold pose and shape,
            late ones colour.

    Returns:
        float32 [L, W].

    Raises:
        ShapeMismatch: direction, component or codes belong to another generator.
    """
    codes = w_plus.shape[-2]
    if not 0 <= first_code < (codes if end_code is None else end_code) <= codes:
        raise ShapeMismatch(
            f"codes {first_code} to {'the last' if end_code is None else end_code} are to move, "
            f"and this generator has {codes}: first_code is at most {codes - 1}, end_code {codes}"
        )
    if not isinstance(direction, Component):
        return moved_along(w_plus, direction, degree, first_code=first_code, end_code=end_code)
    end = w_plus.shape[0] if end_code is None else end_code
    return moved_to(w_plus, direction, degree, first_code=first_code, end_code=end)


def run(work: Work, settings: TranslateSettings) -> Translated:
    """Move the codes along the edit's directions, one after the other, by its translation, or as
    its text asks."""
    w_plus, guide = work.input(Projected, "project")
    if texts := texts_of(settings):
        *_, found = follow_texts(work, texts, w_plus)
        if guide is None:
            return found
        if any(text.apart for text in texts):
            *_, apart = follow_texts(work, texts, guide)
            return found._replace(guide=apart.w_plus)
        return found._replace(guide=guide + (found.w_plus - w_plus))
    codes = _moved(work, settings, w_plus)
    # Not every family adds the same to any codes, so the guide goes the whole way by itself.
    led = None if guide is None else _moved(work, settings, guide)
    turn = work.offset is None and is_turn(settings.moves)
    return Translated(codes, {"turn": turn}, _styles(work, settings), led)


def texts_of(settings: TranslateSettings) -> list[TextSettings]:
    """The texts that a job follows, in their order."""
    texts = settings.chain if settings.text is None else (settings.text,)
    return [TextSettings.of(text) for text in texts]


def follow_texts(work: Work, texts: Sequence[TextSettings], w_plus: WPlus) -> Iterator[Translated]:
    """Follow one text after the other, each from where the one before it came to.

    Args:
        work: the photo's.
        texts: in their order.
        w_plus: the photo's codes, float32 [L, W].

    Yields:
        Where each came to; those that a draft has are left out.
    """
    at = Translated(w_plus, {})
    told: list[Mapping[str, Any]] = []
    kept = work.draft.load()
    if (
        kept is not None and "told" in kept
    ):  # what the texts before the one that was stopped came to
        styles = kept["start_styles"]
        at = Translated(kept["start_w_plus"], {}, styles if styles.size else None)
        told = json.loads(kept["told"].tobytes())
    for number, asked in enumerate(texts[len(told) :], start=len(told)):
        start = Start(at.w_plus, at.styles, _LinkDraft(work.draft, number, at, told))
        found = TEXTS[asked.method].follow(work, asked, start)
        at = _levelled(asked, start, found)
        told = [*told, found.about]
        about = dict(told[0]) if len(texts) == 1 else {"texts": told}
        yield at._replace(about={"turn": False, **about})


class _LinkDraft:
    """The draft of one text of several; with it is kept what those before it came to."""

    def __init__(
        self, draft: Draft, number: int, start: Translated, told: Sequence[Mapping[str, Any]]
    ) -> None:
        self._draft, self._number = draft, number
        self._start: dict[str, Any] = {
            "number": number,
            "start_w_plus": start.w_plus,
            "start_styles": np.zeros(0, np.float32) if start.styles is None else start.styles,
            "told": np.frombuffer(json.dumps(list(told)).encode(), np.uint8),
        }

    def load(self) -> Mapping[str, Any] | None:
        """What was saved of this text."""
        kept = self._draft.load()
        return kept if kept is not None and int(kept["number"]) == self._number else None

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Replace what was saved before."""
        self._draft.save({**arrays, **self._start})


def _levelled(asked: TextSettings, start: Start, found: Translated) -> Translated:
    """The same, but codes of levels that shall stay are as they were.

    Raises:
        BadText: styles move, which have no levels.
    """
    if asked.levels is None:
        return found
    if found.styles is not start.styles:
        raise BadText(
            f"levels: {asked.text!r} moves styles, and levels are of codes; leave levels out, or "
            "take a mapper of codes"
        )
    w_plus = start.w_plus.copy()
    for level in asked.levels:
        first, end = LEVELS[level]
        w_plus[first:end] = found.w_plus[first:end]
    return found._replace(w_plus=w_plus)


def run_together(works: Sequence[Work], settings: TranslateSettings) -> list[Translated]:
    """Likewise for several photos and a text that `batches` allows."""
    assert settings.text is not None
    asked = TextSettings.of(settings.text)
    together = TEXTS[asked.method].follow_together
    assert together is not None
    inputs = [work.input(Projected, "project") for work in works]
    starts = [
        Start(one.w_plus, None, _LinkDraft(work.draft, 0, Translated(one.w_plus, {}), []))
        for one, work in zip(inputs, works, strict=True)
    ]
    made = []
    for start, one, found in zip(starts, inputs, together(works, asked, starts), strict=True):
        at = _levelled(asked, start, found)
        guide = None if one.guide is None else one.guide + (at.w_plus - one.w_plus)
        made.append(at._replace(about={"turn": False, **found.about}, guide=guide))
    return made


def batches(settings: Values) -> bool:
    """Whether photos are worked on together: those of one text that is optimised."""
    text = settings.get("text")
    return text is not None and TEXTS[text["method"]].follow_together is not None


def _moved(work: Work, settings: TranslateSettings, w_plus: WPlus) -> WPlus:
    codes = settings.first_code, settings.end_code
    if work.offset is not None:
        return translate(w_plus, work.offset, 1.0, first_code=codes[0], end_code=codes[1])
    for name, degree in settings.moves.items():
        direction = work.direction(name)
        first, end = direction.codes or codes
        move = FAMILIES[direction.family].move
        w_plus = move(w_plus, direction, degree, first_code=first, end_code=end)
    return w_plus


def _styles(work: Work, settings: TranslateSettings) -> Floats | None:
    """What the directions of style space add up to."""
    total: Floats | None = None
    for name, degree in settings.moves.items() if work.offset is None else ():
        direction = work.direction(name)
        styles = FAMILIES[direction.family].styles
        if styles is None:
            continue
        step = styles(direction, degree)
        if total is not None and total.shape != step.shape:
            raise ShapeMismatch(
                f"direction {name}: it moves {list(step.shape)} styles and the one before it "
                f"{list(total.shape)}: they belong to two generators"
            )
        total = step if total is None else total + step
    return total


def decide(settings: Values, plan: Plan) -> dict[str, Any]:
    """Where to go."""
    plan.check_codes()
    if plan.edit is not None and plan.edit.translation:
        return {**settings, "translation": plan.edit.translation}
    texts = [] if plan.edit is None else [decide_text(text, plan) for text in plan.edit.texts]
    if _leads_apart(texts, plan):
        texts = [{**text, "apart": True} for text in texts]
    if len(texts) > 1:
        return {**settings, "chain": texts}
    if texts:
        return {**settings, "text": texts[0]}
    return {**settings, "moves": plan.moves}


def _leads_apart(texts: Sequence[Values], plan: Plan) -> bool:
    """Whether a guide must follow the texts by itself: it would not be moved as the codes are.

    Where a text is optimised, which takes minutes and is no edit of the source, it moves with them.
    """
    methods = [TEXTS[text["method"]] for text in texts]
    led = INVERTERS[plan.config["invert"]["method"]].projector is not None
    slow = any(method.follow_together is not None for method in methods)
    return led and not slow and not all(method.additive for method in methods)


def roles(settings: Values) -> tuple[str, ...]:
    """None, but for texts those of their methods."""
    texts = settings.get("chain") or filter(None, [settings.get("text")])
    return tuple(dict.fromkeys(role for text in texts for role in text["roles"]))


STAGE = Stage(
    name="translate",
    help="move the codes along an edit's directions",
    version=2,
    run=run,
    outputs=Translated,
    settings=TranslateSettings,
    edit_inputs=("project",),
    shows="w_plus",
    roles=roles,
    recipes=DRAWN,
    decide=decide,
    reads_directions=True,
    aside=("batch",),
    run_together=run_together,
    batches=batches,
)
