"""A job: one step at one place with all that decides its bytes, so that its keys can be computed.

Jobs are built from the config and travel to shard jobs as JSON. Computing keys costs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unripple.conventions import BadCheckpoint, UnrippleError
from unripple.io.config import Config, Edit, check_degree, find_edit, library
from unripple.io.digest import file_sha256
from unripple.io.domains import domain_file, domains_folder
from unripple.io.results import PHOTO
from unripple.io.translations import Library
from unripple.pipeline.digests import direction_sha256, role_sha256
from unripple.pipeline.graph import Step, find_step
from unripple.pipeline.limits import DEFAULT, Limits
from unripple.pipeline.pixels import check_pixels_alone, only_on_pixels, words_of
from unripple.pipeline.turns import as_directions, check_generator_turns, turn_of
from unripple.stages.interface import RIPPLE
from unripple.stages.keeping import MASKS
from unripple.stages.pixels import ANY_SHAPE
from unripple.zoo.directions import find_direction
from unripple.zoo.pixel_directions import pixel_directions
from unripple.zoo.weights import size_px
from unripple.zoo.zoo import EMBEDDED, Zoo, chosen_directions, directions_path

NO_LIBRARY = Library()
NO_MASKS = "none"


@dataclass(frozen=True)
class Job:
    """One step at one place.

    Attributes:
        step: the stage, as it stands in its recipe.
        of: an edit's name, `PHOTO`, or None; see `Step.places`.
        settings: the stage's knobs and what it borrows; all of it goes into the keys.
        zoo: the networks; where they run is not part of any key.
        directions: "embedded", "published", or a file of directions.
        landmarks: a file of landmarks, for align.
        limits: what one photo may cost; not part of any key.
        library: where translations lie; what a photo is offered goes into its key.
        domain: the file of the edit's drawn domain, for mix.
        edited: the folder of what other programs edited, for register.
        batch: how many photos a GPU may do at once; not part of any key.
        keep: where masks of what edits leave alone lie, if their settings say so; a photo's mask
            goes into its key.
        settles: whether, or in what, every photo has a say in its settings, see `Stage.settle`.
        only: ids or names of the photos that get the edit, None for all; not part of any key.
    """

    step: Step
    of: str | None
    settings: Mapping[str, Any]
    zoo: Zoo
    directions: str = EMBEDDED
    landmarks: str | None = None
    limits: Limits = DEFAULT
    library: Library = NO_LIBRARY
    domain: Path | None = None
    edited: Path | None = None
    batch: int = 1
    keep: str = NO_MASKS
    settles: bool | Mapping[str, Any] = False
    only: tuple[str, ...] | None = None

    @cached_property
    def weights(self) -> dict[str, str]:
        """SHA-256 of the weights behind each role and direction used.

        Raises:
            BadCheckpoint, UnknownName: a file or a direction is missing.
        """
        return self._weights(self.settings)

    def _weights(self, settings: Mapping[str, Any]) -> dict[str, str]:
        for role in self.step.roles(settings):
            if role not in self._read:
                self._read[role] = role_sha256(self.zoo, role)
        digests = {role: self._read[role] for role in self.step.roles(settings)}
        for name in settings.get("moves", {}) if self.step.reads_directions else ():
            direction = find_direction(directions_path(self.directions), name)
            digests[f"direction {name}"] = direction_sha256(direction)
        for name in (*settings.get("pixels", {}), ANY_SHAPE) if "pixels" in settings else ():
            digests[f"direction {name}"] = direction_sha256(pixel_directions()[name])
        if self.domain is not None:
            digests["domain"] = file_sha256(self.domain)
        return digests

    @cached_property
    def _read(self) -> dict[str, str]:
        return {}

    def load(self, role: str) -> None:
        """Make sure that a network is ready, and is the one whose digest goes into the keys.

        Raises:
            BadCheckpoint: the file is missing or damaged, or was changed after this job began.
        """
        self.zoo.load(role)
        if role in self._read and role_sha256(self.zoo, role) != self._read[role]:
            raise BadCheckpoint(f"the weights of {role} changed while the job ran; run again")

    def ingredients(
        self, inputs: Mapping[str, str], own: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What an artifact is made from; its hash is the artifact's key.

        Args:
            inputs: artifact key, or SHA-256 of a file, by input name.
            own: settings of this one photo that replace the job's.
        """
        settings = {**self.settings, **(own or {})}
        return {
            "stage": self.step.stage,
            "version": self.step.version,
            "settings": settings,
            "weights": self._weights(settings) if own else self.weights,
            "inputs": dict(inputs),
        }

    def settled_by(self, inputs: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
        """What a photo's say in its settings is made from: inputs, and settings without it."""
        return {
            "stage": self.step.stage,
            "settles": self.step.settle_version,
            "settings": {**settings, **self.open_settings},
            "weights": {role: role_sha256(self.zoo, role) for role in self.step.settle_roles},
            "inputs": dict(inputs),
        }

    @property
    def open_settings(self) -> Mapping[str, Any]:
        """What every photo may have a say in, if anything is known of it."""
        return self.settles if isinstance(self.settles, Mapping) else {}

    def on_gpu(self) -> bool:
        """Whether the networks, which are loaded, compute on a GPU."""
        roles = self.step.roles(self.settings)
        return any(self.zoo.load(role).device.type == "cuda" for role in roles)

    def warnings(self) -> list[str]:
        """What to tell about the degrees that this job goes."""
        if not self.step.reads_directions:
            return []
        from unripple.pipeline.checks import settings_warnings

        return settings_warnings(self.settings, self.directions, self.zoo)

    def to_json(self) -> str:
        """The job as text, for the command line of a shard job."""
        content: dict[str, Any] = {"settings": self.settings, "limits": asdict(self.limits)}
        if self.step.roles(self.settings) or self.settles:
            content["models"] = self.zoo.models
        if self.step.reads_directions:
            content["directions"] = self.directions
        if self.step.recipe != RIPPLE:
            content["recipe"] = self.step.recipe
        if "translation" in self.settings:
            places = (self.library.defaults, self.library.own)
            content["library"] = [None if place is None else str(place) for place in places]
        if self.settings.get("keep") == MASKS:
            content["keep"] = self.keep
        given = {
            "landmarks": self.landmarks,
            "domain": None if self.domain is None else str(self.domain),
            "edited": None if self.edited is None else str(self.edited),
            "batch": None if self.batch == 1 else self.batch,
            "settles": self.settles or None,
            "only": None if self.only is None else list(self.only),
        }
        content |= {key: value for key, value in given.items() if value is not None}
        return json.dumps(content, sort_keys=True)

    @staticmethod
    def from_json(stage: str, of: str | None, text: str, device: str = "cpu") -> Job:
        """The job that `to_json` wrote.

        Raises:
            UnrippleError: the text is no job.
        """
        try:
            content = json.loads(text)
            zoo = Zoo(content.pop("models", EMBEDDED), device)
            limits = Limits(**content.pop("limits", {}))
            step = find_step(stage, content.pop("recipe", RIPPLE))
            defaults, own = (
                None if place is None else Path(place)
                for place in content.pop("library", (None, None))
            )
            domain, edited = (
                None if place is None else Path(place)
                for place in (content.pop("domain", None), content.pop("edited", None))
            )
            only = content.pop("only", None)
            return Job(
                step,
                of,
                zoo=zoo,
                limits=limits,
                library=Library(defaults, own),
                domain=domain,
                edited=edited,
                only=None if only is None else tuple(only),
                **content,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnrippleError(f"--job: {error}; rules write this option, see --config") from error


def job_from_config(
    config: Config, stage: str, of: str | None, zoo: Zoo, *, edit: Edit | None = None
) -> Job:
    """The job of a stage at a place.

    Args:
        config: a complete config.
        stage: the stage word.
        of: an edit's name, `PHOTO`, or None.
        zoo: the networks.
        edit: the edit, where it is not one of the config's.

    Raises:
        UnknownName: there is no such edit, or the stage has no step there.
        BadConfig: a degree is none, or codes are to move that the generator does not have.
        BadCheckpoint: the generator's or the encoder's file, which say how to crop, is missing.
    """
    step = find_step(stage, config["recipe"])
    step.inputs(of)
    if of in (None, PHOTO):
        edit = None
    elif edit is None:
        edit = find_edit(config, str(of))
    plan = Plan(config, zoo, edit)
    section = {**step.chosen(config[stage]), **step.borrows(config)}
    aside = {name: section.pop(name) for name in step.aside}
    if step.marked:
        section["digital_source_type"] = config["digital_source_type"]
    settings = step.decide(section, plan)
    return Job(
        step,
        of,
        settings,
        zoo,
        plan.directions,
        limits=Limits(**config["limits"]),
        library=library(config),
        domain=plan.drawing if step.draws(settings) else None,
        settles=step.leaves_open(config[stage], plan),
        edited=Path(config["edited"]) if step.reads_edited else None,
        only=edit.photos if edit is not None and step.reads_directions else None,
        **aside,
    )


@dataclass(frozen=True)
class Plan:
    """What decides a job's settings beside its section; see `stages.interface.Plan`.

    Attributes:
        config: a complete config.
        zoo: the networks.
        edit: the edit; None for what all edits of a photo share.
    """

    config: Config
    zoo: Zoo
    edit: Edit | None

    @cached_property
    def directions(self) -> str:
        """Where directions are looked for."""
        return chosen_directions(self.config["directions"], self.zoo)

    @cached_property
    def asked(self) -> dict[str, float]:
        """What the edit asks for: directions and turns in degrees.

        Raises:
            BadConfig: a degree is none.
        """
        moves = self.edit.moves if self.edit else ()
        return {name: check_degree(name, degree) for name, degree in moves}

    @property
    def moves(self) -> dict[str, float]:
        """The edit's directions and degrees, turns of the head among them as far as they can.

        Raises:
            BadConfig: a degree is none, or a turn is asked twice.
        """
        return self._latent[0]

    @cached_property
    def _latent(self) -> tuple[dict[str, float], tuple[str, ...]]:
        """What of the edit the generator has directions for, and the turns that it has none for."""
        latent = {name: by for name, by in self.asked.items() if name not in self.only_pixels}
        return as_directions(latent, directions_path(self.directions))

    @property
    def pixels(self) -> dict[str, float]:
        """What of the edit the photo's own pixels can do, turns aside, see `pipeline.pixels`."""
        return words_of(self.asked, self.edit.translation if self.edit else None)

    @cached_property
    def only_pixels(self) -> tuple[str, ...]:
        """Those words of `pixels` that the generator has no direction for."""
        return only_on_pixels(self.asked, directions_path(self.directions))

    def refuse_pixels(self, why: str) -> None:
        """Complain of them, where the generator would have to do them.

        Raises:
            BadConfig: see `check_pixels_alone`.
        """
        check_pixels_alone(self.only_pixels, why)

    @property
    def turn(self) -> dict[str, float]:
        """What the edit asks in degrees of the head, see `pipeline.turns`."""
        return turn_of(self.asked)

    @property
    def beyond_generator(self) -> tuple[str, ...]:
        """Those words of `turn` that no direction can do."""
        return self._latent[1]

    def require_generator(self, why: str) -> None:
        """Complain of turns that the generator would have to do and cannot.

        Raises:
            BadConfig: see `check_generator_turns`.
        """
        check_generator_turns(self.beyond_generator, why)

    @property
    def drawing(self) -> Path | None:
        """The file of the drawn domain of what the edit changes."""
        if self.edit is None:
            return None
        return domain_file(domains_folder(self.config["domains"]), self.edit.attribute)

    @property
    def has_drawing(self) -> bool:
        """Whether there is a drawn domain for the edit's characteristic."""
        return self.drawing is not None

    def has_model(self, role: str) -> bool:
        """Whether the chosen models have one for a role."""
        return self.zoo.has(role)

    def require_model(self, role: str) -> None:
        """Complain, if they have none.

        Raises:
            BadConfig: they have none.
        """
        self.zoo.choice(role)

    def is_published(self, role: str) -> bool:
        """Whether the model of a role is one of the published files."""
        return self.zoo.is_published(role)

    def metadata(self, role: str) -> Mapping[str, Any]:
        """What the file of a role says about itself."""
        return self.zoo.metadata(role)

    def size_px(self, role: str) -> int:
        """The side of a network's pictures, as its file says."""
        return size_px(self.zoo.metadata(role), self.zoo.path(role))

    def asked_turn_deg(self, moves: Mapping[str, float]) -> float | None:
        """By how much moves turn the head sideways; None if a direction does not say."""
        path = directions_path(self.directions)
        turns = [find_direction(path, name).yaw_per_degree for name in moves]
        if any(turn is None for turn in turns):
            return None
        return sum(turn * by for turn, by in zip(turns, moves.values(), strict=True) if turn)

    def check_codes(self) -> None:
        """Complain of codes that the generator does not have.

        Raises:
            BadConfig: see `check_codes`.
        """
        from unripple.pipeline.checks import check_codes

        check_codes(self.config, [self.edit] if self.edit else [], self.zoo)

    def settings_of(self, stage: str) -> Mapping[str, Any]:
        """The settings of another stage's job for the photo."""
        return job_from_config(self.config, stage, PHOTO, self.zoo).settings
