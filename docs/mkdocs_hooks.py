"""What `make docs` adds to docs/: pages that lie elsewhere, and a reference of every module.

Links on all pages are those of the repository, so that they work where it is read without a site.
Here they are turned to the site's own pages. A link to a module becomes one to its reference; one
to another file of the repository becomes plain text; one that leads nowhere is a warning, which
`mkdocs build --strict` takes for an error.
"""

from __future__ import annotations

import ast
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks.unripple")

REPO = Path(__file__).resolve().parents[1]
PACKAGES = (
    "unripple",
    "snakemake_executor_plugin_unripple",
    "snakemake_logger_plugin_unripple",
)
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "training/README.md": "training.md",
    "tests/goldens/README.md": "goldens.md",
}
"""Pages outside docs/: path in the repository -> page of the site."""
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for path, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(REPO / path)))
    for name, path in modules():
        files.append(File.generated(config, _reference(path), content=f"::: {name}\n"))
    files.append(File.generated(config, "reference/index.md", content=contents()))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Turn the repository's links to those of the site."""
    source = page.file.abs_src_path
    if source is None:  # made by this file, with the site's own links
        return markdown
    here = Path(source).relative_to(REPO)

    def turned(link: re.Match[str]) -> str:
        image, text, target = link.groups()
        path, hash_, anchor = target.partition("#")
        if not path or ":" in path:
            return link.group()
        meant = os.path.normpath(here.parent / path)
        uri = _uri(meant)
        if files.get_file_from_path(uri) is not None:
            start = os.path.dirname(page.file.src_uri)  # noqa: PTH120 (an address, not a file)
            return f"{image}[{text}]({os.path.relpath(uri, start or '.')}{hash_}{anchor})"
        if not (REPO / meant).exists():
            log.warning("%s: %s leads nowhere", here, target)
        return str(text)

    parts = CODE.split(markdown)
    return "".join(LINK.sub(turned, p) if n % 2 == 0 else p for n, p in enumerate(parts))


def modules() -> Iterator[tuple[str, Path]]:
    """The modules that have a page: name and file, relative to the repository."""
    for package in PACKAGES:
        for file in sorted((REPO / package).rglob("*.py")):
            path = file.relative_to(REPO)
            hidden = file.stem.startswith("_") and file.stem != "__init__"
            if hidden or file.stem == "__main__":
                continue
            yield ".".join(path.with_suffix("").parts).removesuffix(".__init__"), path


def contents() -> str:
    """The reference's first page: every module, with what it says of itself in a sentence."""
    lines = ["# Reference", "", "Made from the docstrings of every module."]
    for name, path in modules():
        about = ast.get_docstring(ast.parse((REPO / path).read_text())) or ""
        first = " ".join(about.split("\n\n")[0].split())
        page = os.path.relpath(_reference(path), "reference")
        if path.name == "__init__.py":
            lines += ["", f"## [{name}]({page})", "", first, ""]
        else:
            lines.append(f"- [{name.rpartition('.')[2]}]({page}): {first}")
    return "\n".join(lines) + "\n"


def _reference(path: Path) -> str:
    """The page of a module."""
    return f"reference/{path.with_suffix('').as_posix()}.md".replace("/__init__.md", "/index.md")


def _uri(path: str) -> str:
    """The page or picture of the site for a file of the repository, there or not."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if path.startswith(PACKAGES) and path.endswith(".py"):
        return _reference(Path(path))
    if path.startswith(PACKAGES):
        return f"reference/{path}/index.md"
    return path.removeprefix("docs/")
