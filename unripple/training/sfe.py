"""Train StyleFeatureEditor in its two phases: the inverter, then the editor of its features.

Source: Bobkov et al. 2024, section 3, and the trainings of AIRI-Institute/StyleFeatureEditor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from unripple.conventions import BadConfig, UnknownName, UnrippleError
from unripple.io import plain_yaml
from unripple.training import sfe_losses, sfe_nets
from unripple.training.encoders import load_encoder
from unripple.training.flow import FIELDS
from unripple.training.latents import load_generator
from unripple.training.sfe_editor import EditorTask
from unripple.training.sfe_inverter import InverterTask, Leashes
from unripple.training.sfe_task import SfeOptions
from unripple.training.shards import (
    FaceShards,
    FolderPhotos,
    Split,
    has_shards,
    open_photos,
    read_photos,
)
from unripple.zoo.directions import read_directions

KINDS = {"generator": 0.0, "mixed": 0.5, "true": 1.0}
EDITS = {
    "pose": (-4, -2, 2, 4),
    "pitch": (-3, -1.5, 1.5, 3),
    "age": (-4, 4),
    "smile": (-4, 4),
    "mouth_open": (4,),
    "beard": (-2, 2),
    "glasses": (2, 4),
    "grey": (2.5,),
    "hair_light": (-2, 2),
    "hair_length": (-2, 2),
    "hair_curl": (-3, 3),
    "fringe": (-4, 4),
    "skin": (-1, 1),
}
"""Direction -> powers: thirteen of them, as published; theirs are of FFHQ's generator."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of both phases."""
    add = parser.add_argument
    parser.set_defaults(out=None)
    add("--phase", choices=("inverter", "editor"), default="inverter", help="the inverter comes "
        "first; they have folders of their own, runs/sfe_<phase> by default")  # fmt: skip
    add("--name", help="of the exported files, without suffix; default: inverter, sfe_editor")
    add("--generator", type=Path, default=Path("runs/generator"), help="run folder or safetensors")
    add("--encoder", type=Path, default=Path("runs/e4e"), help="run folder or safetensors")
    add("--optimizer", choices=("ranger", "adam"), default="ranger")
    add("--lr", type=float, default=3e-3)
    add("--special", type=Path, help="folder of aligned pictures that every grid shows, edited by "
        "some of the table, in place of held-out people")  # fmt: skip
    sfe_losses.add_arguments(parser)
    inverter = parser.add_argument_group("phase inverter").add_argument
    inverter("--feat-rec", type=float, default=0.01, help="weight of the squared distance of the "
        "fused features from those of the codes")  # fmt: skip
    inverter("--feat-rec-l1", type=float, default=0.0, help="weight of the absolute one")
    inverter("--plain", type=float, default=0.5, help="share of the codes' own pictures in the "
        "losses between pictures (published: 0.5)")  # fmt: skip
    inverter("--ramp", type=int, default=0, help="steps over which the features are let in "
        "(published: 10000)")  # fmt: skip
    inverter("--l2-latent", type=float, default=1.0, help="weight of the codes' distance from the "
        "true ones, or from e4e's where the photos are plain")  # fmt: skip
    editor = parser.add_argument_group("phase editor").add_argument
    editor("--inverter", type=Path, default=Path("runs/sfe_inverter"), help="run folder or "
        "safetensors")  # fmt: skip
    editor("--editor", choices=("flow", "plain"), default="flow", help="ours, or as published")
    editor("--pairs", choices=tuple(KINDS), help="edits to learn from; default: true ones with "
        "shards, the generator's with plain photos")  # fmt: skip
    editor("--real", type=float, default=0.375, help="share of a batch that is to stay as it is")
    editor("--directions", type=Path, default=Path("data/directions/embedded.safetensors"),
        help="of the generator's pairs")  # fmt: skip
    editor(
        "--edits", type=Path, help="YAML file of direction: [powers] for those, in place of ours"
    )


def build(chosen: argparse.Namespace) -> InverterTask | EditorTask:
    """Open the data and the frozen nets, and build the one that learns.

    Raises:
        BadConfig: `--real` is no share, or a table of edits is none.
        UnrippleError: true pairs are asked of plain photos.
    """
    chosen.out = chosen.out or Path("runs") / f"sfe_{chosen.phase}"
    chosen.name = chosen.name or {"inverter": "inverter", "editor": "sfe_editor"}[chosen.phase]

    def open_split(split: Split) -> FaceShards | FolderPhotos:
        return open_photos(
            chosen.data, size=sfe_nets.SIZE, split=split, device=chosen.device, fields=FIELDS
        )

    generator = load_generator(chosen.generator, chosen.device)
    encoder = load_encoder(chosen.encoder, chosen.device)
    adversary = sfe_losses.Adversary(chosen.adversarial, chosen.adversarial_from, chosen.device)
    shared: SfeOptions = {
        "auxiliary": sfe_losses.load(chosen),
        "adversary": adversary,
        "batch_size": chosen.batch,
        "device": chosen.device,
        "optimizer": chosen.optimizer,
        "lr": chosen.lr,
        "name": chosen.name,
        "special": None if chosen.special is None else read_photos(chosen.special, sfe_nets.SIZE),
    }
    data, held_out = open_split("train"), open_split("val")
    if chosen.phase == "inverter":
        return InverterTask(
            data,
            held_out,
            generator,
            encoder,
            leashes=Leashes(
                chosen.feat_rec,
                chosen.feat_rec_l1,
                chosen.l2_latent,
                chosen.plain,
                chosen.ramp,
            ),
            **shared,
        )
    pairs = share_of_pairs(chosen)
    return EditorTask(
        data,
        held_out,
        generator,
        encoder,
        sfe_nets.load_inverter(chosen.inverter, chosen.device),
        kind=chosen.editor,
        real=chosen.real,
        pairs=pairs,
        table=[] if pairs == 1 and chosen.special is None else edit_table(chosen),
        **shared,
    )


def share_of_pairs(chosen: argparse.Namespace) -> float:
    """Share of the edits that are true pairs."""
    rendered = has_shards(chosen.data)
    if not 0 <= chosen.real <= 1:
        raise BadConfig(f"--real {chosen.real:g}: a share of the batch, from 0 to 1")
    kind = chosen.pairs or ("true" if rendered else "generator")
    if KINDS[kind] and not rendered:
        raise UnrippleError(
            f"--pairs {kind}: plain photos have no true pairs; use shards, or --pairs generator"
        )
    return KINDS[kind]


def edit_table(chosen: argparse.Namespace) -> list[Tensor]:
    """What each edit of the table adds to every code, [style_dim] each.

    Raises:
        BadConfig: the table is none.
        UnknownName: it names a direction that is not there.
    """
    edits = EDITS
    if chosen.edits is not None:
        edits = plain_yaml.parse(chosen.edits.read_text(), f"--edits {chosen.edits}")
        if not isinstance(edits, dict) or not all(_are_powers(one) for one in edits.values()):
            raise BadConfig(
                f"--edits {chosen.edits}: wanted a list of powers for each direction, like "
                "`pose: [-4, 4]`"
            )
    directions = read_directions(chosen.directions)
    unknown = sorted(set(edits) - set(directions))
    if unknown:
        raise UnknownName(
            f"--edits: {chosen.directions} has no direction {unknown[0]!r}; it has "
            + ", ".join(sorted(directions))
        )
    return [
        torch.from_numpy(directions[name].vector * power).float()
        for name, powers in edits.items()
        for power in powers
    ]


def _are_powers(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(power, int | float) for power in found)
