"""What a stage declares is what every road goes by: schema, config.yaml, networks, recipes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from unripple.conventions import UnknownName
from unripple.io.config import default_config
from unripple.paths import config_schema
from unripple.pipeline.config_schema import with_stage_sections
from unripple.pipeline.graph import DECLARATIONS, DECLARED, RECIPES
from unripple.stages.composers import COMPOSERS
from unripple.stages.encoders import ENCODERS
from unripple.stages.families import FAMILIES
from unripple.stages.finders import FINDERS
from unripple.stages.interface import (
    Declaration,
    Method,
    Registry,
    Settings,
    knob,
    knobs_of,
    section_schema,
)
from unripple.stages.inverters import INVERTERS
from unripple.stages.mixes import MIXES
from unripple.stages.painters import PAINTERS
from unripple.stages.parsers import PARSERS
from unripple.stages.projectors import PROJECTORS
from unripple.stages.texts import TEXTS
from unripple.stages.turns import TURNS
from unripple.zoo.networks import NETWORKS_OF
from unripple.zoo.zoo import MTCNN, PUBLISHED_ROLES, ROLES

REGISTRIES = (
    COMPOSERS,
    ENCODERS,
    FAMILIES,
    FINDERS,
    INVERTERS,
    MIXES,
    PAINTERS,
    PARSERS,
    PROJECTORS,
    TEXTS,
    TURNS,
)


def test_the_schema_is_the_one_that_the_declarations_give() -> None:
    text = config_schema().read_text()
    assert with_stage_sections(text) == text, "run python -m unripple.pipeline.config_schema"


def commented(text: str) -> Iterator[tuple[str, str]]:
    """The keys of config.yaml, dotted, with what their comments say."""
    path: list[tuple[int, str]] = []
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key = re.match(r"( *)([a-z_]+):", line)
        comment = re.search(r"(?:^|\s)#\s*(.*)$", line)
        if key:
            path = [one for one in path if one[0] < len(key[1])] + [(len(key[1]), key[2])]
            found[".".join(word for _, word in path)] = [comment[1]] if comment else []
        elif comment and path and line.index("#") > path[-1][0] + 4:
            found[".".join(word for _, word in path)].append(comment[1])
    for name, words in found.items():
        yield name, " ".join(words)


def declared_knobs() -> Iterator[tuple[str, str]]:
    for name, stage in DECLARATIONS.items():
        inner = {f"{name}.{k}": v for one in stage.methods for k, v in one.own_settings().items()}
        for section, settings in {name: stage.settings, **inner}.items():
            for key, one in knobs_of(settings).items():
                yield f"{section}.{key}", one.help


def test_config_yaml_says_of_a_knob_what_its_declaration_says(repo: Path) -> None:
    said = dict(commented((repo / "config.yaml").read_text()))
    for name, about in declared_knobs():
        assert said[name] == about, name


@pytest.mark.parametrize("name", DECLARED)
def test_a_stage_shows_a_part_that_it_makes(name: str) -> None:
    stage = DECLARED[name]
    assert stage.name == name and stage.help
    assert stage.shows in stage.outputs._fields  # type: ignore[attr-defined]
    assert set(stage.aside) <= {*knobs_of(stage.settings), *stage.borrows(default_config())}
    for names in (stage.photo_inputs, stage.edit_inputs):
        assert {one.partition("@")[0] for one in names or ()} <= set(DECLARED)


@pytest.mark.parametrize("name", DECLARED)
def test_settings_left_out_are_the_config_s_defaults(name: str) -> None:
    section: dict[str, Any] = default_config()[name]
    for settings in (Settings.of({}), DECLARED[name].settings.of({})):
        for one in fields(settings):
            if one.name in section:
                wanted, found = section[one.name], getattr(settings, one.name)
                assert found == (tuple(wanted) if isinstance(wanted, list) else wanted)


def test_recipes_differ_in_inputs_and_settings_alone() -> None:
    for steps in RECIPES.values():
        for name, step in steps.items():
            declared = vars(DECLARED[name])
            differing = {key for key in declared if getattr(step, key) != declared[key]}
            assert differing <= {"edit_inputs", "borrows"}


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda one: one._kind.__name__)
def test_methods_are_found_by_name_and_use_networks_that_there_are(registry: Registry[Any]) -> None:
    assert len(registry) >= 2 and list(registry) == [one.name for one in registry.values()]
    for method in registry.values():
        assert set(method.roles) <= {*ROLES, *PUBLISHED_ROLES, MTCNN} and method.help
    with pytest.raises(UnknownName, match=r"no [a-z]+ 'nobody'; known: "):
        registry["nobody"]


def test_every_network_that_may_parse_or_encode_is_known() -> None:
    assert set(PARSERS) == set(NETWORKS_OF["parser"])
    assert set(ENCODERS) == set(NETWORKS_OF["encoder"])


@dataclass(frozen=True, kw_only=True)
class OneOf(Settings):
    method: str = knob("pti", "")


def test_a_method_costs_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "inverters_of_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "sfe.py").write_text(
        "from dataclasses import dataclass\n"
        "from unripple.stages.interface import Method, Settings, knob\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class SfeSettings(Settings):\n"
        "    mask_px: float = knob(3, 'how soft', above=0, maximum=9)\n"
        "METHOD = Method(name='sfe', roles=('hfgi',), settings=SfeSettings)\n"
    )
    (folder / "pti.py").write_text(
        "from unripple.stages.interface import Method\nMETHOD = Method(name='pti', rank=1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found: Registry[Method] = Registry("inverters_of_test", Method)
    assert list(found) == ["pti", "sfe"]
    section = section_schema(Settings, found.own_settings())
    assert section["properties"]["sfe"]["properties"]["mask_px"] == {
        "type": "number",
        "default": 3,
        "exclusiveMinimum": 0,
        "maximum": 9,
        "description": "how soft",
    }
    stage = Declaration(name="invert", help="", settings=OneOf, methods=(found,))
    object.__setattr__(knobs_of(OneOf)["method"], "choices", found)
    plain = {"method": "pti", "sfe": {"mask_px": 3.0}}
    assert stage.chosen(plain) == {"method": "pti"}
    chosen = stage.chosen({**plain, "method": "sfe"})
    assert chosen == {**plain, "method": "sfe"} and found["sfe"].own(chosen).mask_px == 3.0
    with pytest.raises(UnknownName, match="no method 'sfa'; did you mean 'sfe'"):
        found["sfa"]


def test_declarations_cost_no_torch() -> None:
    heavy = "{'torch', 'scipy', 'sklearn', 'jinja2', 'timm'}"
    code = f"import sys, unripple.cli.stages; print({heavy} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
