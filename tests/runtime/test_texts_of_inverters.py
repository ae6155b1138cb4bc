"""Texts with every inverter: steps of codes and of styles reach what SFE and HyperStyle draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.models.test_batch_invariance import stirred
from tests.sfe_files import write_networks
from tests.tiny import CHANNELS, CODES, SIZE, W, picture, save_model
from tests.tiny_clip import save_clip
from unripple.io.config import complete
from unripple.io.text_edits import text_edit
from unripple.models import hyperstyle, w_encoder
from unripple.models.mapper import LatentMapper, moved
from unripple.models.relevance import Relevance
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.editor import Editor
from unripple.zoo.zoo import Zoo

THIN: dict[str, Any] = {"widths": (4, 8, 4, 8, 4), "units": (1, 1, 1, 1)}
LAYERS = (0, 2, 3, 5, 6, 8, 9, 11, 12)
TEXT = "a face with a hat"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    chosen = write_networks(folder)
    torch.manual_seed(1)
    hyper = hyperstyle.Hypernet(
        LAYERS, CHANNELS, **THIN, code=12, shared_inner=5, inner=7, halvings=2
    )
    nets = {"hypernet": stirred(hyper), "w_encoder": w_encoder.WEncoder(**THIN, style_dim=W)}
    for role, net in nets.items():
        mean = {} if role == "hypernet" else {"latent_avg": torch.full((W,), 0.1)}
        save_model(folder / f"{role}.safetensors", {**net.state_dict(), **mean}, size=SIZE)
    save_clip(folder / "clip.safetensors")
    editor = Editor(settings={"models": chosen})
    generator = editor.zoo.load("generator").net
    styles = generator.styles(torch.zeros(1, CODES, W))
    rows = sum(style.shape[1] for i, style in enumerate(styles) if i % 3 != 1)
    tables = Relevance(rows, 16, sum(style.shape[1] for style in styles))
    tables.relevance.copy_(torch.nn.functional.normalize(torch.randn(rows, 16), dim=1))
    save_model(folder / "relevance.safetensors", dict(tables.state_dict()), size=SIZE)
    own = ("hypernet", "w_encoder", "clip", "relevance")
    more = {role: str(folder / f"{role}.safetensors") for role in own}
    return chosen | more | {"loud": str(folder / "own" / "generator.safetensors")}


@pytest.mark.parametrize("inverter", ["hfgi", "e4e", "hyperstyle", "sfe"])
def test_codes_and_styles_of_a_text_reach_the_edit(
    models: dict[str, str], inverter: str, tmp_path: Path
) -> None:
    photo = tmp_path / "anna.png"
    Image.fromarray(picture(1)).save(photo)
    chosen = {role: path for role, path in models.items() if role != "loud"}
    if inverter != "sfe":  # its generator draws next to nothing without features
        chosen["generator"] = models["loud"]
    settings = complete(
        {"models": chosen, "align": {"mode": "aligned"}, "invert": {"method": inverter}}
    )
    editor = Editor(settings=settings)
    for method in ("direction", "global"):
        drawn = []
        for strength in (0.0, 4.0):
            said = {"text": TEXT, "method": method, "strength": strength}
            said |= {"channels": 20} if method == "global" else {}
            made = editor.edit(photo, **said).artifacts
            moved: Any = made["translate"]
            assert ("styles" in moved) == (method == "global")
            assert ("guide" in moved) == (inverter == "sfe")
            if method == "direction" and inverter == "sfe":
                step = moved["w_plus"] - np.asarray(made["project"]["w_plus"])
                led = moved["guide"] - np.asarray(made["project"]["guide"])
                assert np.allclose(step, led, atol=1e-5)
            drawn.append(np.asarray(made["edit"]["picture"]).astype(int))
        assert np.abs(drawn[0] - drawn[1]).max() > 3, method


def test_a_mapper_asks_the_guide_for_itself(models: dict[str, str], tmp_path: Path) -> None:
    """It says something else of other codes, so that the step of the codes is not the guide's."""
    photo = tmp_path / "anna.png"
    Image.fromarray(picture(1)).save(photo)
    torch.manual_seed(2)
    mapper = stirred(LatentMapper((W,) * 5))
    save_model(
        tmp_path / "mapper.safetensors",
        dict(mapper.state_dict()),
        size=SIZE,
        texts={"hat": TEXT},
        vectors="none",
    )
    chosen = {role: path for role, path in models.items() if role != "loud"}
    chosen["mapper"] = str(tmp_path / "mapper.safetensors")
    settings = {"models": chosen, "align": {"mode": "aligned"}, "invert": {"method": "sfe"}}
    editor = Editor(settings=settings)
    made = editor.edit(photo, text="hat", method="mapper", strength=3.0).artifacts
    before, after = made["project"], made["translate"]
    net = editor.zoo.load("mapper").net
    for name in ("w_plus", "guide"):
        codes = torch.from_numpy(np.asarray(before[name]))[None]
        wanted = moved(net, codes, None, strength=3.0)[0]
        assert np.allclose(after[name], wanted.numpy(), atol=1e-5), name
    steps = [np.asarray(after[n]) - np.asarray(before[n]) for n in ("w_plus", "guide")]
    assert np.abs(steps[0] - steps[1]).max() > 1e-4
    plain = {**settings, "invert": {"method": "hfgi"}}
    assert "apart" not in translate_settings(plain) and translate_settings(settings)["apart"]


def translate_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Of the text, which enter the key."""
    config = complete(settings)
    edit = text_edit("hat", {"text": "hat", "method": "mapper"}, where="")
    job = job_from_config(config, "translate", "hat", Zoo(config["models"]), edit=edit)
    said: dict[str, Any] = job.settings["text"]
    return said
