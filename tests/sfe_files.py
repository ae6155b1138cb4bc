"""StyleFeatureEditor's published containers, slim and filled at random, converted as users do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tests.models.test_batch_invariance import stirred
from tests.tiny import CODES, SIZE, W, networks, picture, write_models, write_project
from unripple.models import sfe
from unripple.ops.tensors import to_tensor
from unripple.zoo.published import convert
from unripple.zoo.zoo import published_index

SHA256 = "0" * 64


def write_networks(folder: Path) -> dict[str, str]:
    """The `models` section of a whole set with SFE's networks, from files in their containers."""
    slim = networks()
    torch.manual_seed(5)  # whatever other networks the tiny set has
    mean = 0.3 * torch.randn(W)
    editor = stirred(sfe.FeatureMixer(8, 2))
    inverter = stirred(sfe.Inverter((8, 8, 12, 16, 20), (2, 1, 2, 1), W, CODES, 8, 2))
    generator = stirred(slim["generator"])
    _tone_down(generator, inverter, editor)
    contents: dict[str, Any] = {
        "sfe_editor_light": {
            "state_dict": {
                **{f"encoder.{key}": value for key, value in editor.state_dict().items()},
                **{f"inverter.{key}": value for key, value in inverter.state_dict().items()},
            }
        },
        "stylegan2": {"g_ema": generator.state_dict(), "latent_avg": mean},
    }
    chosen = write_models(folder / "own")
    for name, content in contents.items():
        entry = published_index().entry(name)
        path = folder / entry.file
        torch.save(content, path)
        small = replace(entry, metadata={role: {"size": SIZE} for role in entry.networks})
        made = convert(path, small, folder, sha256=SHA256)
        chosen |= {role: str(file) for role, file in made.items()}
    return chosen


@torch.no_grad()
def _tone_down(generator: Any, inverter: Any, editor: Any) -> None:
    """Let pictures lie in [-1, 1], where most of a random network's would be white or black."""
    codes, predicted = inverter(torch.cat([to_tensor(picture(seed)) for seed in range(4)]))
    features = editor(sfe.fused(inverter, generator, codes, predicted), torch.zeros_like(predicted))
    spread = sfe.rendered(generator, generator.styles(codes), features).std()
    for level in range(5):
        layer = generator.rgb(level)
        layer.conv.weight /= spread
        layer.bias /= spread


def write_sfe_project(folder: Path, photos: dict[str, tuple[int, int]]) -> Path:
    """`tests.tiny.write_project` with `invert.method: sfe`."""
    import json

    write_project(folder, photos)
    path = folder / "config.yaml"
    config = json.loads(path.read_text())
    config["models"] = write_networks(folder / "data" / "sfe")
    config["invert"] = {"method": "sfe"}
    path.write_text(json.dumps(config))
    return folder
