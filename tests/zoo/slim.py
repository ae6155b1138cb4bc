"""Slim networks in the layouts and containers of the published files, and their entries."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tests.published_files import foreign_object
from tests.tiny import CODES, W, networks
from unripple.zoo.index import Entry, Index

State = dict[str, Tensor]
METADATA = {"size": 64}
THIN = (4, 8, 4, 8, 4)


def entry(name: str, layout: str, networks: Mapping[str, str], **words: Any) -> Entry:
    metadata = dict.fromkeys(networks, METADATA) | words.pop("metadata", {})
    file = words.pop("file", f"{name}_as_published.pt")
    return Entry(
        name=name,
        what="a slim one",
        file=file,
        page="https://example.org/page",
        urls=(),
        licence="MIT",
        commercial=True,
        layout=layout,
        networks=networks,
        metadata=metadata,
        **words,
    )


PSP = {"generator": "stylegan2", "encoder": "e4e"}
ENTRIES = {
    one.name: one
    for one in (
        entry("hfgi", "hfgi", {**PSP, "hfgi": "hfgi"}),
        entry("e4e", "e4e", PSP),
        entry("stylegan2", "stylegan2", {"generator": "stylegan2"}),
        entry(
            "anycost_encoder",
            "anycost_encoder",
            {"encoder": "anycost_encoder"},
            metadata={"encoder": {"size": 64, "arguments": {"size": 64}}},
        ),
        entry("arcface", "flat", {"identity": "arcface"}),
        entry("curricularface", "flat", {"identity": "curricularface"}),
        entry("graphonomy", "graphonomy", {"parser": "graphonomy"}),
        entry("bisenet", "flat", {"parser": "bisenet"}),
        entry("dpt", "dpt", {"depth": "dpt"}),
        entry("lama", "lama", {"inpainter": "lama"}, member="big-lama/models/best.ckpt"),
        entry("gfpgan", "gfpgan", {"restorer": "gfpgan"}),
        entry("clip", "clip", {"clip": "clip"}),
        entry("age", "direction", {"directions": "directions"}, file="age.pt"),
        entry("pose_direction", "direction", {"directions": "directions"}, file="pose.pt"),
        entry("ffhq_pca", "ffhq_pca", {"directions": "directions"}, file="ffhq_pca.pt"),
    )
}
LOCK = Index(ENTRIES, {})


def published_hfgi(nets: nn.ModuleDict) -> nn.ModuleDict:
    """The published file holds no flow net."""
    return nn.ModuleDict({name: nets[name] for name in ("grid_align", "residue")})


def nets() -> dict[str, nn.Module]:
    """A slim network by the word of its kind."""
    import open_clip.model as clip

    from unripple.models.anycost import AnycostEncoder
    from unripple.models.curricularface import CurricularFace
    from unripple.models.dpt import DPT
    from unripple.models.gfpgan import GFPGAN
    from unripple.models.graphonomy import Graphonomy

    tiny = networks()
    torch.manual_seed(1)
    vision = clip.CLIPVisionCfg(layers=2, width=64, patch_size=8, image_size=16)
    text = clip.CLIPTextCfg(context_length=7, vocab_size=11, width=64, heads=1, layers=1)
    return {
        "stylegan2": tiny["generator"],
        "e4e": tiny["encoder"],
        "hfgi": published_hfgi(tiny["hfgi"]),
        "bisenet": tiny["parser"],
        "lama": tiny["inpainter"],
        "arcface": tiny["identity"],
        "landmarks": tiny["landmarks"],
        "pose": tiny["pose"],
        "attributes": tiny["attributes"],
        "curricularface": CurricularFace(32, THIN, (1, 1, 1, 1), embedding=8),
        "anycost_encoder": AnycostEncoder(CODES, W, (4, 8, 8, 8, 8), (1, 1, 1, 1), size=64),
        "graphonomy": Graphonomy((4,) * 9, 1, context=8, low_level=4, hidden=8),
        "gfpgan": GFPGAN(32, 8, 2, {4: 8, 8: 8, 16: 4, 32: 4}),
        "clip": clip.CLIP(8, vision, text, quick_gelu=True),
        "dpt": DPT(
            token_width=64,
            depth=4,
            grid=4,
            level_widths=(8, 8, 8, 8),
            features=8,
            head_width=4,
            n_classes=5,
        ),
    }


def state_of(net: nn.Module, prefix: str = "") -> State:
    return {prefix + key: value.clone() for key, value in net.state_dict().items()}


def contents(made: Mapping[str, nn.Module] | None = None) -> dict[str, Any]:
    """Entry -> what its published file holds, in a slim size."""
    made = made or nets()
    psp = {**state_of(made["e4e"], "encoder."), **state_of(made["stylegan2"], "decoder.")}
    mean = {"latent_avg": torch.randn(CODES, W), "opts": {"stylegan_size": 64, "lr": 1e-4}}
    old_names = {
        f"module.{_older(key)}": value
        for key, value in state_of(made["graphonomy"]).items()
        if not key.endswith("num_batches_tracked")
    }
    return {
        "hfgi": {"state_dict": {**psp, **state_of(made["hfgi"]), "D.w": torch.ones(1)}, **mean},
        "e4e": {"state_dict": psp, **mean},
        "stylegan2": {
            "g_ema": state_of(made["stylegan2"]),
            "latent_avg": torch.randn(W),
            "d": {"w": torch.ones(1)},
        },
        "anycost_encoder": {"state_dict": state_of(made["anycost_encoder"])},
        "arcface": state_of(made["arcface"]),
        "curricularface": state_of(made["curricularface"]),
        "graphonomy": old_names,
        "bisenet": state_of(made["bisenet"]),
        "dpt": state_of(made["dpt"]),
        "lama": {
            "epoch": 3,
            "pytorch-lightning_version": "1.2.9",
            "state_dict": {
                **state_of(made["lama"], "generator."),
                "discriminator.w": torch.ones(1),
                "loss_resnet_pl.w": torch.ones(1),
            },
        },
        "gfpgan": {"params_ema": state_of(made["gfpgan"])},
        "clip": state_of(made["clip"]) | {"vocab_size": torch.tensor(11)},
        "age": torch.randn(1, W),
        "pose_direction": torch.randn(1, CODES, W),
        "ffhq_pca": {
            "mean": torch.randn(1, W),
            "comp": torch.randn(80, 1, W),
            "std": torch.rand(80) + 1,
        },
    }


def _older(key: str) -> str:
    """A name from before the graph was transferred to other classes."""
    return key.replace("source_featuremap_2_graph", "featuremap_2_graph").replace(
        "source_graph", "graph"
    )


LEGACY = ("bisenet", "gfpgan", "graphonomy", "dpt", "arcface")


def save(name: str, content: Any, path: Path) -> Path:
    """Write a content in the container of its published file."""
    if name == "lama":
        inside = io.BytesIO()
        torch.save(content | {"callbacks": {"checkpoint": foreign_object()}}, inside)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("big-lama/config.yaml", "generator: {kind: ffc_resnet}\n")
            archive.writestr("big-lama/models/best.ckpt", inside.getvalue())
    elif name == "clip":
        save_script(content, path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=name not in LEGACY)
    return path


class _Holder(nn.Module):
    def forward(self) -> int:
        return 0


def save_script(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a TorchScript archive of a network with just this state, weights in half precision."""
    root = _Holder()
    for key, value in state.items():
        *folders, last = key.split(".")
        part: nn.Module = root
        for folder in folders:
            if folder not in part._modules:
                part.add_module(folder, _Holder())
            part = part.get_submodule(folder)
        part.register_buffer(last, value.half() if value.is_floating_point() else value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(root), str(path))
