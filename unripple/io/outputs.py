"""Names of files that a command is to write: none is the photo, and no two are one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from unripple.conventions import UnrippleError

PHOTO = "photo"


def check_output(
    out: Path, inputs: Mapping[str, Path | None], *, overwrite: bool = False, switch: str = "-o"
) -> None:
    """Refuse to write over what the command reads, by whatever name or link.

    Args:
        out: the file to be written.
        inputs: what is read, by what it is: "photo", "config" ...
        overwrite: the photo may be written over.
        switch: what named the file.

    Raises:
        UnrippleError: it is one of the inputs.
    """
    for what, path in inputs.items():
        if path is None or not is_one_file(out, path) or (what == PHOTO and overwrite):
            continue
        remedy = ", or add --overwrite to lose the original" if what == PHOTO else ""
        remedy = remedy if switch == "-o" else ""
        also = "" if str(out) == str(path) else f", {path}"
        raise UnrippleError(
            f"{switch} {out} is the {what} itself{also}; choose another name{remedy}"
        )


def is_one_file(one: Path, other: Path) -> bool:
    """Whether two names are one file on this disk: also by links, or where a is A."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False  # what is not there is written over by nobody


def check_distinct(outs: Iterable[tuple[str, Path]]) -> None:
    """Refuse two results under one name, on disks that do not tell a from A, too.

    Args:
        outs: what each result is of, and its file.

    Raises:
        UnrippleError: two share a name; the text says of what they are.
    """
    names_of: dict[str, str] = {}
    for what, out in outs:
        other = names_of.setdefault(str(out.resolve()).casefold(), what)
        if other != what:
            raise UnrippleError(
                f"{other} and {what} would both be written to {out}; take them one at a time, each "
                "with a name of its own"
            )


def check_absent(outs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse to replace results of an earlier time.

    Args:
        outs: files to write.
        overwrite: they may be replaced.

    Raises:
        UnrippleError: some are there; the text names the first ones.
    """
    there = [] if overwrite else [str(out) for out in outs if out.exists()]
    if there:
        listed = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "")
        are = "is there already" if len(there) == 1 else "are there already"
        raise UnrippleError(f"{listed} {are}; add --overwrite to replace, or choose -o")
