"""The config is closed, completed with defaults, and complains plainly."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from unripple.conventions import STAGES, BadConfig, UnknownName
from unripple.io.config import (
    Edit,
    complete,
    default_config,
    edits,
    find_edit,
    read_config,
    schema,
)
from unripple.stages.finders import FINDERS


def test_the_schema_is_a_json_schema_that_the_config_fits(repo: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(yaml.safe_load((repo / "config.yaml").read_text()), schema())


def test_config_yaml_repeats_the_defaults(repo: Path) -> None:
    written = yaml.safe_load((repo / "config.yaml").read_text())
    assert complete(written) == default_config()
    for section, knobs in default_config().items():
        assert section in written
        if isinstance(knobs, dict):
            assert written[section].keys() == knobs.keys()


def test_sections_stand_in_running_order(repo: Path) -> None:
    written = yaml.safe_load((repo / "config.yaml").read_text())
    assert [key for key in written if key in STAGES] == list(STAGES)


def test_a_complete_config_stays_as_it_is() -> None:
    assert complete(default_config()) == default_config()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"inpant": {}}, "config: unknown key 'inpant'; did you mean 'inpaint'?"),
        (
            {"inpaint": {"growpx": 3}},
            "config: inpaint: unknown key 'growpx'; did you mean 'grow_px'?",
        ),
        (
            {"inpaint": {"grow_px": "wide"}},
            "config: inpaint.grow_px must be a number, found a text: 'wide'",
        ),
        ({"inpaint": {"grow_px": -1}}, "config: inpaint.grow_px must be at least 0, found -1"),
        ({"inpaint": {"grow_px": True}}, "must be a number, found true or false: True"),
        ({"inpaint": 3}, "config: inpaint must be a section (key: value), found a whole number: 3"),
        (
            {"align": {"mode": "embeded"}},
            "config: align.mode must be one of auto, embedded, mtcnn, file, aligned, found "
            "'embeded'; did you mean 'embedded'?",
        ),
        ({"models": "Mine!"}, "config: models: 'Mine!' does not fit: `embedded`, `published` or"),
        ({"models": {"generatr": "x"}}, "unknown key 'generatr'; did you mean 'generator'?"),
        ({"edits": [{"direction": "pose", "degree": 1}]}, "config: edits[0] lacks the key 'name'"),
        ({"edits": [{"name": "Look left"}]}, "a name starts with a letter"),
        ({"edits": [{"name": "a", "direction": "pose"}]}, "needs `direction` and `degree`"),
        ({"edits": [{"name": "photo", "direction": "pose", "degree": 1}]}, "unedited photo"),
        (
            {"edits": [{"name": "a", "direction": "pose", "degree": n} for n in (1, 2)]},
            "two edits are called 'a'",
        ),
        ({"photos": None}, "config: photos must be a text, found null"),
        ({"report": {"height_px": 2.5}}, "must be a whole number, found a number: 2.5"),
    ],
)
def test_wrong_configs_say_where_and_what(content: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadConfig) as caught:
        complete(content)
    assert complaint in str(caught.value)


def test_overrides_set_single_keys(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("inpaint:\n  grow_px: 7\nproject:\n  # nothing to set\n")
    config = read_config(path, ["inpaint.painter=telea", "photos=elsewhere"])
    assert config["inpaint"]["grow_px"] == 7.0
    assert config["inpaint"]["painter"] == "telea"
    assert config["photos"] == "elsewhere"


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("inpaint.grow_px", "not of the form"),
        ("photos.folder=x", "'photos' is no section"),
        ("edits=[{", "the value is no YAML"),
        ("inpaint.grow=5", "unknown key 'grow'"),
    ],
)
def test_wrong_overrides_are_named(override: str, complaint: str) -> None:
    with pytest.raises(BadConfig, match=complaint):
        complete({"photos": "here"}, [override])


def test_numbers_as_text_are_read_as_snakemake_passes_them() -> None:
    config = complete(
        {
            "inpaint": {"grow_px": "5", "use_depth": "False"},
            "ripple": {"min_area_px": "3"},
            "edits": [{"name": "a", "direction": "pose", "degree": "-3"}],
        }
    )
    assert config["inpaint"]["grow_px"] == 5.0
    assert config["inpaint"]["use_depth"] is False
    assert config["ripple"]["min_area_px"] == 3
    assert edits(config) == [Edit("a", (("pose", -3.0),))]


def test_whole_and_broken_numbers_are_one_value() -> None:
    one, other = ({"edit": {"strength": value}} for value in (1, 1.0))
    assert repr(complete(one)) == repr(complete(other))


def test_several_moves_are_sorted() -> None:
    config = complete({"edits": [{"name": "a", "moves": {"smile": 2, "pose": -3}}]})
    assert find_edit(config, "a") == Edit("a", (("pose", -3.0), ("smile", 2.0)))
    with pytest.raises(UnknownName, match="did you mean 'look_left'"):
        find_edit(default_config(), "lookleft")


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "\x00"])
def test_files_that_are_no_config_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=str(path)):
        read_config(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read: No such file"):
        read_config(tmp_path / "config.yaml")


def test_the_sheet_and_the_config_know_the_same_modes() -> None:
    assert tuple(FINDERS) == ("embedded", "mtcnn", "file", "aligned")


def test_the_recipes_fit_the_config_that_they_extend(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Snakemake lays `--configfile` over config.yaml: section by section, key by key."""
    (tmp_path / "edited" / "smile").mkdir(parents=True)  # what the recipe `external` looks for
    monkeypatch.chdir(tmp_path)
    base = yaml.safe_load((repo / "config.yaml").read_text())
    for path in sorted((repo / "recipes").glob("*.yaml")):
        merged = {
            key: dict(value) if isinstance(value, dict) else value for key, value in base.items()
        }
        for key, value in yaml.safe_load(path.read_text()).items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merged[key] | value if both else value
        config = complete(merged)
        assert complete(yaml.safe_load(path.read_text()))["recipe"] == config["recipe"]
        assert edits(config)
