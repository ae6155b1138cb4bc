"""Weights files to ready networks: built by sizes read from the weights, then a strict load."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unripple.conventions import BadCheckpoint, UnrippleError
from unripple.extras import need
from unripple.models.layers.folding import fold_norms
from unripple.zoo import gpus
from unripple.zoo.empty import shapes_only
from unripple.zoo.over import files_of, whole_state
from unripple.zoo.streaming import FileViews
from unripple.zoo.weights import read_header, size_px

EXTRAS = ("latent_avg", "text_vectors")
"""Tensors beside the weights proper: generator and encoder files hold the mean code, mappers the
vectors of their texts."""

NETWORKS_OF: Mapping[str, tuple[str, ...]] = {
    "generator": ("stylegan2",),
    "encoder": ("e4e", "anycost_encoder", "psp"),
    "hfgi": ("hfgi",),
    "parser": ("bisenet", "graphonomy"),
    "depth": ("dpt",),
    "inpainter": ("lama",),
    "landmarks": ("landmarks",),
    "pose": ("pose",),
    "attributes": ("attributes",),
    "identity": ("curricularface", "arcface"),
    "restorer": ("gfpgan",),
    "clip": ("clip",),
    "relevance": ("relevance",),
    "style_spread": ("relevance",),
    "mapper": ("latent_mapper", "style_mapper"),
    "head": ("mean_head",),
    "person": ("tflite_graph",),
    "mesh_judge": ("tflite_graph",),
    "identity_judge": ("dlib_face",),
    "mtcnn": ("mtcnn",),
    "inverter": ("sfe_inverter",),
    "sfe_editor": ("sfe_editor", "sfe_flow_editor"),
    "hypernet": ("hyperstyle",),
    "w_encoder": ("w_encoder",),
    "restyle": ("restyle", "restyle_resnet"),
    "delta_mapper": ("delta_mapper",),
    "id_vit": ("id_vit",),
    "inception": ("inception",),
    "lpips_trunk": ("alexnet", "vgg16"),
    "lpips_head": ("lpips_head",),
}
"""Role -> the networks that may fill it. The metadata's word `network` says which, else a telltale
key (below), else it is the first one."""

TELLTALES: Mapping[str, str] = {
    "anycost_encoder": "mean_latent",
    "graphonomy": "semantic.weight",
    "arcface": "output_layer.4.weight",
    "restyle_resnet": "conv1.weight",
    "style_mapper": "mapper_0.mapping.1.weight",
    "vgg16": "features.28.weight",
    "sfe_flow_editor": "flow.sharpness",
}
"""Network -> a key that no other network of the role has."""

FOLDED = ("parser",)
"""Roles whose batch norms are folded into the convolutions."""

DEAD_KEYS: Mapping[str, tuple[str, ...]] = {
    "bisenet": ("conv_out16.", "conv_out32."),
    "dpt": (
        "pretrained.model.norm.",
        "pretrained.model.head.",
        "scratch.refinenet4.resConfUnit1.",
    ),
    "gfpgan": ("stylegan_decoder.style_mlp.",),
    "inception": ("fc.",),
    "graphonomy": (
        "source_graph_conv3.weight",
        "transpose_graph.adj",
        "target_graph_2_fea.node_fea_for_res",
    ),
}
"""Network -> beginnings of keys that the published file carries along and no result depends on.
They are part of its layout, so they must be there all the same."""


@dataclass(frozen=True)
class Model:
    """A ready network: evaluating, without gradients, float32, on its device.

    Attributes:
        role: what it is for.
        net: the network.
        extras: tensors of its file that are no weights, on the CPU.
        metadata: what its file says about itself.
        path: its file, for messages.
        network: which of the networks of its role it is, a word of `NETWORKS_OF`.
    """

    role: str
    net: nn.Module
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    path: Path = Path()
    network: str = ""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        weights = next(self.net.parameters(), None)
        return torch.device("cpu") if weights is None else weights.device

    @property
    def size_px(self) -> int:
        """Side of the pictures that the network was trained for.

        Raises:
            BadCheckpoint: its file does not say.
        """
        return size_px(self.metadata, self.path)


@dataclass(frozen=True)
class _Net:
    """A network class by name, and the prefix of its keys in the file."""

    module: str
    name: str
    prefix: str = ""

    def build(self, state: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> nn.Module:
        own = {
            key.removeprefix(self.prefix): value
            for key, value in state.items()
            if key.startswith(self.prefix)
        }
        module = importlib.import_module(f"unripple.models.{self.module}")
        sizes = module.sizes_from_state(own)
        return getattr(module, self.name)(**{**sizes, **arguments})


_NETS: Mapping[str, _Net] = {
    "stylegan2": _Net("stylegan2", "Generator"),
    "e4e": _Net("e4e", "Encoder"),
    "anycost_encoder": _Net("anycost", "AnycostEncoder"),
    "bisenet": _Net("bisenet", "BiSeNet"),
    "graphonomy": _Net("graphonomy", "Graphonomy"),
    "dpt": _Net("dpt", "DPT"),
    "lama": _Net("lama", "Lama"),
    "landmarks": _Net("landmarks", "LandmarkNet"),
    "pose": _Net("pose", "PoseNet"),
    "attributes": _Net("attributes", "AttributeNet"),
    "arcface": _Net("irse", "Backbone"),
    "curricularface": _Net("curricularface", "CurricularFace"),
    "gfpgan": _Net("gfpgan", "GFPGAN"),
    "mean_head": _Net("mean_head", "MeanHead"),
    "tflite_graph": _Net("tflite_graph", "TfliteGraph"),
    "dlib_face": _Net("dlib_face", "DlibFace"),
    "mtcnn": _Net("mtcnn", "MTCNN"),
    "psp": _Net("psp", "PSPEncoder"),
    "sfe_inverter": _Net("sfe", "Inverter"),
    "sfe_editor": _Net("sfe", "FeatureMixer"),
    "sfe_flow_editor": _Net("sfe_flow", "FlowMixer"),
    "hyperstyle": _Net("hyperstyle", "Hypernet"),
    "w_encoder": _Net("w_encoder", "WEncoder"),
    "restyle": _Net("restyle", "RestyleEncoder"),
    "restyle_resnet": _Net("restyle", "RestyleResNetEncoder"),
    "relevance": _Net("relevance", "Relevance"),
    "latent_mapper": _Net("mapper", "LatentMapper"),
    "style_mapper": _Net("mapper", "StyleMapper"),
    "delta_mapper": _Net("delta_mapper", "DeltaMapper"),
    "id_vit": _Net("id_vit", "IdViT"),
    "inception": _Net("inception", "Inception"),
    "alexnet": _Net("lpips", "AlexNet"),
    "vgg16": _Net("lpips", "VGG16"),
    "lpips_head": _Net("lpips", "Weights"),
}


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is the GPU if there is one, "gpu:0,1" a free one of these.

    Raises:
        UnrippleError: there is no such device here.
    """
    if name.startswith(gpus.PREFIX):
        gpus.claim(name)
        name = "cuda"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UnrippleError(
            f"device {name!r} is unknown; use cpu, cuda, cuda:1, gpu:0,1 or auto"
        ) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UnrippleError(f"device {name!r}: torch finds no GPU here; use cpu or auto")
    return device


@torch.inference_mode(False)  # who asks first may only look; who asks next may need gradients
def load(role: str, path: Path, device: torch.device) -> Model:
    """Build the network of a role from its file.

    float32 weights stay views of the file until they are used.

    Raises:
        BadCheckpoint: the file is damaged, foreign, or does not fit the network.
    """
    metadata, _ = read_header(path)
    state = whole_state(path, metadata)
    extras = {key: state.pop(key) for key in EXTRAS if key in state}
    remedy = f"name the right file under models.{role}"
    network = choose_network(role, metadata, state, f"{path}", remedy)
    arguments = metadata.get("arguments", {})  # what leaves no trace in the weights
    net = fitted(role, network, state, f"{path}", remedy, arguments)
    _check_finite({**state, **extras}, f"{path}", remedy, FileViews(files_of(path)))
    net.load_state_dict(state, assign=True)
    net.requires_grad_(False).eval().to(device)
    return Model(role, net, extras, metadata, path, network)


def for_inference(model: Model) -> Model:
    """The same network, faster and smaller in place where it will not be trained.

    See `FOLDED`, `models.bisenet` about its side heads, and `zoo.streaming`.
    """
    if model.role in FOLDED:
        fold_norms(model.net)
    if model.network == "bisenet":
        model.net.side_heads = False  # type: ignore[assignment]
    FileViews(files_of(model.path)).stream(model.net)
    return model


def _check_finite(state: Mapping[str, Tensor], where: str, remedy: str, views: FileViews) -> None:
    """Refuse weights that are no numbers: what they make is none either, and may not end.

    Raises:
        BadCheckpoint: there are such; the text names the first.
    """
    for key, tensor in state.items():
        # A finite sum has finite terms only, and costs a tenth of looking at each.
        if not tensor.is_floating_point() or bool(tensor.sum(dtype=torch.float32).isfinite()):
            views.let_go(tensor)
            continue
        if not bool(torch.isfinite(tensor).all()):
            raise BadCheckpoint(
                f"{where}: {key} holds values that are no numbers (NaN or infinite): the file is "
                f"damaged or its training failed; {remedy}"
            )


def choose_network(
    role: str,
    metadata: Mapping[str, Any],
    state: Mapping[str, Tensor],
    where: str,
    remedy: str,
) -> str:
    """Which of the networks of a role some weights are.

    Raises:
        BadCheckpoint: the metadata name a network that is none of them.
    """
    able = NETWORKS_OF[role]
    if "network" not in metadata:
        telling = (word for word in able if TELLTALES.get(word) in state)
        return next(telling, able[0])
    if metadata["network"] not in able:
        raise BadCheckpoint(
            f"{where}: holds a network {metadata['network']!r}, which is no {role} "
            f"({' or '.join(able)}); {remedy}"
        )
    return str(metadata["network"])


def fitted(
    role: str,
    network: str,
    state: Mapping[str, Tensor],
    where: str,
    remedy: str,
    arguments: Mapping[str, Any] | None = None,
) -> nn.Module:
    """The network of some weights, empty, into which they load strictly.

    Args:
        role: what for, for messages.
        network: see `choose_network`.
        state: its weights by their published keys, without extras.
        where, remedy: beginning and end of the message, if they do not.
        arguments: of its class, besides the sizes that are read from the weights.

    Returns:
        The network on the meta device, or on the CPU if it has values that are no weights.

    Raises:
        BadCheckpoint: weights are missing, unknown, or of another shape or kind.
    """
    try:
        with shapes_only():
            net = _built(network, state, arguments or {})
        if {name for name, _ in net.named_buffers()} - set(net.state_dict()):
            net = _built(network, state, arguments or {})
    except (
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        first = ", ".join(sorted(state)[:4])
        reason = " ".join(str(error).split())[:200]
        raise BadCheckpoint(
            f"{where}: these are no weights of a {role} ({network}: {type(error).__name__}: "
            f"{reason}); the file holds {len(state)} tensors: {first}, ...; {remedy}"
        ) from error
    if complaint := _misfits(net.state_dict(), state, DEAD_KEYS.get(network, ())):
        raise BadCheckpoint(f"{where}: does not fit the {role} network:{complaint} {remedy}")
    return net


def _built(network: str, state: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> nn.Module:
    if network == "hfgi":
        return _hfgi(state)
    if network == "clip":
        return _clip(state)
    return _NETS[network].build(state, arguments)


def _hfgi(state: Mapping[str, Tensor]) -> nn.Module:
    """HFGI's two networks under the names of the published file, and ours if it is there."""
    nets = {
        "grid_align": _Net("hfgi", "Aligner", "grid_align.").build(state, {}),
        "residue": _Net("hfgi", "ResidualEncoder", "residue.").build(state, {}),
    }
    if any(key.startswith("motion.") for key in state):
        nets["motion"] = _Net("flow", "EditFlowNet", "motion.").build(state, {})
    return nn.ModuleDict(nets)


def _clip(state: Mapping[str, Tensor]) -> nn.Module:
    """CLIP as open_clip builds it, whose import takes seconds."""
    need("open_clip", "text", "CLIP")
    return importlib.import_module("unripple.models.clip").build(state)


def _misfits(
    wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], dead: tuple[str, ...]
) -> str:
    """What is wrong with some weights, or "". Dead keys are called so."""

    def named(keys: set[str]) -> list[str]:
        return [f"{key} (dead: unused)" if key.startswith(dead) else key for key in sorted(keys)]

    both = sorted(set(wanted) & set(state))
    misshapen = [
        f"{key} {list(state[key].shape)} instead of {list(wanted[key].shape)}"
        for key in both
        if wanted[key].shape != state[key].shape
    ]
    other_kind = [
        f"{key} {state[key].dtype} for {wanted[key].dtype}"
        for key in both
        if wanted[key].is_floating_point() != state[key].is_floating_point()
    ]
    return (
        _listing("missing", named(set(wanted) - set(state)))
        + _listing("unknown", named(set(state) - set(wanted)))
        + _listing("of another shape", misshapen)
        + _listing("of another type", other_kind)
    )


def _listing(word: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f" {len(names)} {word} ({', '.join(names[:3])}{more});"
