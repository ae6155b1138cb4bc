"""What keeps the package from being imported where there is no Unix."""

from __future__ import annotations

import ast
from pathlib import Path

UNIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}


def imported_at_once(tree: ast.Module) -> set[str]:
    """Modules that a module imports when it is imported itself."""
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names.add(statement.module.partition(".")[0])
    return names


def test_no_module_needs_unix_to_be_imported(repo: Path) -> None:
    found = {
        str(path.relative_to(repo)): needed
        for path in sorted((repo / "unripple").rglob("*.py"))
        if (needed := imported_at_once(ast.parse(path.read_text())) & UNIX_ONLY)
    }
    assert found == {}
