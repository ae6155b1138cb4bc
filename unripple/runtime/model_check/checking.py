"""Ask networks, and find what would explain a bad answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unripple.conventions import BadCheckpoint, Photo
from unripple.runtime.model_check.questions import QUESTIONS, Bench, Finding, Question, turns
from unripple.runtime.model_check.ways import CODING_OF, ORDER_OF, other_ways
from unripple.zoo.directions import Direction, read_directions
from unripple.zoo.networks import Model
from unripple.zoo.zoo import AUTO, EMBEDDED, MTCNN, Zoo, chosen_directions, directions_path

MARGIN = 0.1
"""By so much another convention must do better to be taken for the right one."""
GENERATOR = "generator"


class NetworkOutcome(NamedTuple):
    """What came of checking one network or direction.

    Attributes:
        role: what it is for; of a direction `direction NAME`.
        choice: which file it is.
        asks: the question.
        passed: whether the answer is good, and no other convention gives a better one.
        says: what it did, in words.
        would: under which conventions the answer would be better, the best first.
        picture: what it looked at or drew, uint8 [H, W, 3].
    """

    role: str
    choice: str
    asks: str
    passed: bool
    says: str
    would: tuple[str, ...]
    picture: Photo

    def line(self) -> str:
        """The outcome in a line."""
        verdict = "ok" if self.passed else "WRONG"
        would = f"; it answers well if {self.would[0]}" if self.would else ""
        if not self.passed and not self.would:
            would = "; no other convention (BGR, range, size) explains it: is it another network?"
        return f"{verdict:<6} {self.role} ({self.choice}): {self.asks} {self.says}{would}"


def check_network(
    model: Model, question: Question, bench: Bench, choice: str = ""
) -> NetworkOutcome:
    """Ask one network, as we take it and by every other convention.

    Args:
        model: the network.
        question: its role's.
        bench: faces to ask about.
        choice: which file it is, for the outcome.
    """
    found = question.answer(model, bench)
    ways = other_ways(
        model,
        CODING_OF.get(model.network, question.coding),
        order=ORDER_OF.get(model.network, "RGB"),
        draws=question.draws,
        scales=question.scales,
        negates=question.negates,
    )
    better: list[tuple[float, str]] = []
    for way in ways if found.score + MARGIN <= 1 else ():
        score = question.answer(way.model, bench).score
        if score >= max(question.enough, found.score + MARGIN):
            better.append((score, way.name))
    would = tuple(name for _, name in sorted(better, key=lambda one: -one[0]))
    passed = found.score >= question.enough and not would
    return NetworkOutcome(
        model.role, choice, question.asks, passed, found.says, would, found.picture
    )


def check_direction(bench: Bench, direction: Direction, choice: str = "") -> NetworkOutcome:
    """Whether a face turns the way that a direction says."""
    found: Finding = turns(bench, direction)
    passed = found.score > 0.55
    other_way = ("it is taken with the other sign",) if found.score < 0.45 else ()
    asks = "does the mean face turn the way it says, to the right?"
    return NetworkOutcome(
        f"direction {direction.name}", choice, asks, passed, found.says, other_way, found.picture
    )


def check_zoo(
    zoo: Zoo, roles: tuple[str, ...] = (), *, but: set[tuple[str, Path]] | None = None
) -> Iterator[NetworkOutcome]:
    """Ask the networks of a set that are here, and the directions that turn heads.

    Faces are drawn by the set's own generator if that one passes, else by the embedded one.

    Args:
        zoo: the set.
        roles: those to be asked; none: all that have a question.
        but: files by role that were asked already; those that are asked are added.

    Raises:
        BadCheckpoint: a file is damaged.
    """
    embedded = Zoo(device=zoo.device)
    artist = (zoo if is_here(zoo, GENERATOR) else embedded).load(GENERATOR)
    bench = Bench(zoo, artist)
    asked = set() if but is None else but
    for role in roles or tuple(QUESTIONS):
        if role not in QUESTIONS or not is_here(zoo, role) or (role, zoo.path(role)) in asked:
            continue
        asked.add((role, zoo.path(role)))
        choice = EMBEDDED if role == MTCNN else zoo.choice(role)
        outcome = check_network(zoo.load(role), QUESTIONS[role], bench, choice)
        yield outcome
        if role == GENERATOR and not outcome.passed:
            bench = Bench(zoo, embedded.load(GENERATOR))
    if not roles and bench.artist is artist and is_here(zoo, GENERATOR):
        where = chosen_directions(AUTO, zoo)
        for direction in _turning(where):
            yield check_direction(bench, direction, where)


def is_here(zoo: Zoo, role: str) -> bool:
    """Whether a set has a network of that role, and its file is on this machine."""
    return role == MTCNN or (zoo.has(role) and zoo.path(role).exists())


def _turning(where: str) -> list[Direction]:
    try:
        known = read_directions(directions_path(where))
    except BadCheckpoint:  # not fetched
        return []
    named = [one for one in known.values() if one.vector.size and one.component is None]
    return [one for one in named if one.yaw_per_degree or one.name == "pose"]
