"""Two texts at once: rerun with one of them changed, only its own chain of stages is computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tiny import snakemake, write_project
from tests.tiny_clip import save_clip
from tests.workflow.test_dag import planned

pytestmark = pytest.mark.slow


def _write(folder: Path, beard: str) -> None:
    config = json.loads((folder / "config.yaml").read_text())
    config["models"]["clip"] = "clip.safetensors"
    config["edits"] = [
        {"name": "hat", "text": "a face with a hat"},
        {"name": "beard", "text": beard, "strength": 2},
    ]
    (folder / "config.yaml").write_text(json.dumps(config))


def _made(folder: Path, edit: str) -> dict[str, tuple[int, bytes]]:
    """Manifests and pictures of an edit: when they were written, and what."""
    files = (folder / "results").glob(f"*/{edit}/*")
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_changed_text_costs_its_own_chain(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", {"anna.png": (64, 64)})
    save_clip(folder / "clip.safetensors")
    _write(folder, "a face with a beard")
    snakemake(folder)
    photo, hat, beard = (_made(folder, of) for of in ("photo", "hat", "beard"))
    assert len(hat) == len(beard) > 10
    _write(folder, "a face like a beard")
    jobs = planned(folder)
    assert jobs["translate"] == jobs["compose"] == 1 and "project" not in jobs
    snakemake(folder)
    assert _made(folder, "hat") == hat and _made(folder, "photo") == photo
    changed = _made(folder, "beard")
    assert set(changed) == set(beard)
    about = next(name for name in changed if name.endswith("anna.about.json"))
    assert changed[about][1] != beard[about][1]
    assert planned(folder) == {}
