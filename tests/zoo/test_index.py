"""The list of published files: complete, honest, and in step with what the goldens know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unripple.conventions import BadConfig, UnknownName
from unripple.zoo.index import Index, read_index
from unripple.zoo.web import allowed

GOLDENS = {
    "hfgi": "hfgi",
    "e4e": "e4e",
    "stylegan2": "stylegan2",
    "anycost": "anycost_generator",
    "anycost_encoder": "anycost_encoder",
    "arcface": "arcface",
    "curricularface": "curricularface",
    "graphonomy": "graphonomy",
    "bisenet": "bisenet",
    "dpt_large": "dpt_large",
    "dpt_hybrid": "dpt_hybrid",
    "lama": "lama",
    "gfpgan": "gfpgan",
    "clip": "clip_vit_b32",
    "age": "latent_edits",
    "smile": "latent_edits",
    "pose_direction": "latent_edits",
    "ffhq_pca": "latent_edits",
    "hyperstyle": "hyperstyle",
    "faces_w_encoder": "hyperstyle",
    "sfe_editor_light": "sfe",
    "sfe_inverter_light": "sfe",
    "restyle_e4e": "restyle_e4e",
    "restyle_e4e_cars": "restyle_e4e",
    "restyle_e4e_church": "restyle_e4e",
    "restyle_e4e_horse": "restyle_e4e",
    "restyle_e4e_wild": "restyle_e4e",
    "psp": "psp",
    "delta_mapper": "deltaedit",
    "fs3": "deltaedit",
    "id_vit": "id_vit",
    "lpips_alex": "lpips",
}
"""Entry -> the golden that describes its published file."""

OTHERS = {
    "alexnet",
    "cars_w_encoder",
    "disney_princess",
    "farl_lapa",
    "fs_eyeglasses",
    "fs_makeup",
    "fs_smiling",
    "hyperstyle_cars",
    "hyperstyle_wild",
    "inception",
    "iresnet50",
    "lpips_vgg",
    "pixar",
    "s_mean_std",
    "sfe_editor",
    "sfe_inverter",
    "sketch",
    "stylegan2_cars",
    "stylegan2_wild",
    "toonify",
    "vgg16",
    "wild_w_encoder",
    *(f"styleclip_{name}" for name in (
        "afro", "angry", "beyonce", "bobcut", "bowlcut", "curly_hair", "depp", "clinton",
        "mohawk", "purple_hair", "surprised", "taylor_swift", "trump", "zuckerberg",
    )),
    *(f"latents_{part}_{who}" for part in ("train", "test") for who in ("data", "female", "male")),
}  # fmt: skip
"""Entries that no golden describes."""

MAPPERS = (
    "color_sum", "celeb_female_sum", "celeb_male_sum", "hairstyle_sum", "color_cat",
    "hairstyle_cat", "color_clip", "Disney_clip_cat", "hairstyle_clip_cat", "multi_sum",
)  # fmt: skip
"""Those of several texts."""


UNNAMED = ("restyle_e4e_cars", "restyle_e4e_church", "restyle_e4e_horse", "restyle_e4e_wild")
"""Entries whose golden gives their address and not their file name."""

PACKAGED = ("selfie", "face_mesh", "dlib_face", "lpips_alex_packaged", "lpips_vgg_packaged")
"""Entries that lie inside packages of PyPI."""


@pytest.fixture(scope="module")
def lock(repo: Path) -> Index:
    return read_index(repo / "data" / "models.lock.yaml")


def test_every_entry_says_what_a_person_must_know(lock: Index) -> None:
    assert set(lock.entries) == {*GOLDENS, *OTHERS, *PACKAGED, *MAPPERS}
    for entry in lock.entries.values():
        assert entry.what and entry.file and entry.layout, entry.name
        assert entry.page.startswith("https://"), entry.name
        if entry.name in PACKAGED:
            assert re.fullmatch(r"[a-z-]+==[0-9.]+", entry.package or ""), entry.name
            assert entry.member and entry.sha256 and entry.size, entry.name
            continue
        assert entry.urls and len(set(entry.urls)) == len(entry.urls), entry.name
        assert all(allowed(url) for url in entry.urls), entry.name
        assert entry.commercial in (True, False, None), entry.name
        short = entry.licence.partition(";")[0]
        assert 0 < len(short) <= 20 and len(entry.licence) > len(short), entry.name


def test_digests_and_sizes_have_their_form(lock: Index) -> None:
    for entry in lock.entries.values():
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256), entry.name
        assert entry.size is None or entry.size > 1000, entry.name


def test_loadable_entries_say_at_which_size_they_work(lock: Index) -> None:
    for entry in lock.entries.values():
        assert set(entry.metadata) == set(entry.networks), entry.name
        assert all(words["size"] >= 112 for words in entry.metadata.values()), entry.name
        assert bool(entry.networks) == (entry.layout != "later"), entry.name


def test_copies_of_other_people_need_a_known_sha256(lock: Index) -> None:
    """Where none is known, only the authors' place or another published project's is asked."""
    official = (
        "drive.usercontent.google.com",
        "huggingface.co/AIRI-Institute/",
        "huggingface.co/smartywu/big-lama/",
        "hanlab18.mit.edu/projects/anycost-gan/",
    )
    for entry in lock.entries.values():
        for url in entry.urls:
            known = any(url.startswith(f"https://{place}") for place in official)
            assert known or entry.sha256, (entry.name, url)


def test_nvidias_generator_is_nowhere_called_free(lock: Index) -> None:
    for name in ("hfgi", "e4e", "stylegan2", "hyperstyle", "faces_w_encoder"):
        assert lock.entry(name).commercial is False
        assert "NC" in lock.entry(name).licence and "CC BY-NC-SA 4.0" in lock.entry(name).licence
    assert "no licence file" in lock.entry("hfgi").licence
    assert lock.entry("gfpgan").commercial is False


def test_names_in_the_folder_are_unique(lock: Index) -> None:
    names = [
        name
        for entry in lock.entries.values()
        for name in (entry.kept_as, *(entry.converted_as(role) for role in entry.networks))
    ]
    assert len(names) == len(set(names))


def test_sets_choose_networks_of_the_right_role(lock: Index) -> None:
    assert lock.sets["published"] == {
        "generator": "hfgi",
        "encoder": "hfgi",
        "hfgi": "hfgi",
        "parser": "graphonomy",
        "depth": "dpt_large",
        "inpainter": "lama",
        "identity": "arcface",
    }
    names = [entry.name for entry in lock.chosen("published")]
    assert names[:2] == ["hfgi", "graphonomy"]
    assert {"age", "smile", "pose_direction"} < set(names)
    assert len(names) == len(set(names))
    assert [entry.name for entry in lock.chosen("directions")][-1] == "ffhq_pca"
    assert [entry.name for entry in lock.chosen("lama")] == ["lama"]


def test_a_misspelt_name_gets_the_nearest(lock: Index) -> None:
    with pytest.raises(UnknownName, match="did you mean 'published'"):
        lock.chosen("publishd")
    with pytest.raises(UnknownName, match="did you mean 'bisenet'"):
        lock.entry("bisnet")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_entries_agree_with_the_goldens(lock: Index, goldens: Path, name: str) -> None:
    entry = lock.entry(name)
    facts = json.loads((goldens / GOLDENS[name] / "golden.json").read_text())
    published = facts["published_checkpoint"]
    told = " ".join(_texts(published))
    assert entry.file in told or name in UNNAMED
    if entry.member is not None:
        assert entry.member in told
    sha256 = published.get("sha256")
    if isinstance(sha256, dict):
        assert entry.sha256 == sha256[entry.file]
    elif sha256 is not None:
        assert entry.sha256 == sha256
    assert published.get("size") in (None, entry.size)
    for number in re.findall(r"(?:id |/d/|id=)([\w-]{25,})", " ".join(entry.urls[:1])):
        assert number in told
    starts = re.search(r"-([0-9a-f]{8})\.pt$", entry.file)
    assert starts is None or str(entry.sha256).startswith(starts.group(1))


def test_directions_have_the_digest_of_the_copies_at_hand(
    lock: Index, published_directions: Path
) -> None:
    import hashlib

    for name in ("age", "smile", "pose_direction", "ffhq_pca"):
        content = (published_directions / lock.entry(name).file).read_bytes()
        assert lock.entry(name).sha256 == hashlib.sha256(content).hexdigest()
        assert lock.entry(name).size == len(content)


ENTRY = """
files:
  net: {what: a net, file: a.pt, page: "https://a", licence: MIT, commercial: true,
        layout: flat, networks: {parser: bisenet}}
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no list of published models"),
        ("files: {net: {file: a.pt}}\nsets: {}", "no list of published models"),
        (ENTRY.replace("layout", "lay_out") + "sets: {}", "lay_out"),
        (ENTRY + "sets: {all: {parser: nett}}", "set all: 'nett' is no entry with a parser"),
        (ENTRY + "sets: {all: {depth: net}}", "set all: 'net' is no entry with a depth"),
        (ENTRY + "sets: {}\ngroups: {all: [net, nett]}", "group all: 'nett' is no entry"),
        (ENTRY + "sets: {}\ngroups: {net: [net]}", "is an entry and a group"),
        (ENTRY + "sets: {net: {parser: net}}", "is an entry and a set"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "models.lock.yaml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=re.escape(complaint)):
        read_index(path)
