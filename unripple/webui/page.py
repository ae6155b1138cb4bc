"""The page's own files, and the whole app around the routes: plain Starlette.

The files are the package's, read once; nothing is compiled, and nothing is loaded from elsewhere.
Uploads are the bodies of requests themselves, so no form has to be taken apart.
"""

from __future__ import annotations

import importlib.util
import json
from importlib import resources
from typing import TYPE_CHECKING

from unripple.conventions import UnrippleError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from unripple.webui.routes import Routes

NEEDED = ("starlette", "uvicorn")
INSTALL = "uv sync --extra editor (or: pip install starlette uvicorn), or run make editor"
STATIC = "/static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FOLDER = "static"


def check_installed() -> None:
    """See that what serves the page is there, without the time that it takes to import.

    Raises:
        UnrippleError: it is not installed.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise UnrippleError(f"the editor needs {names}, of the extra `editor`: {INSTALL}")


def page_files() -> dict[str, tuple[bytes, str]]:
    """The page's files by their address: bytes and media type."""
    folder = resources.files("unripple.webui").joinpath(_FOLDER)
    files = {f"{STATIC}/{entry.name}": entry for entry in folder.iterdir()}
    files["/"] = files.pop(f"{STATIC}/page.html")
    files[f"{STATIC}/look.css"] = resources.files("unripple.stages").joinpath("look.css")
    return {
        address: (entry.read_bytes(), _TYPES["." + entry.name.rpartition(".")[2]])
        for address, entry in sorted(files.items())
    }


def app_of(routes: Routes) -> Starlette:
    """The whole app, unguarded: the page at /, its files, and what it asks while it is used."""
    from starlette.applications import Starlette

    pages = [_file_route(address, *content) for address, content in page_files().items()]
    return Starlette(
        routes=[*pages, *routes.all()],
        lifespan=routes.living,
        exception_handlers={404: _nothing_here, 405: _nothing_here},
    )


def _file_route(address: str, content: bytes, media_type: str) -> Route:
    from starlette.responses import Response
    from starlette.routing import Route

    async def answer(request: Request) -> Response:  # noqa: ARG001
        # Asked for anew each time: a page of yesterday's version must not meet today's server.
        return Response(content, media_type=media_type, headers={"cache-control": "no-cache"})

    return Route(address, answer, methods=["GET"])


async def _nothing_here(request: Request, error: Exception) -> Response:  # noqa: ARG001
    from starlette.responses import Response

    body = json.dumps({"error": "there is nothing here"})
    return Response(body, status_code=404, media_type="application/json")
