"""What the page shows and saves: pictures, their pixels, thumbnails of translations, the result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from unripple.conventions import UnknownName, UnrippleError
from unripple.io.photo import encode_jpeg, encode_png
from unripple.runtime.view import thumbnail
from unripple.webui import messages
from unripple.webui.edit_request import EditRequest
from unripple.webui.job_queue import FULL, HEAVY, JobQueue, Superseded
from unripple.webui.leaving import ENDINGS, TYPES, Wanted
from unripple.webui.session import Session

Answer: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
SAVING = "/saving"
THUMBNAILS = "/thumbnails"
LARGE_PX = 4_000_000
"""Photos above that are heavy work."""
_THUMBNAIL_PX = 112


def work_kind(session: Session) -> str:
    """Which line of the queue a session's edits wait in."""
    opened = session.opened
    return HEAVY if opened is not None and opened.pixels.size > 3 * LARGE_PX else FULL


def picture_routes(queue: JobQueue) -> list[tuple[str, str, Answer]]:
    """Method, path below the session's, and what answers."""

    async def picture(request: Request, session: Session) -> Response:
        name = request.path_params["picture"]
        made = session.outcome.pictures if session.outcome else {}
        shown = made.get(name) or session.pictures.get(name)
        if shown is None:
            raise UnknownName(f"no picture {name!r} now")
        return Response(shown.data, media_type=shown.media_type, headers=messages.NEVER_KEEP)

    async def pixels(request: Request, session: Session) -> Response:
        said = messages.query(request, "x", "y", "w", "h", "v")
        left, top, width, height = (messages.number(said, name) for name in "xywh")
        box = (left, top, width, height)
        view = request.path_params["view"]
        data = await asyncio.to_thread(lambda: encode_png(session.region(view, box)))
        return Response(data, media_type="image/png", headers=messages.NEVER_KEEP)

    async def translated(request: Request, session: Session) -> Response:
        """The photo with a named translation, small."""
        asked = EditRequest({}, request.path_params["name"])

        def drawn(_: object) -> bytes:
            return encode_jpeg(thumbnail(session.preview(asked), _THUMBNAIL_PX), quality=85)

        owner = request.path_params["session"] + THUMBNAILS
        try:
            data = await queue.run(owner, FULL, drawn)
        except Superseded:
            raise
        except UnrippleError:  # it was made for other models
            return Response(status_code=204)
        return Response(data, media_type="image/jpeg", headers=messages.NEVER_KEEP)

    async def result(request: Request, session: Session) -> Response:
        wanted = Wanted.from_query(messages.query(request, "format", "quality", "metadata"))
        owner = request.path_params["session"] + SAVING
        data = await queue.run(owner, work_kind(session), lambda _: session.result(wanted))
        name = session.opened.choice.name if session.opened else "photo"
        return file_answer(data, f"{messages.stem(name)}-edited", wanted.kind)

    return [
        ("GET", "pictures/{picture}", picture),
        ("GET", "pixels/{view}", pixels),
        ("GET", "translated/{name:path}", translated),
        ("GET", "result", result),
        ("GET", "result.png", result),
    ]


def file_answer(data: bytes, stem: str, kind: str) -> Response:
    """A picture to be saved under a name, whatever its letters."""
    name = f"{stem}.{ENDINGS[kind]}"
    plain = f"{messages.slug(stem)}.{ENDINGS[kind]}"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    headers = {**messages.NEVER_KEEP, "content-disposition": disposition}
    return Response(data, media_type=TYPES[kind], headers=headers)
