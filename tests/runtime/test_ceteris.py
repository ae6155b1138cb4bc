"""Recipe `ceteris_paribus` from end to end: what is offered, what is shared, what comes back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.tiny import CODES, W, snakemake, walk, write_project
from unripple.conventions import BadConfig, NotOffered
from unripple.io.artifact import Artifact
from unripple.io.config import complete, edits, read_config
from unripple.io.results import Results
from unripple.io.sheet import SHEET, read_sheet, write_sheet
from unripple.pipeline.graph import RECIPES
from unripple.pipeline.jobs import Job, job_from_config
from unripple.report.assemble import assemble
from unripple.runtime.editor import Editor
from unripple.zoo.zoo import Zoo

KNOWN, UNKNOWN = "0_0_0_0_0_1_1_0_0", "anna"
SHARD = "00000"
STEPS = RECIPES["ceteris_paribus"]


def project(folder: Path, **sections: Any) -> dict[str, Any]:
    """Two photos, one of which says in its name what it shows; the config, in that folder."""
    write_project(folder, {f"{KNOWN}.png": (64, 64), f"{UNKNOWN}.png": (64, 64)})
    rng = np.random.default_rng(0)
    for name in ("unconditional/B_0", "unconditional/B_1", "unconditional/Hc_4", "own/A_1_fr_0"):
        path = folder / "data/translations" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, 3 * rng.normal(size=(CODES, W)).astype(np.float32))
    (folder / "data/domains").mkdir()
    drawing = np.full((128, 128), 255, np.uint8)
    drawing[:40] = 0
    Image.fromarray(drawing).save(folder / "data/domains/B.png")
    config = json.loads((folder / "config.yaml").read_text()) | {
        "recipe": "ceteris_paribus",
        "translations": "data/translations",
        "own_translations": "data/translations/own",
        "domains": "data/domains",
        "edits": ["B_0", "B_1", {"name": "shaven", "translation": "bald"}, "A_1"],
        **sections,
    }
    (folder / "config.yaml").write_text(json.dumps(config, indent=1))
    return config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return read_config(Path("config.yaml"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after a whole run, with one edit more, whose translation is missing."""
    folder = tmp_path_factory.mktemp("finished")
    config = project(folder, mix={"detail": {"use": True}})
    project_edits = [*config["edits"], "Sk_2"]
    (folder / "config.yaml").write_text(json.dumps({**config, "edits": project_edits}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        walk(read_config(Path("config.yaml")))
    return folder


@pytest.fixture
def walked(finished: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The config of the finished project, in its folder."""
    monkeypatch.chdir(finished)
    return read_config(Path("config.yaml"))


def artifact(stage: str, of: str | None, photo: str) -> Artifact:
    results = Results()
    return results.store.get(results.read_manifest(stage, of, SHARD).keys[photo])


def stored() -> Counter[str]:
    """How many artifacts the store has of each stage."""
    store = Results().store
    return Counter(store.made_from(key)["stage"] for key in store.stored())


def test_what_a_photo_has_is_not_offered_and_neither_failure_nor_picture(
    walked: dict[str, Any],
) -> None:
    for stage in ("translate", "edit", "parse", "mix", "paste", "measure"):
        manifest = Results().read_manifest(stage, "B_1", SHARD)
        assert set(manifest.keys) == {UNKNOWN} and not manifest.failures
        assert manifest.not_offered[KNOWN].message == "the photo has B 1 already"
    specific = Results().read_manifest("compose", "A_1", SHARD)
    assert set(specific.keys) == {KNOWN}
    assert "not known" in specific.not_offered[UNKNOWN].message
    html, figures = assemble(walked, [SHARD], Results())
    failed = {(row["photo"], row["edit"]) for row in json.loads(figures)["failures"]}
    assert failed == {(KNOWN, "Sk_2"), (UNKNOWN, "Sk_2")}
    done = {(row["photo"], row["edit"]) for row in json.loads(figures)["edits"]}
    assert done == {
        *((KNOWN, edit) for edit in ("B_0", "shaven", "A_1")),
        *((UNKNOWN, edit) for edit in ("B_0", "B_1", "shaven")),
    }
    assert "Not offered:" in html and "the photo has B 1 already" in html


def test_what_all_edits_share_is_made_once(walked: dict[str, Any]) -> None:
    once = stored()
    assert {stage: once[stage] for stage in ("align", "project", "invert")} == dict.fromkeys(
        ("align", "project", "invert"), 2
    )
    assert once["parse"] == once["depth"] == 2 + 6  # two photos, six edits
    assert {once[stage] for stage in ("translate", "edit", "restore", "mix", "compose")} == {6}
    walk(walked)
    assert stored() == once


def test_the_codes_move_by_the_translation(walked: dict[str, Any]) -> None:
    offset = np.load("data/translations/unconditional/B_0.npy")
    codes = artifact("project", None, KNOWN)["w_plus"]
    assert np.array_equal(artifact("translate", "B_0", KNOWN)["w_plus"], codes + offset)


def test_far_from_the_domain_every_byte_is_the_photos(walked: dict[str, Any]) -> None:
    photo, composed = artifact("align", None, KNOWN), artifact("compose", "B_0", KNOWN)
    far = 20 + int(np.ceil(walked["mix"]["domain"]["margin_px"] / 2))
    assert np.array_equal(composed["picture"][far:], photo["picture"][far:])
    assert np.array_equal(
        composed["touched"], (composed["picture"] != photo["picture"]).any(axis=2)
    )
    pasted = artifact("paste", "B_0", KNOWN)["picture"]
    with Image.open(f"data/photos/{KNOWN}.png") as original:
        assert np.array_equal(np.asarray(original)[far:], pasted[far:])


def test_the_restorer_repairs_the_face_alone(walked: dict[str, Any]) -> None:
    edited, restored = artifact("edit", "B_0", KNOWN), artifact("restore", "B_0", KNOWN)
    background = artifact("parse", "B_0", KNOWN)["labels"] == 0
    changed = (edited["picture"] != restored["picture"]).any(axis=2)
    assert changed.any() and not changed[background].any()


def test_an_edit_without_its_translation_fails_alone_and_says_what_is_missing(
    walked: dict[str, Any],
) -> None:
    manifest = Results().read_manifest("paste", "Sk_2", SHARD)
    assert not manifest.keys and set(manifest.failures) == {KNOWN, UNKNOWN}
    why = str(manifest.failures[KNOWN])
    assert f"{KNOWN}: translation 'Sk_2' is missing: no Sk_2.npy" in why
    assert UNKNOWN in Results().read_manifest("paste", "B_0", SHARD).keys


def test_the_sheet_tells_what_a_photo_has(config: dict[str, Any]) -> None:
    walk(config, ("align", "project", "translate"))
    rows = [
        row
        if row.photo == KNOWN
        else type(row)(row.photo, row.path, row.shard, "", "0,0,0,0,0,0,1,0,0")
        for row in read_sheet(SHEET)
    ]
    write_sheet(SHEET, rows)
    walk(config, ("translate",))
    assert set(Results().read_manifest("translate", "A_1", SHARD).keys) == {KNOWN, UNKNOWN}
    manifest = Results().read_manifest("translate", "B_0", SHARD)
    assert manifest.not_offered[UNKNOWN].message == "the photo has B 0 already"


def test_a_changed_file_changes_what_is_made_from_it_alone(config: dict[str, Any]) -> None:
    stages = ("align", "project", "translate")
    walk(config, stages)
    before = {
        edit: Results().read_manifest("translate", edit, SHARD).keys for edit in ("B_0", "B_1")
    }
    path = Path("data/translations/unconditional/B_0.npy")
    np.save(path, np.load(path) * 2)
    walk(config, stages)
    after = {edit: Results().read_manifest("translate", edit, SHARD).keys for edit in before}
    assert after["B_1"] == before["B_1"]
    assert not set(after["B_0"].values()) & set(before["B_0"].values())


def test_all_edits_are_those_there_are_files_for(config: dict[str, Any]) -> None:
    config = complete({**json.loads(Path("config.yaml").read_text()), "edits": "all"})
    assert [edit.name for edit in edits(config)] == ["A_1", "B_0", "B_1", "bald"]


def mixes(config: dict[str, Any], edit: str) -> list[str]:
    job = job_from_config(config, "mix", edit, Zoo(config["models"]))
    return [one["mix"] for one in job.settings["mixes"]]


def test_mixups_are_ordered_switched_and_held_to_edits(config: dict[str, Any]) -> None:
    assert mixes(config, "B_0") == ["domain", "segmentation", "depth"]
    assert mixes(config, "A_1") == ["segmentation", "depth"]  # nobody drew a domain of A
    config = complete(
        config,
        [
            "mix.order=[depth, segmentation, domain]",
            "mix.depth.except=[bald, 'A_*']",
            "mix.domain.use=false",
            "mix.segmentation.only=[B_0, shaven]",
        ],
    )
    assert mixes(config, "B_0") == ["depth", "segmentation"]
    assert mixes(config, "shaven") == ["segmentation"]
    assert mixes(config, "A_1") == []


def test_the_photos_details_come_back_unless_a_restorer_drew_others(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Zoo(config["models"]).has("restorer")
    assert "detail" not in mixes(config, "B_0")
    assert mixes(complete(config, ["mix.detail.use=true"]), "B_0")[0] == "detail"
    assert mixes(complete(config, ["restore.restorer=none"]), "B_0")[0] == "detail"
    monkeypatch.setattr(Zoo, "has", lambda _zoo, _role: False)
    assert mixes(config, "B_0")[0] == "detail"
    assert "detail" not in mixes(complete(config, ["mix.detail.use=false"]), "B_0")


def test_an_exception_for_one_edit_leaves_the_others_as_they_are(config: dict[str, Any]) -> None:
    zoo = Zoo(config["models"])
    other = complete(config, ["mix.depth.except=[B_1]"])
    same, changed = (
        [job_from_config(one, "mix", edit, zoo).settings for one in (config, other)]
        for edit in ("B_0", "B_1")
    )
    assert same[0] == same[1] and changed[0] != changed[1]


def test_jobs_travel_as_text(config: dict[str, Any]) -> None:
    zoo = Zoo(config["models"])
    for stage, step in STEPS.items():
        for of in step.places(("B_0",)):
            job = job_from_config(config, stage, of, zoo)
            there = Job.from_json(stage, of, job.to_json())
            assert there.step is STEPS[stage]
            assert there.ingredients({"a": "b"}) == job.ingredients({"a": "b"})
            assert there.domain == job.domain
            assert there.library == job.library or stage != "translate"


def test_a_live_session_gives_the_bytes_of_the_dag(walked: dict[str, Any]) -> None:
    editor = Editor(settings=walked)
    wanted = {edit.name: edit for edit in edits(walked)}
    live = editor.edit(f"data/photos/{KNOWN}.png", wanted["B_0"])
    assert np.array_equal(live.picture, artifact("paste", "B_0", KNOWN)["picture"])
    assert live.strip.shape[1] > 5 * 64
    with pytest.raises(NotOffered):
        editor.edit(f"data/photos/{KNOWN}.png", wanted["B_1"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"recipe": "ceteris_paribus", "compose": {"method": "plate"}}, "does not go with recipe"),
        ({"compose": {"method": "mixed"}}, "does not go with recipe ripple"),
        ({"mix": {"order": ["depth", "depth"]}}, "each mix-up once at most"),
        ({"mix": {"order": ["deep"]}}, "did you mean 'depth'"),
        ({"edits": "some"}, "`all` translations"),
        ({"edits": ["B_1", {"name": "b_1", "translation": "B_0"}]}, "'B_1' and 'b_1' are one"),
        ({"edits": ["Photo"]}, "names the unedited photo"),
        ({"edits": [{"name": "a", "translation": "B_1", "degree": 2}]}, "leave the directions out"),
        ({"restore": {"weight": 2}}, "restore.weight must be"),
    ],
)
def test_wrong_configs_say_where_and_what(content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadConfig) as caught:
        complete(content)
    assert complaint in str(caught.value)


def test_the_recipe_says_how_to_compose() -> None:
    assert complete({"recipe": "ceteris_paribus"})["compose"]["method"] == "mixed"


def test_a_restorer_that_is_not_there_is_asked_for_in_vain() -> None:
    config = complete({"recipe": "ceteris_paribus", "edits": ["B_1"]})
    off = job_from_config(config, "restore", "B_1", Zoo())
    assert off.settings["restorer"] == "none" and off.weights == {}
    config["restore"]["restorer"] = "gfpgan"
    with pytest.raises(BadConfig, match="has no restorer"):
        job_from_config(config, "restore", "B_1", Zoo())


@pytest.mark.slow
def test_the_workflow_runs_it_and_a_second_run_schedules_nothing(tmp_path: Path) -> None:
    project(tmp_path)
    snakemake(tmp_path)
    figures = json.loads((tmp_path / "results/measure.json").read_text())
    assert len(figures["edits"]) == 6 and figures["failures"] == []
    folders = {path.name for path in (tmp_path / "results").iterdir() if path.is_dir()}
    assert folders - {"store", "log", "report"} == set(STEPS)
    assert "Nothing to be done" in snakemake(tmp_path, "--dry-run")
    path = tmp_path / "data/translations/unconditional/B_0.npy"
    np.save(path, np.load(path) * 2)
    assert "translate" in snakemake(tmp_path, "--dry-run")
