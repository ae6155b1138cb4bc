"""What is kept in mind about published files, and who vouches for them."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import save_model
from tests.zoo.downloads import entry_of
from unripple.conventions import BadCheckpoint, StoreError
from unripple.zoo import registry
from unripple.zoo.registry import State, Taken, exclusive, read_taken, record, state, vouch

A, B = "a" * 64, "b" * 64
ENTRY = entry_of("https://example.org/f")
HERE = Path("downloads/weights.pth")


def seen(sha256: str = A, **words: Any) -> Taken:
    return Taken(
        **{"sha256": sha256, "size": 3, "file": "net.pth", "trusted": "first use", **words}
    )


def converted(folder: Path, sha256: str = A) -> None:
    source = {"entry": "net", "file": "weights.pth", "sha256": sha256}
    save_model(folder / "net.parser.safetensors", {"w": torch.ones(1)}, size=64, source=source)


def test_records_are_kept_side_by_side(tmp_path: Path) -> None:
    assert read_taken(tmp_path) == {}
    record(tmp_path, "net", seen())
    record(tmp_path, "other", seen(B))
    record(tmp_path, "net", seen(B, trusted="user"))
    assert read_taken(tmp_path) == {"net": seen(B, trusted="user"), "other": seen(B)}
    assert [path.name for path in tmp_path.iterdir()] == ["seen.json"]
    assert json.loads((tmp_path / "seen.json").read_text())["other"] == {
        "sha256": B,
        "size": 3,
        "file": "net.pth",
        "trusted": "first use",
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"net": {"sha": 1}}', '{"net": 3}'])
def test_a_damaged_record_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "seen.json").write_text(text)
    with pytest.raises(StoreError, match=r"seen\.json: cannot be read .*; delete it"):
        read_taken(tmp_path)


def test_a_full_disk_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, "net", seen())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*seen\.json: the disk is full"):
        record(tmp_path, "net", seen(B))
    assert read_taken(tmp_path) == {"net": seen()}
    assert [path.name for path in tmp_path.iterdir()] == ["seen.json"]


def test_the_list_vouches_where_it_can(caplog: pytest.LogCaptureFixture) -> None:
    assert vouch(replace(ENTRY, sha256=A), A, HERE, {}) == "lock"
    assert vouch(replace(ENTRY, sha256_starts=A[:8]), A, HERE, {"net": seen(B)}) == "lock"
    assert caplog.text == ""


@pytest.mark.parametrize("known", [{"sha256": B}, {"sha256_starts": B[:8]}])
def test_a_file_that_the_list_contradicts_is_refused_or_taken_knowingly(
    known: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    entry = replace(ENTRY, **known)
    with pytest.raises(BadCheckpoint, match="--accept-new") as error:
        vouch(entry, A, HERE, {})
    assert A in str(error.value) and next(iter(known.values())) in str(error.value)
    assert str(HERE) in str(error.value)
    assert vouch(entry, A, HERE, {}, accept_new=True) == "user"
    assert "not the published file, taken all the same" in caplog.text


def test_the_first_file_is_trusted_aloud_and_later_ones_compared(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert vouch(ENTRY, A, HERE, {}) == "first use"
    assert f"net: trusted on first use: {A}" in caplog.text
    caplog.clear()
    assert vouch(ENTRY, A, HERE, {"net": seen()}) == "first use"
    assert caplog.text == ""
    with pytest.raises(BadCheckpoint, match="not the file that was taken") as error:
        vouch(ENTRY, B, HERE, {"net": seen()})
    assert A in str(error.value) and B in str(error.value) and "--accept-new" in str(error.value)
    assert vouch(ENTRY, B, HERE, {"net": seen()}, accept_new=True) == "first use"
    assert f"accepted in place of {A}" in caplog.text


def test_states_follow_what_lies_there(tmp_path: Path) -> None:
    assert state(tmp_path, ENTRY, {}) is State.ABSENT
    (tmp_path / "net.pth.part").write_bytes(b"ab")
    assert state(tmp_path, ENTRY, {}) is State.PARTLY
    (tmp_path / "net.pth").write_bytes(b"abc")
    assert state(tmp_path, ENTRY, {}) is State.UNCONVERTED
    converted(tmp_path)
    assert state(tmp_path, ENTRY, {}) is State.UNCONVERTED
    assert state(tmp_path, ENTRY, {"net": seen()}) is State.THERE
    assert state(tmp_path, ENTRY, {"net": seen(B)}) is State.UNCONVERTED
    (tmp_path / "net.pth").unlink()
    assert state(tmp_path, ENTRY, {"net": seen()}) is State.THERE


def test_a_file_that_changed_or_is_contradicted_shows(tmp_path: Path) -> None:
    converted(tmp_path)
    (tmp_path / "net.pth").write_bytes(b"abcd")
    assert state(tmp_path, ENTRY, {"net": seen()}) is State.DIFFERS
    (tmp_path / "net.pth").unlink()
    assert state(tmp_path, replace(ENTRY, sha256=B), {"net": seen()}) is State.DIFFERS
    taken = {"net": seen(trusted="user")}
    assert state(tmp_path, replace(ENTRY, sha256=B), taken) is State.THERE


def test_every_role_must_be_converted_from_the_same_file(tmp_path: Path) -> None:
    entry = replace(ENTRY, networks={"parser": "bisenet", "depth": "dpt"})
    converted(tmp_path)
    assert state(tmp_path, entry, {"net": seen()}) is State.UNCONVERTED


def test_entries_without_networks_are_only_listed(tmp_path: Path) -> None:
    entry = replace(ENTRY, networks={})
    assert state(tmp_path, entry, {}) is State.LISTED
    (tmp_path / "net.pth").write_bytes(b"abc")
    assert state(tmp_path, entry, {"net": seen()}) is State.THERE


def test_a_foreign_file_counts_as_not_converted(tmp_path: Path) -> None:
    (tmp_path / "net.parser.safetensors").write_bytes(b"no safetensors")
    assert registry.converted_from(tmp_path / "net.parser.safetensors") is None
    assert state(tmp_path, ENTRY, {"net": seen()}) is State.ABSENT


def _count_up(folder: Path, times: int) -> None:
    for _ in range(times):
        with exclusive(folder / "counter"):
            count = int((folder / "counter").read_text())
            (folder / "counter").write_text(str(count + 1))


def test_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "counter").write_text("0")
    context = multiprocessing.get_context("fork")
    several = [
        context.Process(target=_count_up, args=(tmp_path, 50), daemon=True) for _ in range(3)
    ]
    for process in several:
        process.start()
    for process in several:
        process.join(timeout=30)
        assert process.exitcode == 0
    assert (tmp_path / "counter").read_text() == "150"
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


def test_others_wait_even_if_they_are_born_meanwhile(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    (tmp_path / "counter").write_text("0")
    with exclusive(tmp_path / "counter"):
        other = context.Process(target=_count_up, args=(tmp_path, 1), daemon=True)
        other.start()
        other.join(timeout=0.5)
        assert other.is_alive()
    other.join(timeout=20)
    assert (tmp_path / "counter").read_text() == "1"
