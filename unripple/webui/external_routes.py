"""What the page asks about other programs' edits: two pictures in, the repaired one out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unripple.conventions import UnknownName
from unripple.io.photo import printable
from unripple.webui import messages
from unripple.webui.external import SLOTS, Desks, Given, keep_of
from unripple.webui.job_queue import HEAVY, JobQueue
from unripple.webui.picture_routes import file_answer
from unripple.webui.reading import Decoded
from unripple.webui.session import Session

Answer: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
Receive: TypeAlias = Callable[[Request, Session], AbstractAsyncContextManager[Path]]
Read: TypeAlias = Callable[[Request, Path], Awaitable[Decoded]]
_REPAIRING = "/external"


def external_routes(
    desks: Desks, queue: JobQueue, receive: Receive, read: Read
) -> list[tuple[str, str, Answer]]:
    """Method, path below the session's, and what answers."""

    def put(slot: str) -> Answer:
        async def answer(request: Request, session: Session) -> Response:
            called = messages.query(request, "name").get("name", slot)
            async with receive(request, session) as path:
                given = Given(printable(Path(called).name)[:100], await read(request, path))
            desks.put(session, slot, given)
            return JSONResponse(given.facts())

        return answer

    async def repair(request: Request, session: Session) -> Response:
        keep = keep_of(await messages.asked_object(request))
        owner = request.path_params["session"] + _REPAIRING
        made = await queue.run(owner, HEAVY, lambda job: desks.repair(session, keep, job.check))
        return JSONResponse(made.as_json())

    async def picture(request: Request, session: Session) -> Response:
        name, repaired = request.path_params["picture"], desks.of(session).repaired
        shown = None if repaired is None else repaired.pictures.get(name)
        if shown is None:
            raise UnknownName(f"no picture {printable(name)[:100]!r} now")
        return Response(shown.data, media_type=shown.media_type, headers=messages.NEVER_KEEP)

    async def result(request: Request, session: Session) -> Response:  # noqa: ARG001
        desk = desks.of(session)
        if desk.repaired is None:
            raise UnknownName("nothing was repaired yet")
        stem = messages.stem(desk.given["edited"].name)
        return file_answer(desk.repaired.file, f"{stem}-repaired", "png")

    return [
        *(("POST", f"external/{slot}", put(slot)) for slot in SLOTS),
        ("POST", "external/repair", repair),
        ("GET", "external/pictures/{picture}", picture),
        ("GET", "external/result.png", result),
    ]
