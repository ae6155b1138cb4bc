"""Directions as sliders."""

from __future__ import annotations

import numpy as np

from unripple.pipeline.turns import AXES, CONVINCES_DEG
from unripple.webui.controls import OTHER, UNMEASURED, grouped
from unripple.zoo.directions import Direction, read_directions
from unripple.zoo.pixel_directions import listed_directions, pixel_directions
from unripple.zoo.zoo import directions_path


def test_every_embedded_direction_has_one_slider_in_its_usable_range() -> None:
    directions = read_directions(directions_path())
    groups = grouped(directions)
    sliders = [slider for group in groups for slider in group.sliders]
    others = set(directions) - {"pose", "pitch"}  # a turn has one slider, in degrees
    assert sorted(slider.name for slider in sliders) == sorted({*others, *AXES})
    for slider in sliders:
        if slider.name in AXES:
            assert slider.high == -slider.low == CONVINCES_DEG[slider.name]
            continue
        assert (slider.low, slider.high) == directions[slider.name].usable
        assert slider.low < 0 < slider.high and slider.weak == directions[slider.name].weak
    homes = {slider.name: group.title for group in groups for slider in group.sliders}
    assert (
        homes["yaw"] == homes["pitch"] == homes["roll"] == "Pose" and homes["smile"] == "Expression"
    )
    assert homes["age"] == homes["skin"] == "Age and skin" and homes["hair_curl"] == "Hair"
    assert homes["glasses"] == "Accessories" and OTHER not in homes.values()


def test_on_a_photograph_sliders_go_as_far_as_its_own_pixels_convince() -> None:
    on_pixels = pixel_directions()
    groups = grouped(listed_directions(directions_path()))
    real = {slider.name: slider.real for group in groups for slider in group.sliders}
    assert real["smile"] == on_pixels["smile"].usable and real["hair_length"] is None
    assert {name for name, ends in real.items() if ends} == {*on_pixels, *AXES}


def test_unknown_and_unmeasured_directions_find_a_place() -> None:
    vector = np.zeros(4, np.float32)
    strange = Direction("zzz", vector, None, "", "zzz")
    bushy = Direction("eyebrows", vector, None, "", "eyebrows")
    groups = {group.title: group.sliders for group in grouped({"zzz": strange, "eyebrows": bushy})}
    assert [slider.name for slider in groups[OTHER]] == ["zzz"]
    assert (groups[OTHER][0].low, groups[OTHER][0].high) == UNMEASURED
    assert [slider.name for slider in groups["Expression"]] == ["eyebrows"]
