"""StyleFeatureEditor's names of edits that follow a text."""

from __future__ import annotations

import pytest
import yaml

from tests.tiny import REPO
from unripple.conventions import BadConfig, BadText
from unripple.io.config import Edit, complete, edits
from unripple.io.published_names import MAPPERS, NAMED, edit_of_moves, follows_text
from unripple.runtime.asked import asked_edit


def said(name: str, power: float) -> dict[str, object]:
    (text,) = edit_of_moves("edit", {name: power}).texts
    return text


def test_a_mapper_is_taken_as_far_as_the_source_takes_it() -> None:
    """Whole for a power of 1, where a strength of 1 is a tenth."""
    text = said("hilary_clinton", 0.08)
    assert text["method"] == "mapper" and text["mapper"] == "styleclip_clinton"
    assert text["strength"] == pytest.approx(0.8) and text["text"] == "hilary_clinton"


def test_every_mapper_is_among_the_models_and_knows_its_name() -> None:
    listed = yaml.safe_load((REPO / "data" / "models.lock.yaml").read_text())["files"]
    assert len(MAPPERS) == 14
    for name in MAPPERS:
        mapper = str(said(name, 0.1)["mapper"])
        assert list(listed[mapper]["metadata"]["mapper"]["texts"]) == [name]


def test_the_patterns_are_read_with_blanks_and_numbers() -> None:
    text = said("styleclip_global_face with hair_face with fire hair_0.10", 5)
    assert text["neutral"] == "face with hair" and text["text"] == "face with fire hair"
    assert (text["method"], text["variant"], text["templates"]) == ("global", "sfe", "imagenet")
    assert text["disentangle"] == 0.1 and text["strength"] == 5
    text = said("deltaedit_face_face with glasses_0.03", 1.5)
    assert (text["method"], text["disentangle"], text["strength"]) == ("deltaedit", 0.03, 1.5)


@pytest.mark.parametrize(
    "name", ["styleclip_global_a_b", "styleclip_global_a_b_c_0.1", "deltaedit_a_b_much"]
)
def test_another_pattern_is_one_sentence(name: str) -> None:
    """In the source a text with `_` breaks the name's split."""
    with pytest.raises(BadConfig, match=r"wanted .*<neutral>_<target>_<.*no _ in the texts"):
        edit_of_moves("edit", {name: 1.0})
    with pytest.raises(BadText, match="one must say what the other does not"):
        edit_of_moves("edit", {"deltaedit_face_face_0.1": 1.0})


def test_directions_stay_directions_and_do_not_mix() -> None:
    assert edit_of_moves("edit", {"smile": 2.0, "pose": 1.0}) == Edit(
        "edit", (("pose", 1.0), ("smile", 2.0))
    )
    assert not follows_text("fs_smiling")
    with pytest.raises(BadConfig, match="'afro' follows a text, and goes with no other direction"):
        edit_of_moves("edit", {"afro": 0.1, "smile": 2.0})


def test_all_doors_read_them() -> None:
    config = complete({"edits": [{"name": "curls", "direction": "afro", "degree": 0.1}]})
    (edit,) = edits(config)
    assert edit.name == "curls" and edit.texts == [said("afro", 0.1)]
    assert asked_edit(None, None, None, {"afro": 0.1}).texts == [said("afro", 0.1)]


def test_they_are_listed() -> None:
    assert len(NAMED) == 16 and len({one.name for one in NAMED}) == 16
    assert all(one.unit and one.attribute for one in NAMED)
