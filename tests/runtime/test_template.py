"""The process that workers are forked from has the networks of their jobs."""

from __future__ import annotations

import json

import pytest

from unripple.io.config import default_config
from unripple.pipeline.jobs import job_from_config
from unripple.runtime.template import load_networks, networks_of
from unripple.zoo import zoo


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "_kept", {})


def test_networks_of_the_jobs_are_loaded_and_kept() -> None:
    config = default_config()
    models = zoo.Zoo(config["models"])
    jobs = [job_from_config(config, stage, None, models) for stage in ("align", "project")]
    load_networks(networks_of(jobs))
    assert {role for role, *_ in zoo._kept or ()} == {"landmarks", "encoder"}


def test_what_cannot_be_loaded_is_left_to_the_jobs() -> None:
    models = json.dumps({"base": "embedded", "pose": "no/such.safetensors"})
    load_networks(json.dumps({models: ["pose"]}))
    load_networks("")
    assert zoo._kept == {}
