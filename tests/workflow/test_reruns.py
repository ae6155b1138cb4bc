"""What runs again: each change costs exactly the pictures that it must, and none stays stale."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from tests.tiny import picture, walk, without_times, write_directions, write_models
from unripple.api.report import assemble
from unripple.api.steps import STEPS, ancestors
from unripple.cli.main import main
from unripple.conventions import StoreError
from unripple.io.config import Config, complete
from unripple.io.results import PHOTO, Results
from unripple.io.sheet import read_sheet

pytestmark = pytest.mark.slow
REPO = Path(__file__).resolve().parents[2]
EDIT = "left"
PHOTOS = ("anna", "bob", "carla")
PLACES = tuple((stage, of) for stage, step in STEPS.items() for of in step.places((EDIT,)))

Change = Callable[[Config], Config | None]
Cost = dict[str, int]


def below(*named: str) -> tuple[str, ...]:
    """Places by their words, and all that is made from them."""
    return tuple(
        word(*place)
        for place in PLACES
        if {word(*ancestor) for ancestor in ancestors(*place)} & set(named)
    )


def word(stage: str, of: str | None) -> str:
    return f"{stage} {of or ''}".strip()


EVERYWHERE = tuple(word(*place) for place in PLACES)


# ------------------------------------------------------------------------ a finished project


def write_photo(name: str, seed: int) -> None:
    Path("data/photos").mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed)).save(Path("data/photos", f"{name}.png"))


def make(folder: Path) -> None:
    """Three photos that are crops already; the config's paths are relative."""
    write_photo("anna", 1), write_photo("bob", 2), write_photo("carla", 3)
    models = {
        role: Path(path).relative_to(folder).as_posix()
        for role, path in write_models(folder / "data" / "models").items()
    }
    write_directions(folder / "data" / "directions.safetensors")
    config = {
        "models": models,
        "directions": "data/directions.safetensors",
        "edits": [{"name": EDIT, "direction": "pose", "degree": -3}],
        "align": {"mode": "aligned"},
        "report": {"height_px": 32},
    }
    Path("config.yaml").write_text(json.dumps(config))


def config_here() -> Config:
    return complete(json.loads(Path("config.yaml").read_text()))


def write_report(config: Config) -> None:
    shards = sorted({row.shard for row in read_sheet(Path("data/sheet.tsv"))})
    html, figures = assemble(config, shards, Results())
    Path("results/report.html").write_text(html)
    Path("results/measure.json").write_text(figures)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        make(folder)
        walk(config_here())
    return folder


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    folder = tmp_path / "project"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


def computed(caplog: pytest.LogCaptureFixture, config: Config) -> Cost:
    """How many pictures a walk over all stages made, by place; failures are no pictures."""
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="unripple.api.shard"):
        walk(config)
    made: Counter[str] = Counter()
    for record in caplog.records:
        if record.name == "unripple.api.shard" and record.levelno == logging.INFO:
            place, *_, outcome = record.args  # type: ignore[misc]
            if outcome != "there already" and not str(outcome).startswith("failed"):
                made[str(place)] += 1
    return dict(made)


def each(places: tuple[str, ...], photos: int = len(PHOTOS)) -> Cost:
    return dict.fromkeys(places, photos)


# --------------------------------------------------------------------------------- the table


def setting(section: str, **changes: Any) -> Change:
    def change(config: Config) -> Config:
        return complete({**config, section: {**config[section], **changes}})

    return change


def weights(role: str) -> Change:
    def change(config: Config) -> None:
        path = Path(config["models"][role])
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        state = load_file(path)
        name = next(name for name in sorted(state) if state[name].is_floating_point())
        state[name] = (state[name] + torch.tensor(0.01, dtype=state[name].dtype)).contiguous()
        save_file(state, path, metadata=metadata)

    return change


def direction(name: str) -> Change:
    def change(config: Config) -> None:
        path = Path(config["directions"])
        with safe_open(path, "np") as file:
            metadata = file.metadata()
        vectors = load_arrays(path)
        vectors[name] = vectors[name] + np.float32(0.1)
        save_arrays(vectors, path, metadata=metadata)

    return change


def edited(degree: float) -> Change:
    def change(config: Config) -> Config:
        return complete(
            {**config, "edits": [{"name": EDIT, "direction": "pose", "degree": degree}]}
        )

    return change


def nothing(config: Config) -> None:
    """No change."""


def new_photo(config: Config) -> None:
    write_photo("dora", 4)


def removed_photo(config: Config) -> None:
    Path("data/photos/bob.png").unlink()


def changed_photo(config: Config) -> None:
    write_photo("bob", 5)


def renamed_photo(config: Config) -> None:
    Path("data/photos/bob.png").rename("data/photos/robert.png")


def broken_photo(config: Config) -> None:
    Path("data/photos/bob.png").write_bytes(b"no picture")


def deleted_artifact(stage: str, of: str | None) -> Change:
    def change(config: Config) -> None:
        results = Results()
        results.store.remove(results.read_manifest(stage, of, "00000").keys["bob"])

    return change


def deleted_manifest(config: Config) -> None:
    Results().manifest_path("parse", EDIT, "00000").unlink()


TABLE: dict[str, tuple[Change, Cost]] = {
    "nothing": (nothing, {}),
    "align.max_spread": (setting("align", max_spread=0.5), each(EVERYWHERE)),
    "invert.method": (setting("invert", method="e4e"), each(below("invert", "edit left"))),
    "translate.end_code": (setting("translate", end_code=4), each(below("translate left"))),
    "edit.strength": (setting("edit", strength=0.5), each(below("edit left"))),
    "ripple.grow_px": (setting("ripple", grow_px=3), each(below("ripple left"))),
    "foreground.min_area_px": (
        setting("foreground", min_area_px=3),
        each(below("foreground left")),
    ),
    "inpaint.painter": (setting("inpaint", painter="telea"), each(below("inpaint left"))),
    "compose.feather_px": (setting("compose", feather_px=2), each(below("compose left"))),
    "paste.feather_px": (setting("paste", feather_px=2), each(("paste left",))),
    "measure.pose": (setting("measure", pose=False), each(("measure left",))),
    "report.title": (setting("report", title="ours"), {}),
    "limits.seconds": (setting("limits", seconds=999), {}),
    "the edit's degree": (edited(-2), each(below("translate left"))),
    "the direction's vector": (direction("pose"), each(below("translate left"))),
    "a direction that no edit uses": (direction("smile"), {}),
    "generator": (weights("generator"), each(below("invert", "edit left"))),
    "encoder": (weights("encoder"), each(below("project"))),
    "hfgi": (weights("hfgi"), each(below("invert", "edit left"))),
    "parser": (weights("parser"), each(below("parse photo", "parse left"))),
    "depth": (weights("depth"), each(below("depth photo", "depth left"))),
    "inpainter": (weights("inpainter"), each(below("inpaint left"))),
    "landmarks, which crops do not need": (weights("landmarks"), {}),
    "pose": (weights("pose"), each(("measure left",))),
    "identity": (weights("identity"), each(("measure left",))),
    "a new photo": (new_photo, each(EVERYWHERE, 1)),
    "a removed photo": (removed_photo, {}),
    "a changed photo": (changed_photo, each(EVERYWHERE, 1)),
    "a renamed photo": (renamed_photo, {}),
    "a photo that broke": (broken_photo, {}),
    "a deleted artifact at the top": (deleted_artifact("align", None), {"align": 1}),
    "a deleted artifact in the middle": (deleted_artifact("parse", EDIT), {"parse left": 1}),
    "a deleted manifest": (deleted_manifest, {}),
}
"""Change -> how many pictures it costs, by place."""


@pytest.mark.parametrize("case", TABLE)
def test_a_change_costs_exactly_what_it_must(
    here: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    change, cost = TABLE[case]
    config = config_here()
    config = change(config) or config
    assert computed(caplog, config) == cost
    assert computed(caplog, config) == {}
    assert main(["verify"]) == 0


def test_going_back_costs_nothing(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    config, before = config_here(), everything(here)
    computed(caplog, setting("ripple", grow_px=3)(config) or config)
    changed_photo(config)
    computed(caplog, config)
    write_photo("bob", 2)
    assert computed(caplog, config) == {}
    after = everything(here)
    assert {name: after[name] for name in before} == before


def test_a_photo_that_went_leaves_the_results(here: Path) -> None:
    config = config_here()
    removed_photo(config)
    walk(config)
    write_report(config)
    assert not list(Path("results").glob("[!s]*/**/bob.*"))
    rows = json.loads(Path("results/measure.json").read_text())["edits"]
    assert [row["photo"] for row in rows] == ["anna", "carla"]


def test_a_mended_photo_costs_itself(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = config_here()
    broken_photo(config)
    walk(config)
    assert set(Results().read_manifest("measure", EDIT, "00000").failures) == {"bob"}
    write_photo("bob", 6)
    assert computed(caplog, config) == each(EVERYWHERE, 1)
    assert not Results().read_manifest("measure", EDIT, "00000").failures


# -------------------------------------------------------------- damage is found, not passed on


def damage(path: Path) -> bytes:
    """Turn one bit of a finished file; the bytes it had."""
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good[:-20] + bytes([good[-20] ^ 1]) + good[-19:])
    return good


def keep_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line sets logging up anew, and would cut the test off from messages."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)


def part_of(stage: str, of: str | None, photo: str = "bob") -> Path:
    results = Results()
    key = results.read_manifest(stage, of, "00000").keys[photo]
    return results.store.parts(key)[STEPS[stage].shows]


@pytest.mark.parametrize(("stage", "of"), [("align", None), ("edit", EDIT), ("depth", PHOTO)])
def test_a_damaged_artifact_is_found_and_costs_itself(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stage: str,
    of: str | None,
) -> None:
    keep_handlers(monkeypatch)
    path = part_of(stage, of)
    good = damage(path)
    assert main(["verify"]) == 1
    assert f"{path}: its bytes changed" in caplog.text
    assert main(["verify", "--repair"]) == 0
    assert not Results().manifest_path(stage, of, "00000").exists()
    assert computed(caplog, config_here()) == {word(stage, of): 1}
    assert part_of(stage, of).read_bytes() == good
    assert main(["verify"]) == 0


def test_nothing_is_made_from_a_damaged_artifact(here: Path) -> None:
    damage(part_of("edit", EDIT))
    with pytest.raises(StoreError, match="its bytes changed after it was finished; `unripple veri"):
        walk(setting("compose", feather_px=2)(config_here()) or {})


def test_a_damaged_manifest_is_found_and_costs_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keep_handlers(monkeypatch)
    path = Results().manifest_path("ripple", EDIT, "00000")
    text = path.read_text()
    path.write_text(text[:50])
    assert main(["verify"]) == 1
    assert f"{path}: damaged" in caplog.text
    assert main(["verify", "--repair"]) == 0
    assert computed(caplog, config_here()) == {}
    assert path.read_text() == text
    assert main(["verify"]) == 0


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_name_that_does_not_show_the_store_is_put_right(here: Path, change: str) -> None:
    name = Path(f"results/compose/{EDIT}/bob.picture.png")
    good = name.read_bytes()
    name.unlink()
    if change == "replaced":
        Image.fromarray(picture(9)).save(name)
    assert main(["verify"]) == 1
    assert main(["verify", "--repair"]) == 0
    assert name.read_bytes() == good
    assert main(["verify"]) == 0


# ---------------------------------------------------- files that change while they are looked at


def test_a_photo_that_changes_while_it_is_read_fails_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from unripple.api import advance

    read = advance.read_photo

    def slowly(path: Path, **options: Any) -> Any:
        if path.name == "bob.png":
            write_photo("bob", 8)
        return read(path, **options)

    write_photo("bob", 7)
    monkeypatch.setattr(advance, "read_photo", slowly)
    walk(config_here(), ("align",))
    manifest = Results().read_manifest("align", None, "00000")
    assert set(manifest.keys) == {"anna", "carla"}
    assert "changed while it was read; run again" in manifest.failures["bob"].message
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert computed(caplog, config_here()) == each(EVERYWHERE, 1)


def test_weights_that_change_during_a_job_stop_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unripple.conventions import BadCheckpoint
    from unripple.zoo.zoo import Zoo

    load = Zoo.load

    def late(self: Zoo, role: str) -> Any:
        weights(role)(config_here())
        return load(self, role)

    write_photo("bob", 7)
    walk(config_here(), ("align",))
    monkeypatch.setattr(Zoo, "load", late)
    with pytest.raises(BadCheckpoint, match="the weights of encoder changed while the job ran"):
        walk(config_here(), ("project",))


# ------------------------------------------------------------------ what Snakemake decides to run


def everything(folder: Path) -> dict[str, bytes]:
    """Results by name: pictures, manifests, report, figures; neither store nor logs."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and not {"store", "log", "view"} & set(path.parts) and path.name[0] != "."
    }
    report = "results/report.html"
    if report in files:  # the folder's name stands in it, too
        files[report] = without_times(files[report]).replace(str(folder).encode(), b"")
    return files


def snakemake(folder: Path, *words: str, fails: str = "") -> subprocess.CompletedProcess[str]:
    """The plain command; `fails` names a stage whose command fails, as on a bad machine."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if fails:
        trap = folder / "trap"
        trap.mkdir(exist_ok=True)
        (trap / "sitecustomize.py").write_text(
            f"import sys\nif 'snakemake' not in sys.orig_argv and {fails!r} in sys.orig_argv:\n"
            "    sys.exit('this machine cannot')\n"
        )
        environment["PYTHONPATH"] = f"{trap}:{environment.get('PYTHONPATH', '')}"
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile"), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(folder: Path, *words: str) -> Cost:
    """How many jobs of each rule a run would start."""
    text = said(snakemake(folder, "--dry-run", *words))
    if "Nothing to be done" in text:
        return {}
    table = text.partition("Job stats:")[2].partition("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.M)}


def rules(places: tuple[str, ...], *others: str) -> Cost:
    return dict(Counter([*(place.split()[0] for place in places), *others]))


@pytest.fixture(scope="module")
def settled(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project after a run of Snakemake.

    The store also holds what another picture of bob leads to, so that no run has to compute.
    The manifests of the walks are none that Snakemake knows of: it must look at all of them.
    """
    folder = tmp_path_factory.mktemp("settled") / "project"
    shutil.copytree(finished, folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        old = Path("data/photos/bob.png").stat()
        changed_photo(config_here())
        walk(config_here())
        write_photo("bob", 2)
        os.utime("data/photos/bob.png", ns=(old.st_atime_ns, old.st_mtime_ns))
        walk(config_here())
    done = said(snakemake(folder))
    assert f"{len(PLACES)} of" in done or f"{len(PLACES) + 2} of {len(PLACES) + 2} steps" in done
    assert planned(folder) == {}
    yield folder


@pytest.fixture
def run_before(settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to be changed."""
    folder = tmp_path / "project"
    shutil.copytree(settled, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def with_other_bob(settled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The results with the other picture of bob, made from nothing but the photos' artifacts."""
    folder = tmp_path_factory.mktemp("fresh") / "project"
    shutil.copytree(settled, folder, ignore=shutil.ignore_patterns(".snakemake"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for path in Path("results").glob("[!s]*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        changed_photo(config_here())
        walk(config_here())
        write_report(config_here())
    return everything(folder)


@pytest.mark.parametrize("role", ["parser", "pose"])
def test_a_changed_model_file_reruns_the_stages_that_use_it(run_before: Path, role: str) -> None:
    weights(role)(config_here())
    places = {"parser": below("parse photo", "parse left"), "pose": ("measure left",)}[role]
    assert planned(run_before) == rules(places, "report", "all")


def test_a_photo_replaced_by_an_older_file_is_seen(run_before: Path) -> None:
    changed_photo(config_here())
    os.utime("data/photos/bob.png", (0, 0))
    assert planned(run_before) == rules(EVERYWHERE, "report", "all")


def test_one_picture_of_one_stage_asks_for_no_more(run_before: Path) -> None:
    target = f"results/view/parse/{EDIT}/bob.png"
    assert planned(run_before, target) == {"view": 1}
    changed_photo(config_here())
    upstream = tuple(word(*place) for place in ancestors("parse", EDIT))
    assert planned(run_before, target) == rules(upstream, "view")


def test_one_stage_is_forced_or_the_last(run_before: Path) -> None:
    assert planned(run_before, "--forcerun", "foreground") == rules(
        below("foreground left"), "report", "all"
    )
    before = everything(run_before)
    said(snakemake(run_before, "--forcerun", "paste", "--until", "paste"))
    log = (run_before / f"results/log/paste/{EDIT}/00000.log").read_text()
    assert log.count("there already") == 3  # its job runs; what it finds is checked and stays
    assert everything(run_before) == before
    changed_photo(config_here())
    until_parse = {"align", "project", "invert", "translate", "edit", "parse"}
    assert set(planned(run_before, "--until", "parse")) == until_parse


@pytest.mark.parametrize("stage", ["align", "foreground", "report"])
def test_input_changed_rerun_failed_plain_rerun(
    run_before: Path, with_other_bob: dict[str, bytes], stage: str
) -> None:
    changed_photo(config_here())
    failed = snakemake(run_before, fails=stage)
    assert failed.returncode != 0 and "this machine cannot" in failed.stdout + failed.stderr
    said(snakemake(run_before))
    assert everything(run_before) == with_other_bob
    assert planned(run_before) == {}


def test_one_picture_after_a_failed_rerun_is_not_stale(
    run_before: Path, with_other_bob: dict[str, bytes]
) -> None:
    changed_photo(config_here())
    assert snakemake(run_before, fails="foreground").returncode != 0
    said(snakemake(run_before, f"results/view/paste/{EDIT}/bob.png"))
    fresh = with_other_bob[f"results/paste/{EDIT}/bob.picture.png"]
    assert (run_before / f"results/paste/{EDIT}/bob.picture.png").read_bytes() == fresh
