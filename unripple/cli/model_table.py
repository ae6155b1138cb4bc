"""The table of weights and the cards: what there is, on which terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unripple.zoo import registry
from unripple.zoo.index import Entry, Index
from unripple.zoo.registry import State
from unripple.zoo.zoo import MTCNN, PACKAGED, ROLES, Zoo, embedded_folder, embedded_variants

EMBEDDED_LICENCE = "Apache-2.0"
MTCNN_LICENCE = (
    "MIT; the weights are those of facenet-pytorch (MIT), converted from the authors' MTCNN. "
    "Trained on WIDER FACE and CelebA, research collections."
)

_COMMERCIAL = {True: "yes", False: "no", None: "?"}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    kind: str
    roles: tuple[str, ...]
    size: int | None
    licence: str
    commercial: bool | None
    state: str
    what: str = ""
    sha256: str | None = None
    file: str | None = None
    page: str | None = None
    urls: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


def embedded_rows() -> Iterable[Row]:
    """The weights that come with the program."""
    for name in (*ROLES, *embedded_variants()):
        if name in PACKAGED:  # listed with what can be fetched
            continue
        path = embedded_folder() / "models" / f"{name}.safetensors"
        there = path.exists()
        yield Row(
            f"embedded/{name}",
            "embedded",
            (name.split("-")[0],),
            path.stat().st_size if there else None,
            EMBEDDED_LICENCE,
            True,
            State.THERE.value if there else "missing",
            "trained on rendered faces, for this program",
            file=str(path),
        )
    path = Zoo().path(MTCNN)
    yield Row(
        MTCNN,
        "embedded",
        ("align",),
        path.stat().st_size if path.exists() else None,
        MTCNN_LICENCE,
        None,
        State.THERE.value if path.exists() else "missing",
        "finds the faces of photographs; trained on photographs",
        file=str(path),
    )


def published_rows(lock: Index, folder: Path) -> Iterable[Row]:
    """The weights that the world has trained."""
    files = registry.read_taken(folder)
    for entry in lock.entries.values():
        sets = tuple(name for name in sets_of(lock) if entry in lock.chosen(name))
        taken = files.get(entry.name)
        yield Row(
            entry.name,
            "published",
            tuple(entry.networks),
            entry.size or (taken.size if taken else None),
            entry.licence,
            entry.commercial,
            registry.state(folder, entry, files).value,
            entry.what,
            entry.sha256 or (taken.sha256 if taken else None),
            entry.file,
            entry.page,
            entry.urls,
            sets,
        )


def sets_of(lock: Index) -> list[str]:
    """The names under which several entries are fetched together."""
    return list(dict.fromkeys([*lock.sets, *lock.groups]))


def table(rows: Iterable[Row]) -> str:
    """Aligned columns for people, at most 100 wide with the names of the list."""
    lines: list[Sequence[str]] = [
        ("NAME", "ROLES", "SIZE", "LICENCE", "COMMERCIAL", "STATE"),
        *(
            (
                row.name,
                ",".join(row.roles) or "-",
                size_text(row.size),
                row.licence.partition(";")[0],
                _COMMERCIAL[row.commercial],
                row.state,
            )
            for row in rows
        ),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = ""
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        cells[2] = line[2].rjust(widths[2])
        text += "  ".join(cells).rstrip() + "\n"
    return text


def size_text(size: int | None) -> str:
    """Bytes for people, like 53 MB; a question mark where nobody says."""
    if size is None:
        return "?"
    power = 0 if size < 1000 else 1 if size < 999_500 else 2 if size < 999_500_000 else 3
    value = size / 1000**power
    return f"{value:.{int(value < 10 and power > 1)}f} {('B', 'kB', 'MB', 'GB')[power]}"


def published_card(entry: Entry, row: Row) -> str:
    """The list's facts of an entry as Markdown."""
    digest = row.sha256 or (f"{entry.sha256_starts}..." if entry.sha256_starts else None)
    facts = {
        "file": entry.file + (f", in it {entry.member}" if entry.member else ""),
        "size": f"{row.size} bytes" if row.size else "unknown",
        "sha256": (digest or "unknown; the first file is trusted")
        + ("" if registry.known_digest(entry) or not digest else ", trusted on first use"),
        "page": entry.page,
        "urls": " ".join(entry.urls) or "none",
        "networks": ", ".join(f"{role}: {net}" for role, net in entry.networks.items())
        or "none yet; listed only",
        "px": ", ".join(
            f"{role}: {words['size']}" for role, words in entry.metadata.items() if "size" in words
        )
        or "unknown",
        "sets": ", ".join(row.sets) or "none",
        "commercial use": {
            True: "nothing known speaks against it",
            False: "no",
            None: "nobody says, or doubtful",
        }[entry.commercial],
        "state": row.state,
    }
    lines = "".join(f"| {word} | {text} |\n" for word, text in facts.items())
    return (
        f"# {entry.name}\n\n{entry.what}.\n\n| | |\n| --- | --- |\n{lines}\n"
        f"Licence: {entry.licence}\n"
    )
