"""StyleFeatureEditor, HyperStyle, ReStyle, pSp and the networks of metrics in their containers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.slim import entry, state_of
from unripple.conventions import BadCheckpoint
from unripple.models import (
    delta_mapper,
    e4e,
    hyperstyle,
    id_vit,
    inception,
    lpips,
    psp,
    restyle,
    sfe,
    stylegan2,
    w_encoder,
)
from unripple.zoo.containers import read_container
from unripple.zoo.index import Entry, Index, read_index
from unripple.zoo.layouts import LAYOUTS
from unripple.zoo.networks import EXTRAS, fitted, load
from unripple.zoo.published import convert, recognise

SHA = "ab" * 32
CPU = torch.device("cpu")
THIN: dict[str, Any] = {"widths": (4, 8, 4, 8, 4), "units": (1, 1, 1, 1)}
CHANNELS = {4: 8, 8: 8, 16: 8, 32: 6}
CODES, W = 8, 8

SFE_BOTH = {"sfe_editor": "sfe_editor", "inverter": "sfe_inverter"}
HYPER = {"hypernet": "hyperstyle", "generator": "stylegan2"}
ENTRIES: dict[str, Entry] = {
    one.name: one
    for one in (
        entry("sfe_editor_light", "sfe_editor", SFE_BOTH),
        entry("sfe_editor", "sfe_editor_full", SFE_BOTH),
        entry("sfe_inverter_light", "sfe_inverter", {"inverter": "sfe_inverter"}),
        entry("sfe_inverter", "sfe_inverter_full", {"inverter": "sfe_inverter"}),
        entry("hyperstyle", "hyperstyle", HYPER),
        entry("w_encoder", "w_encoder", {"w_encoder": "w_encoder"}),
        entry("restyle", "restyle", {"restyle": "restyle", "generator": "stylegan2"}),
        entry("restyle_cars", "restyle", {"restyle": "restyle_resnet", "generator": "stylegan2"}),
        entry("psp", "psp", {"generator": "stylegan2", "encoder": "psp"}),
        entry("e4e", "e4e", {"generator": "stylegan2", "encoder": "e4e"}),
        entry("id_vit", "id_vit", {"id_vit": "id_vit"}),
        entry("delta_mapper", "flat", {"delta_mapper": "delta_mapper"}),
        entry("alexnet", "convolutions", {"lpips_trunk": "alexnet"}),
        entry("vgg16", "convolutions", {"lpips_trunk": "vgg16"}),
        entry("lpips_alex", "flat", {"lpips_head": "lpips_head"}),
    )
}
LOCK = Index(ENTRIES, {})


def networks() -> dict[str, nn.Module]:
    """A slim network by the word of its kind."""
    torch.manual_seed(0)
    encoder = {"size": 32, **THIN, "style_dim": W, "n_codes": CODES}
    rows = {**THIN, "style_dim": W, "n_codes": CODES, "side": 2}
    return {
        "stylegan2": stylegan2.Generator(32, W, 2, CHANNELS),
        "sfe_inverter": sfe.Inverter(**THIN, style_dim=W, n_codes=CODES, features=8, blocks=1),
        "sfe_editor": sfe.FeatureMixer(8, 1),
        "hyperstyle": hyperstyle.Hypernet(
            (0, 2, 3, 8, 9), CHANNELS, **THIN, code=6, shared_inner=3, inner=4, halvings=2
        ),
        "w_encoder": w_encoder.WEncoder(**THIN, style_dim=W),
        "restyle": restyle.RestyleEncoder(**rows),
        "restyle_resnet": restyle.RestyleResNetEncoder(**rows),
        "psp": psp.PSPEncoder(**encoder),
        "e4e": e4e.Encoder(**encoder),
        "id_vit": id_vit.IdViT(64, 1, 8, 2),
        "delta_mapper": delta_mapper.DeltaMapper(4, 6, 5),
        "alexnet": lpips.AlexNet((2, 3, 4, 4, 4)),
        "vgg16": lpips.VGG16((2, 3, 4, 4, 4)),
        "lpips_head": lpips.Weights((2, 3, 4, 4, 4)),
    }


MADE = networks()


def repeated(state: dict[str, Tensor], blocks: tuple[int, ...]) -> dict[str, Tensor]:
    """A hypernetwork as it is published: the shared one once more in every block that uses it."""
    shared = [key for key in state if "shared_weight_hypernet." in key]
    return state | {
        key.replace("shared_weight_hypernet", f"refinement_blocks.{n}.hypernet"): state[key]
        for n in blocks
        for key in shared
    }


def contents() -> dict[str, Any]:
    """Entry -> what its published file holds."""
    mean = {"latent_avg": torch.randn(CODES, W)}
    decoder = state_of(MADE["stylegan2"], "decoder.")
    editor = state_of(MADE["sfe_editor"], "encoder.") | state_of(MADE["sfe_inverter"], "inverter.")
    inverter = state_of(MADE["sfe_inverter"], "encoder.")
    others = decoder | state_of(MADE["e4e"], "e4e_encoder.") | {"discriminator.w": torch.ones(1)}
    training = {"encoder_opt": {"lr": 1e-4}, "latent_avg": torch.randn(W)}
    hypernet = repeated(state_of(MADE["hyperstyle"], "hypernet."), (0, 2, 3))

    def framed(kind: str, encoder_type: str) -> dict[str, Any]:
        state = decoder | state_of(MADE[kind], "encoder.")
        return {"state_dict": state, **mean, "opts": {"encoder_type": encoder_type}}

    return {
        "sfe_editor_light": {"state_dict": editor},
        "sfe_editor": {"state_dict": editor | others, **training},
        "sfe_inverter_light": {"state_dict": inverter},
        "sfe_inverter": {"state_dict": inverter | others, **training},
        "hyperstyle": {"state_dict": hypernet | decoder, **mean, "opts": {}, "global_step": 3},
        "w_encoder": framed("w_encoder", "WEncoder"),
        "restyle": framed("restyle", "ProgressiveBackboneEncoder"),
        "restyle_cars": framed("restyle_resnet", "ResNetProgressiveBackboneEncoder"),
        "psp": framed("psp", "GradualStyleEncoder"),
        "e4e": framed("e4e", "Encoder4Editing"),
        "id_vit": state_of(MADE["id_vit"]) | {"loss.weight": torch.zeros(9, 64)},
        "delta_mapper": state_of(MADE["delta_mapper"]),
        "alexnet": state_of(MADE["alexnet"]) | {"classifier.1.weight": torch.ones(2, 2)},
        "vgg16": state_of(MADE["vgg16"]) | {"classifier.0.weight": torch.ones(2, 2)},
        "lpips_alex": state_of(MADE["lpips_head"]),
    }


@pytest.mark.parametrize("name", ENTRIES)
def test_every_network_of_a_file_comes_out_ready(name: str, tmp_path: Path) -> None:
    source = tmp_path / "published.pt"
    torch.save(contents()[name], source)
    files = convert(source, ENTRIES[name], tmp_path / "models", sha256=SHA)
    assert files.keys() == ENTRIES[name].networks.keys()
    for role, path in files.items():
        model = load(role, path, CPU)
        assert model.network == ENTRIES[name].networks[role]
        expected, loaded = MADE[model.network].state_dict(), model.net.state_dict()
        assert loaded.keys() == expected.keys()
        assert all(torch.equal(loaded[key], value) for key, value in expected.items())
        means = ("generator", "encoder", "w_encoder", "restyle")
        assert ("latent_avg" in model.extras) == (role in means), role


@pytest.mark.parametrize("name", ENTRIES)
def test_a_file_is_known_by_what_it_holds(name: str, tmp_path: Path) -> None:
    """`encoder.` is the editor in one file of StyleFeatureEditor and the inverter in the other;
    pSp has e4e's keys and shapes."""
    source = tmp_path / "renamed.pt"
    torch.save(contents()[name], source)
    assert [one.name for one in recognise(read_container(source), LOCK)] == [name]


def test_without_its_options_nobody_can_tell_psp_from_e4e() -> None:
    content = contents()["psp"]
    del content["opts"]
    assert [one.name for one in recognise(content, LOCK)] == ["psp", "e4e"]


def test_a_bare_dict_is_an_editor_too() -> None:
    content = contents()["sfe_editor_light"]["state_dict"]
    assert [one.name for one in recognise(content, LOCK)] == ["sfe_editor_light"]


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("sfe_editor_light", "sfe_inverter_light", r"looked for keys inverter\.\*"),
        ("sfe_inverter_light", "sfe_editor_light", r"encoder\.\* and no inverter\.\*"),
        ("sfe_editor_light", "sfe_editor", "looked for no generator"),
        ("sfe_inverter", "sfe_inverter_light", "looked for a generator"),
        ("psp", "e4e", "the encoder Encoder4Editing, not GradualStyleEncoder"),
        ("e4e", "psp", "the encoder is pSp's"),
    ],
)
def test_another_file_is_refused_by_name(name: str, held: str, said: str, tmp_path: Path) -> None:
    source = tmp_path / "wrong.pt"
    torch.save(contents()[held], source)
    with pytest.raises(BadCheckpoint, match=said):
        convert(source, ENTRIES[name], tmp_path / "models", sha256=SHA)
    assert not (tmp_path / "models").exists()


def test_a_block_with_a_hypernetwork_of_its_own_is_refused(tmp_path: Path) -> None:
    content = contents()["hyperstyle"]
    key = "hypernet.refinement_blocks.2.hypernet.w1"
    content["state_dict"][key] = content["state_dict"][key] + 1
    source = tmp_path / "wrong.pt"
    torch.save(content, source)
    with pytest.raises(BadCheckpoint, match="is not the shared hypernetwork's w1"):
        convert(source, ENTRIES["hyperstyle"], tmp_path / "models", sha256=SHA)


# The published sizes, without values


def golden_state(goldens: Path, name: str, prefix: str = "") -> dict[str, Tensor]:
    place = goldens / name
    facts = json.loads((place / "golden.json").read_text())
    return {
        key.removeprefix(prefix): torch.empty(
            one["shape"], dtype=getattr(torch, one.get("dtype", "float32")), device="meta"
        )
        for key, one in facts["state"].items()
        if key.startswith(prefix)
    }


def _wrapped(state: dict[str, Tensor]) -> dict[str, Any]:
    mean = state.pop("latent_avg", torch.empty(18, 512, device="meta"))
    return {"state_dict": state, "latent_avg": mean, "opts": {}}


def _decoder(goldens: Path) -> dict[str, Tensor]:
    return {f"decoder.{key}": v for key, v in golden_state(goldens, "stylegan2").items()}


def published(goldens: Path, name: str) -> Any:
    if name == "sfe_editor_light":
        state = golden_state(goldens, "sfe")
        return {"state_dict": {k: v for k, v in state.items() if k[:7] in ("encoder", "inverte")}}
    if name == "sfe_inverter_light":
        inverter = golden_state(goldens, "sfe", "inverter.")
        return {"state_dict": {f"encoder.{key}": value for key, value in inverter.items()}}
    if name == "hyperstyle":
        state = {**golden_state(goldens, "hyperstyle")}
        state = {key: v for key, v in state.items() if not key.startswith("w_encoder.")}
        return _wrapped(repeated(state, (0, 2, 3, 5, 6, 8, 9, 11, 12)))
    if name == "faces_w_encoder":
        encoder = golden_state(goldens, "hyperstyle", "w_encoder.")
        return _wrapped({f"encoder.{key}": value for key, value in encoder.items()})
    if name.startswith("restyle_e4e"):
        prefix = "encoder." if name == "restyle_e4e" else "resnet_encoder."
        encoder = golden_state(goldens, "restyle_e4e", prefix)
        return _wrapped(_decoder(goldens) | {f"encoder.{key}": v for key, v in encoder.items()})
    if name == "psp":
        return _wrapped(_decoder(goldens) | golden_state(goldens, "psp"))
    if name == "lpips_alex":
        lins = golden_state(goldens, "lpips", "lin.")
        return {f"lin{key[0]}.model{key[1:]}": value for key, value in lins.items()}
    return golden_state(goldens, {"delta_mapper": "deltaedit"}.get(name, name))


@pytest.mark.parametrize(
    "name",
    [
        "sfe_editor_light",
        "sfe_inverter_light",
        "hyperstyle",
        "faces_w_encoder",
        "restyle_e4e",
        "restyle_e4e_wild",
        "psp",
        "id_vit",
        "delta_mapper",
        "lpips_alex",
    ],
)
def test_the_published_layouts_fit_strictly(name: str, goldens: Path, repo: Path) -> None:
    entry = read_index(repo / "data" / "models.lock.yaml").entry(name)
    states = LAYOUTS[entry.layout](published(goldens, name), entry)
    for role, network in entry.networks.items():
        held = {key: value for key, value in states[role].items() if key not in EXTRAS}
        fitted(role, network, held, name, "nothing")


@pytest.mark.parametrize("name", ["stylegan2_cars", "stylegan2_wild"])
def test_generators_of_512_px_have_16_codes(name: str, repo: Path) -> None:
    entry = read_index(repo / "data" / "models.lock.yaml").entry(name)
    with torch.device("meta"):
        state = stylegan2.Generator(512).state_dict()
    held = LAYOUTS[entry.layout]({"g_ema": state}, entry)["generator"]
    net = fitted("generator", "stylegan2", held, name, "nothing")
    assert isinstance(net, stylegan2.Generator) and (net.size, net.n_codes) == (512, 16)


@pytest.mark.parametrize(
    ("name", "seen"), [("hyperstyle_cars", (192, 256)), ("hyperstyle_wild", (256, 256))]
)
def test_cars_and_wild_animals_are_drawn_from_16_codes(
    name: str, seen: tuple[int, int], repo: Path, tmp_path: Path
) -> None:
    """From a file in the published container: the generator's whole square, of which cars are
    looked at without the rows above and below."""
    torch.manual_seed(0)
    channels = {4 << n: 6 if n < 5 else 4 for n in range(8)}
    generator = stylegan2.Generator(512, W, 2, channels)
    tuned = [number for number in hyperstyle.TUNED if number < 23]
    hypernet = hyperstyle.Hypernet(tuned, channels, **THIN, code=6, shared_inner=3, inner=4)
    own = state_of(hypernet, "hypernet.")
    blocks = tuple(sorted(hypernet.shared))
    content = {
        "state_dict": repeated(own, blocks) | state_of(generator, "decoder."),
        "latent_avg": torch.randn(16, W),
        "opts": {"output_size": 512},
    }
    torch.save(content, source := tmp_path / "published.pt")
    listed = read_index(repo / "data" / "models.lock.yaml").entry(name)
    files = convert(source, listed, tmp_path / "models", sha256=SHA)
    nets: dict[str, Any] = {role: load(role, path, CPU).net for role, path in files.items()}
    assert (nets["generator"].size, nets["generator"].n_codes) == (512, 16)
    with torch.no_grad():
        steps = hyperstyle.refined(
            nets["hypernet"],
            nets["generator"],
            torch.rand(1, 3, *seen) * 2 - 1,
            torch.randn(1, 16, W),
            iterations=2,
        )
        pictures = [step.picture for step in steps]
    assert all(picture.shape == (1, 3, 512, 512) for picture in pictures)
    assert pictures[0].isfinite().all() and not torch.equal(*pictures)


def test_the_inception_of_fid_is_torchvisions_by_its_keys(repo: Path) -> None:
    """The published file is older than the counters of batch norms."""
    from torchvision.models import inception_v3

    entry = read_index(repo / "data" / "models.lock.yaml").entry("inception")
    with torch.device("meta"):
        theirs = inception_v3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
    old = {key: v for key, v in theirs.items() if not key.endswith("num_batches_tracked")}
    held = LAYOUTS[entry.layout](old, entry)["inception"]
    fitted("inception", "inception", held, "inception", "nothing")


@torch.no_grad()
def test_the_inception_of_fid_pools_as_tensorflow_does() -> None:
    torch.manual_seed(0)
    ones = torch.ones(1, 4, 5, 5)
    assert torch.equal(inception._average(ones), ones)  # torchvision's own counts the border
    net = inception.Inception().eval()
    assert net.Mixed_7c.pool is not net.Mixed_7b.pool
    pictures = torch.rand(2, 3, 70, 90) * 2 - 1
    together = net(pictures)
    assert together.shape == (2, 2048)
    torch.testing.assert_close(net(pictures[1:]), together[1:], atol=1e-5, rtol=1e-4)
