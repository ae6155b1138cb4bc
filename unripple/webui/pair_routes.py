"""What the page asks of the queue of pairs; a pair's id is the leave to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unripple.conventions import UnknownName
from unripple.webui import messages
from unripple.webui.pairs import DONE, PairQueue, QueuedPair
from unripple.webui.picture_routes import file_answer
from unripple.webui.session import Session

Answer: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
_SHOWN = ("before", "after")


def pair_routes(pairs: PairQueue) -> list[tuple[str, str, Answer]]:
    """Method, path below the session's, and what answers."""

    async def add(request: Request, session: Session) -> Response:
        """Queue the open photo with the edit that was made last."""
        name, suggested = await messages.asked_name(request)
        added = await asyncio.to_thread(session.add_to_batch, name, suggested)
        opened = session.opened
        called = opened.choice.name if opened else added.photo.name
        pair_id = await asyncio.to_thread(pairs.add, added, called)
        (pair,) = pairs.describe([pair_id])
        batch = {
            "batch": str(added.batch),
            "photo": str(added.photo),
            "edit": added.edit,
            "new": added.new,
            "command": f"snakemake --configfile {added.batch}",
        }
        return JSONResponse({**batch, "pair": pair})

    async def describe(request: Request, session: Session) -> Response:  # noqa: ARG001
        ids = await messages.asked_ids(request)
        return JSONResponse({"pairs": await asyncio.to_thread(pairs.describe, ids)})

    async def run(request: Request, session: Session) -> Response:  # noqa: ARG001
        ids = await messages.asked_ids(request)
        await asyncio.to_thread(pairs.run, ids)
        return JSONResponse({"pairs": pairs.describe(ids)})

    async def cancel(request: Request, session: Session) -> Response:  # noqa: ARG001
        ids = await messages.asked_ids(request)
        await asyncio.to_thread(pairs.cancel, ids)
        return JSONResponse({"pairs": pairs.describe(ids)})

    async def remove(request: Request, session: Session) -> Response:  # noqa: ARG001
        for pair_id in await messages.asked_ids(request):
            await asyncio.to_thread(pairs.remove, pair_id)
        return Response(status_code=204)

    async def shown(request: Request, session: Session) -> Response:  # noqa: ARG001
        which = request.path_params["which"]
        if which not in _SHOWN:
            raise UnknownName(f"no picture {which!r} of a pair: {' or '.join(_SHOWN)}")
        path = _file(pairs, request, which)
        data = await asyncio.to_thread(path.read_bytes)
        kind = f"image/{path.suffix[1:]}"
        return Response(data, media_type=kind, headers={"cache-control": "private, max-age=3600"})

    async def result(request: Request, session: Session) -> Response:  # noqa: ARG001
        path = _file(pairs, request, "picture")
        pair = _pair(pairs, request)
        data = await asyncio.to_thread(path.read_bytes)
        return file_answer(data, f"{messages.stem(pair.name)}-{pair.edit}", "png")

    return [
        ("POST", "batch", add),
        ("POST", "pairs", describe),
        ("POST", "pairs/run", run),
        ("POST", "pairs/cancel", cancel),
        ("POST", "pairs/remove", remove),
        ("GET", "pairs/{id}/result", result),
        ("GET", "pairs/{id}/{which}", shown),
    ]


def _pair(pairs: PairQueue, request: Request) -> QueuedPair:
    return pairs.get(request.path_params["id"])


def _file(pairs: PairQueue, request: Request, what: str) -> Path:
    """One of the files that a made pair has.

    Raises:
        UnknownName: it is not made yet, or somebody deleted it.
    """
    pair = _pair(pairs, request)
    path = Path(pair.told.get(what, ""))
    if pair.state != DONE or not path.is_file():
        raise UnknownName("this pair is not made yet, or its files are gone; run it again")
    return path
