"""A whole set of networks with random weights, so small that the DAG runs in seconds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from tests import warm
from tests.ops.round_head import HEAD

REPO = Path(__file__).resolve().parents[1]
SIZE = 64
W = 16
CODES = 10
CHANNELS = {4: 8, 8: 8, 16: 8, 32: 8, 64: 8}
FACTORS = ["yaw", "smile", "age", "glasses"]
LANDMARKS = [[24.0, 28.0], [40.0, 28.0], [32.0, 36.0], [26.0, 45.0], [38.0, 45.0]]


def save_model(path: Path, state: dict[str, torch.Tensor], **metadata: Any) -> None:
    """Write weights as the embedded ones are written: float16, metadata in JSON."""
    half = {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(half, path, metadata={key: json.dumps(value) for key, value in metadata.items()})


def networks() -> dict[str, nn.Module]:
    """One network per role (`hfgi` has three)."""
    from unripple.models import (
        attributes,
        bisenet,
        dpt,
        e4e,
        flow,
        gfpgan,
        hfgi,
        hyperstyle,
        irse,
        lama,
        landmarks,
        mean_head,
        pose,
        sfe,
        stylegan2,
    )

    torch.manual_seed(0)
    thin = (4, 8, 4, 8, 4)
    return {
        "generator": stylegan2.Generator(size=SIZE, style_dim=W, n_mlp=2, channels=CHANNELS),
        "encoder": e4e.Encoder(SIZE, widths=thin, units=(1, 1, 1, 1), style_dim=W, n_codes=CODES),
        "hfgi": nn.ModuleDict(
            {
                "grid_align": hfgi.Aligner((4, 4, 4, 4)),
                "residue": hfgi.ResidualEncoder((4, 4, 4), out_channels=8, strides=(1, 1)),
                "motion": flow.EditFlowNet((4, 4), 4, {"widths": (4, 4), "hidden": 8}),
            }
        ),
        "parser": bisenet.BiSeNet(19, thin, stem_stride=2),
        "depth": dpt.DPT(
            token_width=64,
            depth=4,
            grid=4,
            level_widths=(8, 8, 8, 8),
            features=8,
            head_width=4,
            n_classes=0,
        ),
        "inpainter": lama.Lama(4, n_downsampling=2, n_blocks=1),
        "landmarks": landmarks.LandmarkNet((4, 4, 4), head=4),
        "pose": pose.PoseNet((4, 4), hidden=8),
        "identity": irse.Backbone(32, thin, (1, 1, 1, 1), embedding=8),
        "restorer": gfpgan.GFPGAN(SIZE, 8, 2, {4: 8, 8: 8, 16: 4, 32: 4, 64: 4}),
        "attributes": attributes.AttributeNet((4, 4), 8, len(FACTORS)),
        "head": _round_head(mean_head.MeanHead),
        "inverter": sfe.Inverter(thin, (1, 1, 1, 1), W, CODES, 8, 1),
        "sfe_editor": sfe.FeatureMixer(8, 1),
        "hypernet": hyperstyle.Hypernet(
            (0, 3, 9),
            CHANNELS,
            widths=thin,
            units=(1, 1, 1, 1),
            code=6,
            shared_inner=4,
            inner=4,
            halvings=2,
        ),
    }


def _round_head(kind: type[nn.Module]) -> nn.Module:
    net = kind(len(HEAD.surface))
    net.surface.copy_(torch.from_numpy(HEAD.surface))
    net.landmarks.copy_(torch.from_numpy(HEAD.landmarks))
    net.levels.copy_(torch.tensor([HEAD.chin_y, HEAD.brow_y, HEAD.half_width]))
    return net


def write_models(folder: Path) -> dict[str, str]:
    """Write all weights; the config's `models` section that names them."""
    for role, net in networks().items():
        state = dict(net.state_dict())
        if role in ("generator", "encoder"):
            state["latent_avg"] = torch.zeros(W)
        more = {"factors": FACTORS} if role == "attributes" else {}
        save_model(folder / f"{role}.safetensors", state, arch=role, size=SIZE, **more)
    return {role: str(folder / f"{role}.safetensors") for role in networks()}


def write_directions(path: Path) -> str:
    """Write directions `pose` and `smile`; their file."""
    rng = np.random.default_rng(0)
    vectors = {
        "pose": rng.normal(size=W).astype(np.float32),
        "smile": rng.normal(size=(CODES, W)).astype(np.float32),
    }
    about = {
        "pose": {"usable": [-4, 4], "unit": "about 6.7 degrees of yaw", "yaw_per_degree": 6.7},
        "smile": {"usable": [-3, 3], "unit": "one smile", "attribute": "smile"},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_arrays(vectors, path, metadata={name: json.dumps(text) for name, text in about.items()})
    return str(path)


def picture(seed: int, height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """A smooth colourful picture, uint8 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def write_project(folder: Path, photos: dict[str, tuple[int, int]]) -> Path:
    """A folder to run in: config.yaml, weights, photos (name -> height, width), landmarks."""
    data = folder / "data"
    (data / "photos").mkdir(parents=True)
    listed = {}
    for seed, (name, (height, width)) in enumerate(photos.items()):
        Image.fromarray(picture(seed, height, width)).save(data / "photos" / name)
        listed[name] = LANDMARKS
    (data / "landmarks.json").write_text(json.dumps(listed))
    config = {
        "models": write_models(data / "models"),
        "directions": write_directions(data / "directions.safetensors"),
        "edits": [{"name": "look_left", "direction": "pose", "degree": -3}],
        "align": {"mode": "file", "landmarks": "data/landmarks.json"},
    }
    (folder / "config.yaml").write_text(json.dumps(config, indent=1))  # JSON is YAML
    return folder


def walk(config: dict[str, Any], stages: tuple[str, ...] = ()) -> None:
    """What the DAG does, in this process and folder: every step for every shard."""
    from unripple.io.config import edits
    from unripple.io.results import Results
    from unripple.io.sheet import SHEET, read_sheet, update_sheet
    from unripple.pipeline.graph import RECIPES
    from unripple.pipeline.jobs import job_from_config
    from unripple.runtime.shard import run_shard
    from unripple.zoo.zoo import Zoo

    present = update_sheet(Path(config["photos"]))
    listed = read_sheet(SHEET)
    zoo = Zoo(config["models"])
    names = tuple(edit.name for edit in edits(config))
    for step in RECIPES[config["recipe"]].values():
        if stages and step.stage not in stages:
            continue
        for of in step.places(names):
            job = job_from_config(config, step.stage, of, zoo)
            for shard in sorted({row.shard for row in present}):
                rows = [row for row in listed if row.shard == shard]
                photos = {row.photo for row in present if row.shard == shard}
                run_shard(job, shard, rows, photos, Results())


def snakemake(folder: Path, *arguments: str, cores: int = 2) -> str:
    """Run Snakemake in a folder, and fail if it does; what it said."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = warm.run(folder, "--cores", str(cores), *arguments, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


_TIMES = re.compile(
    rb'<h3[^>]*>Time per stage.*?</div>\n|<script[^>]* id="timing">.*?</script>', re.S
)


def without_times(report: bytes) -> bytes:
    """A report without what it says of times: no two runs take the same."""
    return _TIMES.sub(b"", report)
