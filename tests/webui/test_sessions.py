"""Who is here, and what they may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.conventions import UnknownName
from unripple.webui.app_state import AppState, UserLimits
from unripple.webui.sessions import Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_sessions_have_secret_names_and_folders_of_their_own(sessions: Sessions) -> None:
    names = [sessions.begin() for _ in range(3)]
    folders = {sessions.get(name).folder for name in names}
    assert len(set(names)) == len(folders) == 3
    assert all(len(name) >= 32 for name in names)
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)


def test_the_end_of_a_session_is_the_end_of_its_folder(sessions: Sessions) -> None:
    name = sessions.begin()
    folder = sessions.get(name).folder
    (folder / "photo").write_bytes(b"private")
    sessions.end(name)
    assert not folder.exists()
    with pytest.raises(UnknownName, match="load the page again"):
        sessions.get(name)


def test_one_too_many_sends_away_who_was_idle_for_longest(sessions: Sessions) -> None:
    first, second, third = (sessions.begin() for _ in range(3))
    sessions.get(first)
    fourth = sessions.begin()
    assert len(sessions) == 3
    with pytest.raises(UnknownName):
        sessions.get(second)
    for name in (first, third, fourth):
        sessions.get(name)


def test_who_does_nothing_for_long_leaves(app_state: AppState) -> None:
    clock = Clock()
    sessions = Sessions(app_state, clock)
    idle, busy = sessions.begin(), sessions.begin()
    clock.now = app_state.limits.idle_s - 1
    sessions.get(busy)
    clock.now += 2
    sessions.tidy()
    sessions.get(busy)
    with pytest.raises(UnknownName):
        sessions.get(idle)
    sessions.close()


def test_memory_is_taken_from_who_was_idle_for_longest(app_state: AppState) -> None:
    app_state.limits = UserLimits(memory_mb=1e-3)
    sessions = Sessions(app_state)
    visits = [sessions.get(sessions.begin()) for _ in range(2)]
    for visit in visits:
        visit.open(Path("data/photos/anna.png"), "anna.png", app_state.models[0], "hfgi")
    assert all(visit.held_bytes for visit in visits)
    sessions.tidy()
    assert visits[0].evicted and not visits[1].evicted
    sessions.close()
    assert not sessions.root.exists()
