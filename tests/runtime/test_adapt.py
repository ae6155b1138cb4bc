"""A face in another domain: whose codes and offsets are drawn, noise, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny import CHANNELS, SIZE, networks, picture, save_model, write_models
from unripple.cli.main import main
from unripple.conventions import BadCheckpoint, BadConfig, UnknownName
from unripple.models import restyle, stylegan2
from unripple.runtime.adapt import Adapted, Domain, adapt, generator_of, settings_of
from unripple.runtime.editor import Editor
from unripple.zoo.zoo import Zoo

LAYERS = (0, 3, 9)  # that the tiny hypernetwork tunes


def generator(folder: Path, name: str, **sizes: Any) -> str:
    """A generator of another domain, noisy."""
    torch.manual_seed(5)
    net = stylegan2.Generator(
        **{"size": SIZE, "style_dim": 16, "n_mlp": 2, "channels": CHANNELS} | sizes
    )
    for i in range(net.n_codes - 1):
        torch.nn.init.constant_(net.styled(i).noise.weight, 0.2)
    state = net.state_dict() | {"latent_avg": torch.zeros(16)}
    save_model(folder / f"{name}.safetensors", state, arch="generator", size=SIZE)
    return str(folder / f"{name}.safetensors")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return write_models(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return generator(tmp_path_factory.mktemp("domain"), "clay")


@pytest.fixture
def config(models: dict[str, str]) -> dict[str, Any]:
    return {"models": models, "align": {"mode": "aligned"}}


def adapted(config: dict[str, Any], to: str, **how: Any) -> Adapted:
    editor = Editor(settings=settings_of(config))
    return adapt(editor, editor.open(picture(0)), Domain(generator=to, **how))


def test_a_photo_s_codes_and_offsets_are_drawn_by_the_domain_s_generator(
    config: dict[str, Any], domain: str
) -> None:
    editor = Editor(settings=settings_of(config))
    source = editor.open(picture(0))
    found = adapt(editor, source, Domain(generator=domain, first_layer=3, noise="none"))
    made: Any = editor.run(source, "invert")
    hypernet: Any = editor.zoo.load("hypernet").net
    net: Any = Zoo({"generator": domain}).load("generator").net
    kept = torch.from_numpy(made["invert"]["layer_codes"])[None]
    offsets = hypernet.offsets(kept, 5)
    assert set(offsets) == set(LAYERS)
    with torch.no_grad():
        w_plus = torch.from_numpy(made["project"]["w_plus"])[None]
        of_late = {number: offsets[number] for number in (3, 9)}
        drawn = net.synthesize(w_plus, noise="none", weight_offsets=of_late)
    levels = ((drawn.clamp(-1, 1) + 1) * 127.5).round()[0].permute(1, 2, 0).numpy()
    assert np.array_equal(found.picture, levels.astype(np.uint8))
    assert np.array_equal(found.inverted, made["invert"]["picture"])
    assert np.array_equal(found.photo, picture(0))


def test_noise_follows_the_seed_and_nothing_else(config: dict[str, Any], domain: str) -> None:
    one, same, other = (adapted(config, domain, seed=seed).picture for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    still = [adapted(config, domain, seed=seed, noise="none").picture for seed in (1, 2)]
    assert np.array_equal(*still)


def test_restyle_s_codes_are_drawn_where_there_is_one(
    config: dict[str, Any], domain: str, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    thin = {"widths": (4, 8, 4, 8, 4), "units": (1, 1, 1, 1)}
    net = restyle.RestyleEncoder(**thin, style_dim=16, n_codes=10, side=4)
    state = net.state_dict() | {"latent_avg": torch.full((16,), 0.1)}
    save_model(tmp_path / "restyle.safetensors", state, arch="restyle", size=SIZE)
    own = adapted(config, domain, noise="none")
    with_it = config | {
        "models": config["models"] | {"restyle": str(tmp_path / "restyle.safetensors")}
    }
    restyled = adapted(with_it, domain, noise="none")
    assert not np.array_equal(restyled.picture, own.picture)
    assert np.array_equal(restyled.inverted, own.inverted)  # found from the config's codes
    asked = adapted(with_it, domain, noise="none", codes="encoder")
    assert np.array_equal(asked.picture, own.picture)


def test_a_generator_of_other_layers_is_refused(config: dict[str, Any], tmp_path: Path) -> None:
    wide = generator(tmp_path, "wide", channels=CHANNELS | {64: 4})
    with pytest.raises(BadConfig, match=r"--to .*wide.*fine-tuned"):
        generator_of(Zoo(config["models"]), wide)
    with pytest.raises(UnknownName, match="did you mean"):
        generator_of(Zoo(config["models"]), "toonifi")
    with pytest.raises(BadCheckpoint, match="models fetch toonify"):
        generator_of(Zoo(config["models"]), "toonify")
    with pytest.raises(BadConfig, match="holds no generator"):
        generator_of(Zoo(config["models"]), "faces_w_encoder")


@pytest.mark.parametrize(
    ("other", "told"), [({"first_layer": -1}, "layers"), ({"seed": -1}, "seed")]
)
def test_what_no_generator_has_is_refused(other: Any, told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        Domain(generator="ink", **other)


# The command


@pytest.fixture
def folder(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import yaml

    monkeypatch.chdir(tmp_path)
    Path("data/photos").mkdir(parents=True)
    for seed, name in enumerate(("anna", "bob")):
        Image.fromarray(picture(seed)).save(Path("data/photos", f"{name}.png"))
    Path("config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def test_photos_become_files(folder: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["adapt", "data/photos/anna.png", "--to", domain, "--noise", "none"]
    assert main([*words, "-o", "anna.png"]) == 0
    assert capsys.readouterr().out == "anna.png\n"
    drawn = np.asarray(Image.open("anna.png"))
    assert drawn.shape == (SIZE, SIZE, 3)
    photos = ["data/photos/anna.png", "data/photos/bob.png", "data/photos/anna.png"]
    assert main(["adapt", *photos, "--to", domain, "--noise", "none", "--beside"]) == 0
    outs = capsys.readouterr().out.split()
    assert len(outs) == 2
    beside = np.asarray(Image.open(outs[0]))
    assert beside.shape == (SIZE, 3 * SIZE, 3)
    assert np.array_equal(beside[:, 2 * SIZE :], drawn)
    assert np.array_equal(beside[:, :SIZE], picture(0))


def test_mistakes_are_told_and_nothing_is_lost(
    folder: Path, domain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = ["data/photos/anna.png", "data/photos/bob.png"]
    before = Path(photos[0]).read_bytes()
    for words, told in (
        ([*photos, "--to", domain, "-o", "one.png"], "name a folder"),
        ([photos[0], "--to", domain, "-o", photos[0]], "--overwrite"),
        ([photos[0], "--to", "toonify"], "models fetch toonify"),
        ([photos[0], "--to", domain, "--first-layer", "-2"], "--first-layer"),
        ([photos[0], "--to", domain, "--codes", "guess"], "project.method"),
    ):
        assert main(["adapt", *words]) in (1, 2), words
        assert told in capsys.readouterr().err, words
    assert Path(photos[0]).read_bytes() == before
    assert main(["adapt", photos[0], "--to", domain, "-o", "out"]) == 0
    assert [file.name for file in Path("out").iterdir()] == ["anna.clay.png"]
    assert main(["adapt", photos[0], "--to", domain, "-o", "out"]) == 2
    assert "there" in capsys.readouterr().err
    assert main(["adapt", photos[0], "--to", domain, "-o", "out", "--overwrite"]) == 0


def test_the_embedded_drawings_belong_to_the_embedded_generator() -> None:
    net = generator_of(Zoo(), "ink")
    base: Any = Zoo().load("generator").net
    with torch.no_grad():
        w_plus = base.map(torch.zeros(1, base.style_dim))[:, None].expand(-1, base.n_codes, -1)
        pictures = [one.synthesize(w_plus) for one in (base, net)]
    assert float((pictures[0] - pictures[1]).abs().mean()) > 0.05
    assert networks().keys() >= {"hypernet"}
