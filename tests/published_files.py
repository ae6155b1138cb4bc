"""Files in the containers in which the published weights come, filled at random, at full size."""

from __future__ import annotations

import io
import sys
import types
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

State = dict[str, Tensor]
_DRAW = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0))


def write_all(folder: Path) -> Iterator[tuple[str, Path]]:
    """Write one file after the other: (entry of the list, path). The weights are noise."""
    return _written(folder, hfgi=_hfgi, graphonomy=_graphonomy, dpt_large=_dpt_large, lama=_lama,
                    arcface=_arcface)  # fmt: skip


def write_sfe(folder: Path) -> Iterator[tuple[str, Path]]:
    """The same for StyleFeatureEditor's files, e4e and the generator beside it."""
    return _written(
        folder,
        sfe_editor_light=_sfe_editor_light,
        sfe_inverter_light=_sfe_inverter_light,
        e4e=_e4e,
        stylegan2=_stylegan2,
    )


def write_hyperstyle(folder: Path) -> Iterator[tuple[str, Path]]:
    """The same for HyperStyle and the encoder of the codes that it starts from."""
    return _written(folder, hyperstyle=_hyperstyle, faces_w_encoder=_faces_w_encoder)


def _written(folder: Path, **writers: Callable[[Path], Path]) -> Iterator[tuple[str, Path]]:
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    for name, writer in writers.items():
        yield name, writer(folder)


def _sfe_editor_light(folder: Path) -> Path:
    from unripple.models import sfe

    state = {**_under("encoder.", sfe.FeatureMixer()), **_under("inverter.", sfe.Inverter())}
    return _saved({"state_dict": state}, folder / "sfe_editor_light.pt")


def _sfe_inverter_light(folder: Path) -> Path:
    from unripple.models import sfe

    # `encoder.` is the inverter here, and the feature editor in the editor's file.
    state = _under("encoder.", sfe.Inverter())
    return _saved({"state_dict": state}, folder / "sfe_inverter_light.pt")


def _hyperstyle(folder: Path) -> Path:
    from unripple.models import hyperstyle, stylegan2

    net = hyperstyle.Hypernet()
    own = _under("hypernet.", net)
    shared = "hypernet.shared_weight_hypernet."
    # What the blocks share lies in each of them once more.
    again = {
        key.replace("shared_weight_hypernet", f"refinement_blocks.{number}.hypernet"): value
        for number in sorted(net.shared)
        for key, value in own.items()
        if key.startswith(shared)
    }
    content = {
        "state_dict": {**own, **again, **_under("decoder.", stylegan2.Generator())},
        "latent_avg": torch.zeros(18, 512),
        "opts": {"output_size": 1024},
    }
    return _saved(content, folder / "hyperstyle_ffhq.pt")


def _faces_w_encoder(folder: Path) -> Path:
    from unripple.models import stylegan2, w_encoder

    state = {
        **_under("encoder.", w_encoder.WEncoder()),
        **_under("decoder.", stylegan2.Generator()),
    }
    content = {"state_dict": state, "latent_avg": torch.zeros(512), "opts": {}}
    return _saved(content, folder / "faces_w_encoder.pt")


def _e4e(folder: Path) -> Path:
    from unripple.models import e4e, stylegan2

    state = {**_under("encoder.", e4e.Encoder()), **_under("decoder.", stylegan2.Generator())}
    content = {"state_dict": state, "latent_avg": torch.zeros(18, 512), "opts": {"size": 1024}}
    return _saved(content, folder / "e4e_ffhq_encode.pt")


def _stylegan2(folder: Path) -> Path:
    from unripple.models import stylegan2

    content = {"g_ema": _under("", stylegan2.Generator()), "latent_avg": torch.zeros(512)}
    return _saved(content, folder / "stylegan2-ffhq-config-f.pt")


def _hfgi(folder: Path) -> Path:
    from unripple.models import e4e, hfgi, stylegan2

    state = {
        **_under("encoder.", e4e.Encoder()),
        **_under("decoder.", stylegan2.Generator()),
        **_under("grid_align.", hfgi.Aligner()),
        **_under("residue.", hfgi.ResidualEncoder()),
    }
    content = {"state_dict": state, "latent_avg": torch.zeros(18, 512), "opts": {"size": 1024}}
    return _saved(content, folder / "ckpt.pt")


def _graphonomy(folder: Path) -> Path:
    from unripple.models.graphonomy import Graphonomy

    # The published file was saved by several GPUs and an old PyTorch.
    state = {
        key: value
        for key, value in _under("module.", Graphonomy()).items()
        if not key.endswith("num_batches_tracked")
    }
    return _saved(state, folder / "inference.pth", legacy=True)


def _dpt_large(folder: Path) -> Path:
    from unripple.models.dpt import DPT

    with torch.device("meta"):
        state = _under("", DPT())
    filled = {key: _noise(key, value) for key, value in state.items()}
    return _saved(filled, folder / "dpt_large-midas-2f21e586.pt", legacy=True)


def _noise(key: str, like: Tensor) -> Tensor:
    """A weight as layers begin with it, by one draw again and again: 344 million take long."""
    if like.dim() < 2:
        return torch.ones(like.shape) if key.endswith("weight") else torch.zeros(like.shape)
    spread = like[0].numel() ** -0.5
    repeats = -(-like.numel() // len(_DRAW))
    return (spread * _DRAW).repeat(repeats)[: like.numel()].view(like.shape).clone()


def _arcface(folder: Path) -> Path:
    from unripple.models.irse import Backbone

    return _saved(_under("", Backbone()), folder / "model_ir_se50.pth", legacy=True)


def _lama(folder: Path) -> Path:
    from unripple.models.lama import Lama

    checkpoint = {
        "epoch": 39,
        "state_dict": {
            **_under("generator.", Lama()),
            "discriminator.model0.0.weight": torch.zeros(64, 3, 4, 4),
        },
        "callbacks": {"checkpoint": foreign_object()},
        "hyper_parameters": {"losses": {"l1": 10}},
    }
    path = folder / "big-lama.zip"
    inside = io.BytesIO()
    torch.save(checkpoint, inside)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("big-lama/config.yaml", "generator: {kind: ffc_resnet}\n")
        archive.writestr("big-lama/models/best.ckpt", inside.getvalue())
    return path


def foreign_object() -> object:
    """An object of a class of PyTorch-Lightning, written without having that installed."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    module = types.ModuleType(name)
    made = type("ModelCheckpoint", (), {"__module__": name})
    module.ModelCheckpoint = made  # type: ignore[attr-defined]
    for parent in ("pytorch_lightning", "pytorch_lightning.callbacks"):
        sys.modules.setdefault(parent, types.ModuleType(parent))
    sys.modules[name] = module
    thing: object = made()
    thing.__dict__["monitor"] = "val_ssim_fid100_f1_total_mean"
    return thing


def _under(prefix: str, net: nn.Module) -> State:
    return {prefix + key: value for key, value in net.state_dict().items()}


def _saved(content: Mapping[str, object], path: Path, *, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path
