"""What the page asks the server: JSON and pictures, under /studio/<session>/.

The session's secret name is in the path; without it nobody sees anything of a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unripple.conventions import UnknownName, UnrippleError
from unripple.editor.guard import STUDIO
from unripple.editor.lanes import FULL, PREVIEW, Lanes, Superseded
from unripple.editor.session import Opened, Outcome, Session, Wanted
from unripple.editor.sessions import Sessions
from unripple.editor.studio import Studio
from unripple.io.photo import encode_png, printable

Answer: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
_NEVER_KEEP = {"cache-control": "no-store"}
_OPENING = "/opening"
_TIDY_S = 30.0
_LONGEST_JSON = 100_000


class Routes:
    """The server's side of the page.

    Args:
        studio: what all sessions share.
        workers: threads that compute.
    """

    def __init__(self, studio: Studio, workers: int = 2) -> None:
        self.studio = studio
        self.sessions = Sessions(studio)
        self.lanes = Lanes(workers)

    def all(self) -> list[Route]:
        """The routes."""
        own: list[tuple[str, str, Answer]] = [
            ("GET", "controls/{models}", self._controls),
            ("POST", "photo", self._photo),
            ("POST", "preview", self._preview),
            ("POST", "full", self._full),
            ("POST", "keep", self._keep),
            ("DELETE", "keep", self._keep_nothing),
            ("GET", "pictures/{picture}", self._picture),
            ("GET", "result.png", self._result),
            ("POST", "translation", self._translation),
            ("POST", "batch", self._batch),
        ]
        listed = [
            Route(f"{STUDIO}/{{session}}/{path}", self._guarded(answer), methods=[method])
            for method, path, answer in own
        ]
        return [
            Route(f"{STUDIO}/begin", self._begin, methods=["POST"]),
            Route(f"{STUDIO}/sample/{{name}}", self._sample, methods=["GET"]),
            Route(f"{STUDIO}/{{session}}/end", self._end, methods=["POST"]),
            *listed,
        ]

    @contextlib.asynccontextmanager
    async def living(self, _app: object = None) -> AsyncIterator[None]:
        """While the server runs: tidy up now and then, and at the end."""

        async def tidying() -> None:
            while True:
                await asyncio.sleep(_TIDY_S)
                await asyncio.to_thread(self.sessions.tidy)

        task = asyncio.create_task(tidying())
        try:
            yield
        finally:
            task.cancel()
            self.lanes.close()
            self.sessions.close()

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def answering(request: Request) -> Response:
            try:
                session = self.sessions.get(request.path_params["session"])
                return await answer(request, session)
            except Superseded:
                return Response(status_code=409)
            except ClientDisconnect:
                return _error(413, f"more than {self.studio.limits.upload_mb:g} MB")
            except UnknownName as error:
                return _error(404, str(error))
            except UnrippleError as error:
                return _error(400, re.sub(r"\S*/unripple-editor-\S*/", "", str(error)))

        return answering

    async def _begin(self, request: Request) -> Response:  # noqa: ARG002
        name = await asyncio.to_thread(self.sessions.begin)
        models = self.studio.models[0]
        controls = await asyncio.to_thread(self.studio.describe, models)
        return JSONResponse({"session": name, "controls": controls})

    async def _end(self, request: Request) -> Response:
        await asyncio.to_thread(self.sessions.end, request.path_params["session"])
        return Response(status_code=204)

    async def _sample(self, request: Request) -> Response:
        try:
            data = await asyncio.to_thread(self.studio.thumbnail, request.path_params["name"])
        except UnrippleError as error:
            return _error(404, str(error))
        return Response(data, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})

    async def _controls(self, request: Request, session: Session) -> Response:  # noqa: ARG002
        return JSONResponse(self.studio.describe(request.path_params["models"]))

    async def _photo(self, request: Request, session: Session) -> Response:
        """Open a sample, an uploaded file, or the same photo with other models."""
        asked = request.query_params
        models = asked.get("models", self.studio.models[0])
        inverter = asked.get("inverter", self.studio.config["invert"]["method"])
        if "sample" in asked:
            path, name = self.studio.sample(asked["sample"]), asked["sample"]
        elif asked.get("same"):
            await self._awake(request, session)
            if session.opened is None:
                raise UnrippleError("no photo is open; choose one first")
            path, name = session.opened.path, session.opened.name
        else:
            path, name = await _received(request, session), Path(asked.get("name", "photo")).name
        try:
            opened = await self.lanes.run(
                request.path_params["session"] + _OPENING,
                FULL,
                lambda _: session.open(path, printable(name)[:100], models, inverter),
            )
        finally:
            _forget_others(session)
        return JSONResponse(_facts(opened))

    async def _preview(self, request: Request, session: Session) -> Response:
        wanted = await _wanted(request)
        await self._awake(request, session)
        data = await self.lanes.run(
            request.path_params["session"],
            PREVIEW,
            lambda _: encode_png(session.preview(wanted)),
        )
        return Response(data, media_type="image/png", headers=_NEVER_KEEP)

    async def _full(self, request: Request, session: Session) -> Response:
        wanted = await _wanted(request)
        await self._awake(request, session)
        outcome = await self.lanes.run(
            request.path_params["session"], FULL, lambda wish: session.full(wanted, wish.check)
        )
        return JSONResponse(_told(outcome))

    async def _keep(self, request: Request, session: Session) -> Response:
        await self._awake(request, session)
        path = await _received(request, session)
        try:
            pixels = await asyncio.to_thread(session.set_keep, path)
        finally:
            shutil.rmtree(path.parent, ignore_errors=True)
        return JSONResponse({"pixels": pixels})

    async def _keep_nothing(self, request: Request, session: Session) -> Response:
        await self._awake(request, session)
        session.set_keep(None)
        return JSONResponse({"pixels": 0})

    async def _picture(self, request: Request, session: Session) -> Response:
        name = request.path_params["picture"]
        made = session.outcome.pictures if session.outcome else {}
        shown = made.get(name) or session.pictures.get(name)
        if shown is None:
            raise UnknownName(f"no picture {name!r} now")
        return Response(shown.data, media_type=shown.media_type, headers=_NEVER_KEEP)

    async def _result(self, request: Request, session: Session) -> Response:  # noqa: ARG002
        data = await asyncio.to_thread(session.result_png)
        name = _slug(session.opened.name if session.opened else "photo")
        disposition = f'attachment; filename="{name}-edited.png"'
        return Response(
            data,
            media_type="image/png",
            headers={**_NEVER_KEEP, "content-disposition": disposition},
        )

    async def _translation(self, request: Request, session: Session) -> Response:
        name = str((await _json(request)).get("name", ""))
        path = await asyncio.to_thread(session.save_translation, name)
        names = list(await asyncio.to_thread(self.studio.known_translations))
        return JSONResponse({"file": str(path), "translations": names})

    async def _batch(self, request: Request, session: Session) -> Response:
        name = str((await _json(request)).get("name", ""))
        added = await asyncio.to_thread(session.add_to_batch, name)
        return JSONResponse(
            {
                "batch": str(added.batch),
                "photo": str(added.photo),
                "edit": added.edit,
                "new": added.new,
                "command": f"snakemake --configfile {added.batch}",
            }
        )

    async def _awake(self, request: Request, session: Session) -> None:
        if session.sleeps:
            owner = request.path_params["session"] + _OPENING
            await self.lanes.run(owner, FULL, lambda _: session.wake())


def _facts(opened: Opened) -> dict[str, Any]:
    """What the page must know of an opened photo."""
    transform = opened.array("align", "transform")
    height, width = opened.pixels.shape[:2]
    return {
        "name": opened.name,
        "width": width,
        "height": height,
        "side": int(opened.array("align", "picture").shape[0]),
        "transform": [float(value) for value in transform.T.ravel()],
        "models": opened.models,
        "inverter": opened.inverter,
        "yaw": opened.yaw_deg,
    }


def _told(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {"pictures": [], "figures": {}, "warnings": [], "kept": False}
    return {
        "pictures": list(outcome.pictures),
        "figures": dict(outcome.figures),
        "warnings": outcome.warnings,
        "kept": outcome.kept,
    }


async def _received(request: Request, session: Session) -> Path:
    """A body as a file in the session's folder, in a folder of its own."""
    named = Path(request.query_params.get("name", "photo")).name
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", named).lstrip(".")[-80:] or "photo"
    path = session.folder / uuid.uuid4().hex / plain
    path.parent.mkdir()
    with path.open("wb") as file:
        async for part in request.stream():
            file.write(part)
    return path


def _forget_others(session: Session) -> None:
    """Delete every upload but the photo that is open."""
    kept = session.path.parents if session.path else ()
    for folder in session.folder.iterdir():
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)


async def _json(request: Request) -> dict[str, Any]:
    body = await request.body()
    try:
        content = json.loads(body) if len(body) <= _LONGEST_JSON else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UnrippleError("the request holds no JSON object")
    return content


async def _wanted(request: Request) -> Wanted:
    return Wanted.from_json(await _json(request))


def _slug(name: str) -> str:
    stem = Path(name).stem
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in stem)[:80]


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status, headers=_NEVER_KEEP)
