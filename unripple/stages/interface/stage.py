"""A stage's declaration: all that is to be said of it, in its own module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from unripple.stages.interface.registry import Registry, always, as_given
from unripple.stages.interface.settings import Settings, knobs_of, section_schema
from unripple.stages.interface.work import Plan, Subject, Work

Values: TypeAlias = Mapping[str, Any]
"""Settings as a job carries them, plain values by key; they are part of the artifact's key."""
Artifact: TypeAlias = dict[str, Any]
"""A stage's outputs by part name."""

RIPPLE, CETERIS_PARIBUS, EXTERNAL = "ripple", "ceteris_paribus", "external"
"""The recipes."""
EVERY_RECIPE = (RIPPLE, CETERIS_PARIBUS, EXTERNAL)
DRAWN = (RIPPLE, CETERIS_PARIBUS)
"""Those whose edits a generator draws."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What has a word of its own: a command, and a section of the config.

    Attributes:
        name: the stage word: of its module, rule, command, section, results folder and test.
        help: what it does, for the command line.
        settings: what people may set, and what is decided for them.
        methods: registries of methods whose own settings are sections within its section.
    """

    name: str
    help: str
    settings: type[Settings] = Settings
    methods: Sequence[Registry[Any]] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """Its section of the config as JSON Schema."""
        own = {k: v for registry in self.methods for k, v in registry.own_settings().items()}
        return section_schema(self.settings, own)

    def chosen(self, section: Values) -> dict[str, Any]:
        """A section without the settings of methods that it does not choose: those decide
        nothing, so a new method changes no key of the others."""
        left_out: set[str] = set()
        for key, knob in knobs_of(self.settings).items():
            if any(knob.choices is one for one in self.methods):
                names = section[key] if isinstance(section[key], list) else [section[key]]
                left_out |= set(cast("Registry[Any]", knob.choices).own_settings()) - set(names)
        return {key: value for key, value in section.items() if key not in left_out}


@dataclass(frozen=True, kw_only=True)
class Stage(Declaration):
    """One stage that makes artifacts.

    An input is named `stage`, or `stage@photo` and `stage@edit` for a stage that looks at both.

    Attributes:
        version: raise it when the same inputs and settings shall give other bytes.
        run: (work, settings) -> outputs; align alone gives several, one per face.
        outputs: the named tuple of its parts, which are stored by these names.
        photo_inputs: inputs of the step for the photo; None if it has no such step.
        edit_inputs: inputs of the step for an edit; None if it has no such step.
        shows: the part that people look at first.
        photo_title, edit_title: captions of that part for the photo and for an edit; the stage
            word if there is none.
        in_strip: whether `Result.strip` shows that part, which must be as large as the crop.
        recipes: those that have it.
        roles: networks used, given the settings.
        borrows: settings that come from other sections of the config.
        decide: makes the settings of a job out of its section and of what it borrows.
        own: settings of one photo that replace the job's.
        leaves_open: whether the config leaves it to every photo's pixels to say more; or what it
            leaves to them, as settings that `settle` sees beside those of the job.
        settle: that; what it decides is kept, and replaces settings as `own` does.
        settle_roles: networks that `settle` asks.
        settle_version: raise it when it shall decide otherwise.
        aside: knobs, own or borrowed, that decide no bytes, or whose files do, and so are not in
            the settings.
        draws: whether a job with these settings reads a drawn domain.
        reads_photo: whether the photograph itself is an input.
        looks_at_photo: whether a job with these settings looks at the photograph, which its picture
            does not take the place of.
        reads_edited: whether a picture that somebody edited elsewhere is an input.
        reads_truth: whether what is known of the photo is an input.
        reads_directions: whether it asks for directions or translations by name.
        threads_alike: whether its networks, if they are large, make the same bytes on any number of
            threads.
        loads_late: whether networks are loaded only where they are asked, see `Work.shared`.
        marked: whether its colour pictures carry the mark of altered pictures.
        run_together: the same as `run` for several photos in one batch, where that pays.
        batches: whether it does, given the settings.
    """

    version: int
    run: Callable[[Work, Any], Any]
    outputs: type[tuple[Any, ...]]
    photo_inputs: tuple[str, ...] | None = None
    edit_inputs: tuple[str, ...] | None = None
    shows: str = "picture"
    photo_title: str = ""
    edit_title: str = ""
    in_strip: bool = False
    recipes: tuple[str, ...] = EVERY_RECIPE
    roles: Callable[[Values], tuple[str, ...]] = always(())
    borrows: Callable[[Values], Values] = always({})
    decide: Callable[[Values, Plan], Values] = as_given
    own: Callable[[Values, Subject], Values] = always({})
    leaves_open: Callable[[Values, Plan], bool | Values] = always(False)
    settle: Callable[[Work, Any], Values] | None = None
    settle_roles: tuple[str, ...] = ()
    settle_version: int = 1
    aside: tuple[str, ...] = ()
    draws: Callable[[Values], bool] = always(False)
    reads_photo: bool = False
    looks_at_photo: Callable[[Values], bool] = always(False)
    reads_edited: bool = False
    reads_truth: bool = False
    reads_directions: bool = False
    threads_alike: bool = False
    loads_late: bool = False
    marked: bool = False
    run_together: Callable[[Sequence[Work], Any], list[Any]] | None = None
    batches: Callable[[Values], bool] = always(True)

    @property
    def looks_at_both(self) -> bool:
        """Whether the stage has a step for the photo and one for each edit."""
        return self.photo_inputs is not None and self.edit_inputs is not None


def parts_of(outputs: tuple[Any, ...]) -> Artifact:
    """A stage's outputs as an artifact; parts that are None are left out."""
    named: Mapping[str, Any] = outputs._asdict()  # type: ignore[attr-defined]
    return {name: part for name, part in named.items() if part is not None}
