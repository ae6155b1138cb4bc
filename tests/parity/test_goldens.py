"""Every golden of tests/goldens: the product's networks give what the original code gave."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from .goldens import GOLDENS, golden_folders, read_facts, read_golden
from .ops import NOT_YET, OPS, outputs

OP_OF = {folder.name: read_facts(folder)["op"] for folder in golden_folders(GOLDENS)}
"""golden -> op"""
SLOW = {"anycost_encoder", "clip_vit_b32", "dpt_hybrid", "dpt_large", "e4e", "gfpgan", "graphonomy",
        "hfgi", "hyperstyle", "hyperstyle_edit", "hyperstyle_separable", "id_vit", "psp",
        "restyle_e4e", "sfe", "sfe_style_edit", "stylegan2"}  # fmt: skip


def cases() -> list[object]:
    marks = {True: [pytest.mark.slow], False: []}
    built = [name for name, op in OP_OF.items() if op in OPS]
    return [pytest.param(name, marks=marks[name in SLOW]) for name in built]


@pytest.mark.parametrize("name", cases())
def test_published_numbers(goldens: Path, name: str) -> None:
    golden = read_golden(goldens / name)
    computed = outputs(golden)
    ratios = {check: golden.ratio(check, computed[check]) for check in golden.facts["checks"]}
    gc.collect()
    assert ratios, "the golden checks nothing"
    assert {check: ratio for check, ratio in ratios.items() if not ratio <= 1} == {}


def test_every_op_is_built_or_announced() -> None:
    assert set(OP_OF.values()) == OPS.keys() | NOT_YET


def test_no_op_is_both_built_and_announced() -> None:
    assert not OPS.keys() & NOT_YET


def test_open_clip_cuts_sentences_as_published(goldens: Path) -> None:
    import open_clip

    from .published.clip_vit_b32 import MODEL

    folder = goldens / "clip_vit_b32"
    facts = read_facts(folder)
    tokens = facts["inputs"]["tokens"]
    wanted = np.reshape(tokens["values"], tokens["shape"])
    ids = open_clip.get_tokenizer(MODEL)(facts["constructor"]["sentences"])
    assert np.array_equal(ids.numpy(), wanted)
