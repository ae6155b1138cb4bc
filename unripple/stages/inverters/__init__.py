"""Inverters: who draws a photo, and its edits, from codes.

An inverter is a module here with a `METHOD`; `invert.method` names it. What it finds out about the
photo, its edits get as the outputs of `invert`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unripple.stages.interface import Method, Plan, Registry, Values, Work, always, as_given

if TYPE_CHECKING:
    from unripple.stages.edit import Edited, EditSettings
    from unripple.stages.invert import Inverted


@dataclass(frozen=True, kw_only=True)
class Inverter(Method):
    """An inverter.

    Attributes:
        invert: draws the photo again; gets `align` and `project`.
        edit: draws the edited codes; gets `align`, `translate` and `invert`.
        decide: of the settings of `invert`'s job those that matter to it.
        inverts_with: networks beside `roles` that no edit needs, given what `decide` left.
        projector: the one way of `stages.projectors` to the codes that it draws; None takes any.
        masks: whether its edit can leave what a mask keeps, see `stages.keeping`.
    """

    invert: Callable[[Work], Inverted]
    edit: Callable[[Work, EditSettings], Edited]
    decide: Callable[[Values, Plan], Values] = as_given
    inverts_with: Callable[[Values], tuple[str, ...]] = always(())
    projector: str | None = None
    masks: bool = False


INVERTERS = Registry(__name__, Inverter)
