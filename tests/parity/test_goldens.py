"""Every visible golden: the product's networks give what the original code gave."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from .goldens import SHARED, read_facts, read_golden
from .ops import NOT_YET, OPS, outputs

FOLDERS = ("goldens", "goldens_next")
NAMES = sorted(
    str(path.parent.relative_to(SHARED))
    for folder in FOLDERS
    for path in (SHARED / folder).glob("*/golden.json")
)
SLOW = {"anycost_encoder", "clip_vit_b32", "dpt_hybrid", "dpt_large", "e4e", "gfpgan", "graphonomy",
        "hfgi", "hyperstyle", "hyperstyle_edit", "hyperstyle_separable", "id_vit", "psp",
        "restyle_e4e", "sfe", "sfe_style_edit", "stylegan2"}  # fmt: skip


def cases() -> list[object]:
    marks = {True: [pytest.mark.slow], False: []}
    return [
        pytest.param(name, marks=marks[name.split("/")[-1] in SLOW]) for name in NAMES or ["absent"]
    ]


@pytest.mark.parametrize("name", cases())
def test_published_numbers(shared: Path, name: str) -> None:
    folder = shared / name
    op = read_facts(folder)["op"]
    if op in NOT_YET:
        pytest.skip(f"{op} is announced, not built")
    golden = read_golden(folder)
    computed = outputs(golden)
    ratios = {check: golden.ratio(check, computed[check]) for check in golden.facts["checks"]}
    gc.collect()
    assert ratios, "the golden checks nothing"
    assert {check: ratio for check, ratio in ratios.items() if not ratio <= 1} == {}


def test_every_visible_op_is_built_or_announced(shared: Path) -> None:
    visible = {read_facts(shared / name)["op"] for name in NAMES}
    assert visible == OPS.keys() | NOT_YET


def test_no_op_is_both_built_and_announced() -> None:
    assert not OPS.keys() & NOT_YET


def test_open_clip_cuts_sentences_as_published(shared: Path) -> None:
    import open_clip

    from .published.clip_vit_b32 import MODEL

    folder = shared / "goldens" / "clip_vit_b32"
    facts = read_facts(folder)
    tokens = facts["inputs"]["tokens"]
    wanted = np.reshape(tokens["values"], tokens["shape"])
    ids = open_clip.get_tokenizer(MODEL)(facts["constructor"]["sentences"])
    assert np.array_equal(ids.numpy(), wanted)
