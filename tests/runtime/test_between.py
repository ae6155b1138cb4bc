"""From one person to another: ends are inversions, codes and weights move together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.runtime.test_tuned_inverters import models  # noqa: F401 (a fixture)
from tests.sfe_files import write_networks
from tests.tiny import picture, write_directions
from unripple.models.tuning import tuned
from unripple.ops.tensors import to_photo
from unripple.runtime.between import between, shares_between
from unripple.runtime.editor import Editor

PTI = {"method": "pti", "pti": {"steps": 3, "learning_rate": 0.05, "tune": "steps"}}
HYPERSTYLE = {"method": "hyperstyle", "hyperstyle": {"iterations": 2}}


def editor_of(models: dict[str, str], folder: Path, invert: Any, project: Any = None) -> Editor:  # noqa: F811
    chosen = {role: path for role, path in models.items() if role != "psp"}
    settings = {
        "models": chosen,
        "align": {"mode": "aligned"},
        "directions": write_directions(folder / "directions.safetensors"),
        "invert": invert,
        "project": project or {},
    }
    return Editor(settings=settings)


def both(editor: Editor) -> tuple[Any, Any]:
    return editor.open(picture(0)), editor.open(picture(1))


METHODS: dict[str, tuple[Any, Any]] = {
    "e4e": ({"method": "e4e"}, None),
    "hfgi": ({"method": "hfgi"}, None),
    "pti": (PTI, None),
    "hyperstyle": (HYPERSTYLE, {"method": "w"}),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_ends_are_the_inversions_and_frames_lie_between(
    name: str,
    models: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    invert, project = METHODS[name]
    editor = editor_of(models, tmp_path, invert, project)
    one, other = both(editor)
    frames = list(between(editor, one, other, shares_between(3)))
    wanted = [editor.run(source, "invert")["invert"]["picture"] for source in (one, other)]
    assert np.array_equal(frames[0], wanted[0]) and np.array_equal(frames[2], wanted[1])
    assert not any(np.array_equal(frames[1], end) for end in wanted)


def test_codes_and_weights_are_halfway_together(
    models: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    editor = editor_of(models, tmp_path, PTI)
    one, other = both(editor)
    (frame,) = between(editor, one, other, [0.5])
    ends: list[Any] = [editor.run(source, "invert") for source in (one, other)]
    codes = np.mean([end["project"]["w_plus"] for end in ends], axis=0)
    added = np.mean([end["invert"]["difference"].astype(np.float32) for end in ends], axis=0)
    generator: Any = editor.zoo.load("generator").net
    with torch.inference_mode():
        net = tuned(generator, torch.from_numpy(added))
        wanted = to_photo(net.synthesize(torch.from_numpy(codes)[None]).clamp(-1, 1))
    assert np.abs(frame.astype(int) - wanted).max() <= 1


def test_details_fade_over_and_are_not_averaged(
    models: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> None:
    """A frame close to an end is that end's edit, with next to nothing of the other's details."""
    editor = editor_of(models, tmp_path, {"method": "hfgi"})
    one, other = both(editor)
    near, far = between(editor, one, other, [0.001, 0.999])
    ends: list[Any] = [editor.run(s, "invert")["invert"]["picture"] for s in (one, other)]
    assert np.abs(near.astype(int) - ends[0]).mean() < np.abs(near.astype(int) - ends[1]).mean()
    assert np.abs(far.astype(int) - ends[1]).mean() < np.abs(far.astype(int) - ends[0]).mean()


def test_features_of_style_feature_editor_fade_over(tmp_path: Path) -> None:
    editor = editor_of(write_networks(tmp_path / "files"), tmp_path, {"method": "sfe"})
    one, other = both(editor)
    frames = list(between(editor, one, other, shares_between(3)))
    wanted = [editor.run(source, "invert")["invert"]["picture"] for source in (one, other)]
    assert np.array_equal(frames[0], wanted[0]) and np.array_equal(frames[2], wanted[1])
    assert not any(np.array_equal(frames[1], end) for end in wanted)
