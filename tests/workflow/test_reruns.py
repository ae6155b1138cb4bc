"""What is computed again: each change costs exactly the pictures that it must."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays

from tests.tiny import picture, walk
from tests.workflow.project import (
    EDIT,
    EVERYWHERE,
    PHOTOS,
    Change,
    Cost,
    below,
    changed_photo,
    config_here,
    everything,
    weights,
    word,
    write_photo,
    write_report,
)
from unripple.cli.main import main
from unripple.conventions import StoreError
from unripple.io.config import Config, complete
from unripple.io.results import PHOTO, Results
from unripple.pipeline.graph import STEPS

pytestmark = pytest.mark.slow


def computed(caplog: pytest.LogCaptureFixture, config: Config) -> Cost:
    """How many pictures a walk over all stages made, by place; failures are no pictures."""
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="unripple.runtime.shard"):
        walk(config)
    made: Counter[str] = Counter()
    for record in caplog.records:
        if record.name == "unripple.runtime.shard" and record.levelno == logging.INFO:
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
    # A turn of the head may be made by geometry, which goes by the parts of the photo.
    "parser": (weights("parser"), each(below("parse photo", "edit left"))),
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
    from unripple.runtime import compute as advance

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
