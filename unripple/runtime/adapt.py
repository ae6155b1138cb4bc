"""A face in another domain: HyperStyle's offsets on a generator that was fine-tuned to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from unripple.conventions import BadConfig, Photo
from unripple.io.config import Config, complete
from unripple.runtime.compute import Source
from unripple.runtime.editor import Editor
from unripple.stages.inverters import hyperstyle
from unripple.zoo.zoo import Zoo, embedded_variants

if TYPE_CHECKING:
    from unripple.models.stylegan2 import Generator

ROLE = "generator"
INVERTER = hyperstyle.METHOD.name
FIRST_LAYER = 14
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Where to, and how.

    Attributes:
        generator: `ink`, which is embedded, or the name of a published file (`toonify`,
            `pixar`, `sketch`, `disney_princess`), or a path.
        codes: the way to the codes that are drawn, a `project.method`; None: `restyle` where
            `models` has one, as published, and else the config's.
        first_layer: of which offsets are taken, see `hyperstyle.adapted`.
        noise: `random` (published), `stored` or `none`.
        seed: of random noise.
    """

    generator: str
    codes: str | None = None
    first_layer: int = FIRST_LAYER
    noise: Literal["random", "stored", "none"] = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no generator has.

        Raises:
            BadConfig: a layer or a seed below 0, or too large a seed.
        """
        if self.first_layer < 0:
            raise BadConfig(f"--first-layer {self.first_layer}: layers count from 0")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BadConfig(f"--seed {self.seed}: wanted 0 to {LARGEST_SEED}")


class Adapted(NamedTuple):
    """What came of a photo, pictures of the crop.

    Attributes:
        photo: the aligned photo, uint8 [S, S, 3].
        inverted: as its own tuned generator draws it, likewise.
        picture: as the domain's generator does, uint8 of that one's side.
    """

    photo: Photo
    inverted: Photo
    picture: Photo


def settings_of(config: Config | Mapping[str, Any]) -> Config:
    """A config whose inverter is HyperStyle, whatever it was."""
    return complete({**config, "invert": {**config.get("invert", {}), "method": INVERTER}})


def adapt(editor: Editor, photo: Source, domain: Domain) -> Adapted:
    """Draw a photo's face in another domain.

    Args:
        editor: made with `settings_of`; what it keeps of the photo serves further domains.
        photo: what `Editor.open` gave.
        domain: where to.

    Raises:
        UnknownName, BadConfig, BadCheckpoint: there is no such generator, or it is not related to
            that which the hypernetwork tunes.
        UnrippleError: the photo cannot be done.
    """
    generator = generator_of(editor.zoo, domain.generator)
    made: Any = editor.run(photo, "invert")
    hypernet: Any = editor.zoo.load("hypernet").net
    picture = hyperstyle.adapted(
        made["invert"]["layer_codes"],
        codes_of(editor, photo, domain),
        generator,
        hypernet,
        iterations=editor.config["invert"][INVERTER]["iterations"],
        first_layer=domain.first_layer,
        noise=domain.noise,
        seed=domain.seed,
    )
    return Adapted(made["align"]["picture"], made["invert"]["picture"], picture)


def codes_of(editor: Editor, photo: Source, domain: Domain) -> Any:
    """The codes to draw, float32 [L, W]."""
    own = editor.config["project"]["method"]
    method = domain.codes or ("restyle" if editor.zoo.has("restyle") else own)
    if method != own:
        project = {**editor.config["project"], "method": method}
        settings = {**editor.config, "project": project}
        editor = Editor(settings=settings, cache=editor.cache, zoo=editor.zoo)
    return editor.run(photo, "project")["project"]["w_plus"]


def generator_of(zoo: Zoo, name: str) -> Generator:
    """The generator of a domain, ready.

    Raises:
        UnknownName, BadConfig, BadCheckpoint: see `adapt`.
    """
    own = f"{ROLE}-{name}"
    model = zoo.load(f"{ROLE}:{own if own in embedded_variants() else name}")
    net: Any = model.net
    base: Any = zoo.load(ROLE).net
    if shapes_of(net) != shapes_of(base):
        raise BadConfig(
            f"--to {name}: {model.path} draws {net.size} px by other layers than the generator of "
            f"models.{ROLE}, {zoo.path(ROLE)} ({base.size} px); take one that was fine-tuned from "
            "it, or choose its relatives under models (docs/how-to/adapt.md)"
        )
    return net


def shapes_of(generator: Any) -> list[tuple[int, ...]]:
    """What must agree for codes and offsets to mean the same."""
    return [tuple(weight.shape) for weight in generator.state_dict().values()]
