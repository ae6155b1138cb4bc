"""Ceteris Paribus: the mix-ups, the restorer's mix, and which translations a photo is offered."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch

from unripple.conventions import UnrippleError
from unripple.io.translations import Names, offered
from unripple.ops import mixing
from unripple.ops.clusters import core_foreground
from unripple.ops.regions import RULES, changing, changing_in_either, clothes_in_front, parts_of

from ..goldens import Golden  # noqa: TID252 (tests are no package to import from)
from ..run import CPU  # noqa: TID252

OP = "ceteris.postprocess"


def outputs(
    golden: Golden, device: torch.device = CPU, dtype: torch.dtype | None = None
) -> dict[str, Any]:
    """Everything that is checked. No network, so the device does not matter."""
    wrong = [
        line for name, case in golden.facts["cases"].items() if (line := fault(golden, case, name))
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    one = {name: value.numpy() for name, value in golden.inputs.items()}
    margins = golden.facts["constructor"]
    merge = golden.facts["constants"]["label_merge"]
    part_of = np.array([merge[str(label)] for label in range(len(merge))], np.uint8)
    parts = [parts_of(one[f"labels19_{of}"], part_of) for of in ("original", "edited")]
    checks = golden.facts["checks"]
    named = {
        kind: [name.partition("_")[2] for name in checks if re.match(rf"{kind}_[A-Z]", name)]
        for kind in ("keep", "merged", "final")
    }
    distance = mixing.exact_distance_to(mixing.domain_of(one["domain_image"]))
    edge, front_edge = margins["segmentation_margin"], margins["foreground_margin"]
    original, edited = one["original"], one["edited"]
    front = clothes_in_front(parts[0])

    def shares(name: str | None) -> Any:
        change = None if name is None else changing_in_either(parts, RULES[name])
        return mixing.segmentation_shares(change, front, margin_px=edge, front_px=front_edge)

    def merged(change: Any) -> Any:
        share = mixing.share_beyond(change, edge)
        return mixing.mixed(original, edited, share, levels=None)

    def final(name: str | None) -> Any:
        return mixing.mixed(original, edited, *shares(name), levels=_truncated)

    nothing = np.zeros(parts[0].shape, np.bool_)
    cores = {of: core_foreground(one[f"depth_{of}"]) for of in ("original", "edited")}
    return {
        "alpha": mixing.ramp(one["dist"], edge),
        "domain_distance": distance,
        "domain_mixed": mixing.mixed(
            original, edited, mixing.ramp(distance, margins["domain_margin"])
        ),
        "labels7_original": parts[0],
        "labels7_edited": parts[1],
        **{f"keep_{name}": ~changing(parts[0], RULES[name]) for name in named["keep"]},
        "change_counts": [
            [changing(one, RULES[name]).sum() for name in named["keep"]] for one in parts
        ],
        **{
            f"merged_{name}": merged(changing_in_either(parts, RULES[name]))
            for name in named["merged"]
        },
        **{f"final_{name}": final(name) for name in named["final"]},
        "final_unhandled": final(None),
        "merged_no_region": merged(nothing),
        "gfp_mixed": mixing.restored_mixed(
            edited, one["restored"], parts[1], margin_px=margins["gfp_margin"]
        ),
        **{f"foreground_{of}": core for of, core in cores.items()},
        "background_fixed": mixing.background_mixed(
            one["small_original"],
            one["small_edited"],
            cores["original"] | cores["edited"],
            coef=margins["foreground_coef"],
            levels=None,
        ),
    }


def _truncated(picture: Any) -> Any:
    """To bytes as the source's mix-ups do: what is after the point is lost."""
    return picture.astype(np.uint8)


def fault(golden: Golden, case: dict[str, Any], name: str) -> str | None:
    """What is wrong with our choice of translations in one case, or None."""
    try:
        found = offered(names_of(golden, case), case["characteristics"])
    except UnrippleError as error:
        return None if "expected" not in case else f"case {name}: {error}"
    keys = {key: f"{source}/{file}" for key, (source, file) in found.items()}
    if "expected" not in case:
        return f"case {name}: wanted an error, got {keys}"
    return None if keys == case["expected"] else f"case {name}: got {keys}"


def names_of(golden: Golden, case: dict[str, Any]) -> Names:
    """The files of a case."""
    stored = golden.facts["constants"]["repository_files"]
    folders = {
        folder: stored[folder] if case.get(folder) == "repository" else case.get(folder, [])
        for folder in ("unconditional", "conditional", "custom")
    }
    if not case["use_precomputed"]:
        folders |= {"unconditional": [], "conditional": []}
    return Names(**folders)
