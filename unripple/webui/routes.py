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
from unripple.io.photo import encode_png, printable
from unripple.webui.controls import ALIGN, offers_of
from unripple.webui.guard import STUDIO
from unripple.webui.lanes import FULL, HEAVY, PREVIEW, READ, Lanes, Superseded, Wish
from unripple.webui.reading import Decoded, Patience
from unripple.webui.session import Opened, Outcome, Session
from unripple.webui.sessions import Sessions
from unripple.webui.studio import Studio
from unripple.webui.wanted import Wanted

Answer: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
_NEVER_KEEP = {"cache-control": "no-store"}
_OPENING = "/opening"
_SAVING = "/saving"
_TIDY_S = 30.0
_LARGE_PX = 4_000_000  # photos above that are heavy work
_SPARE_BYTES = 500_000_000  # what must stay free on the disk


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
            self.studio.close()

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def answering(request: Request) -> Response:
            try:
                session = self.sessions.get(request.path_params["session"])
            except UnknownName as error:
                return _error(404, str(error), ended=True)  # the page begins another one
            try:
                return await answer(request, session)
            except Superseded:
                return Response(status_code=409)
            except ClientDisconnect:  # the guard has said why, where anybody listens
                return _error(408, "the request ended before its body did")
            except OSError as error:
                return _error(507, f"the server's disk does not take it: {error.strerror}")
            except UnknownName as error:
                return _error(404, str(error))
            except UnrippleError as error:
                text = re.sub(r"\S*/unripple-editor-\S*/", "", str(error))
                return _error(400, text, offers=self._offers(request, error))

        return answering

    def _offers(self, request: Request, error: UnrippleError) -> list[dict[str, Any]]:
        """What the page can offer to whoever's photo was refused."""
        asked = request.query_params
        models = asked.get("models", self.studio.models[0])
        with contextlib.suppress(UnrippleError):  # no such models: nothing to offer
            return offers_of(error, tried=self.studio.face_finder(models, asked.get(ALIGN[0])))
        return []

    async def _begin(self, request: Request) -> Response:  # noqa: ARG002
        name = await asyncio.to_thread(self.sessions.begin)
        models = self.studio.models[0]
        controls = await asyncio.to_thread(self.studio.describe, models)
        return JSONResponse({"session": name, "controls": controls})

    async def _end(self, request: Request) -> Response:
        name = request.path_params["session"]
        for owner in (name, name + _OPENING, name + _SAVING):
            self.lanes.forget(owner)
        await asyncio.to_thread(self.sessions.end, name)
        return Response(status_code=204)

    async def _sample(self, request: Request) -> Response:
        try:
            data = await asyncio.to_thread(self.studio.thumbnail, request.path_params["name"])
        except UnrippleError as error:
            return _error(404, str(error))
        return Response(data, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})

    async def _controls(self, request: Request, session: Session) -> Response:  # noqa: ARG002
        models = request.path_params["models"]
        return JSONResponse(await asyncio.to_thread(self.studio.describe, models))

    async def _photo(self, request: Request, session: Session) -> Response:
        """Open a sample, an uploaded file, or the same photo with other models."""
        asked = _query(request, "name", "models", "inverter", "sample", "same", *ALIGN)
        models = asked.get("models", self.studio.models[0])
        inverter = asked.get("inverter", self.studio.config["invert"]["method"])
        align = {name.partition(".")[2]: asked[name] for name in ALIGN if name in asked}
        self.studio.config_of(models, inverter, align)  # refuses others before anything is read
        async with contextlib.AsyncExitStack() as until_opened:
            if "sample" in asked:
                path, name = self.studio.sample(asked["sample"]), asked["sample"]
            elif asked.get("same"):
                if session.path is None:
                    raise UnrippleError("no photo is open; choose one first")
                path, name = session.path, session.name
            else:
                path = await until_opened.enter_async_context(self._received(request, session))
                name = Path(asked.get("name", "photo")).name
            before = session.path
            opened = await self._opened(
                request,
                path,
                lambda decoded, wish: session.open(
                    path, printable(name)[:100], models, inverter, decoded, wish.check, align
                ),
            )
            if before is not None and session.folder in before.parents and before != path:
                await asyncio.to_thread(shutil.rmtree, before.parent, ignore_errors=True)
        return JSONResponse(_facts(opened))

    async def _read(self, request: Request, path: Path) -> Decoded:
        """Decode a file for a session; a newer file of the same session ends it."""
        studio = self.studio

        def reading(wish: Wish) -> Decoded:
            return studio.read(path, Patience(wish.check, lambda: self.lanes.crowded(READ)))

        return await self.lanes.run(_owner(request, _OPENING), READ, reading)

    async def _opened(
        self, request: Request, path: Path, call: Callable[[Decoded, Wish], Any]
    ) -> Any:
        decoded = await self._read(request, path)
        kind = HEAVY if decoded.photo.pixels.size > 3 * _LARGE_PX else FULL
        return await self.lanes.run(
            _owner(request, _OPENING), kind, lambda wish: call(decoded, wish)
        )

    async def _preview(self, request: Request, session: Session) -> Response:
        wanted = await _wanted(request)
        await self._awake(request, session)
        data = await self.lanes.run(
            _owner(request), PREVIEW, lambda _: encode_png(session.preview(wanted))
        )
        return Response(data, media_type="image/png", headers=_NEVER_KEEP)

    async def _full(self, request: Request, session: Session) -> Response:
        wanted = await _wanted(request)
        await self._awake(request, session)
        outcome = await self.lanes.run(
            _owner(request), _kind(session), lambda wish: session.full(wanted, wish.check)
        )
        return JSONResponse(_told(outcome))

    async def _keep(self, request: Request, session: Session) -> Response:
        await self._awake(request, session)
        async with self._received(request, session) as path:
            decoded = await self._read(request, path)
            pixels = await asyncio.to_thread(session.set_keep, path, decoded)
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

    async def _result(self, request: Request, session: Session) -> Response:
        data = await self.lanes.run(
            _owner(request, _SAVING), _kind(session), lambda _: session.result_png()
        )
        name = _slug(session.opened.name if session.opened else "photo")
        disposition = f'attachment; filename="{name}-edited.png"'
        return Response(
            data,
            media_type="image/png",
            headers={**_NEVER_KEEP, "content-disposition": disposition},
        )

    async def _translation(self, request: Request, session: Session) -> Response:
        name = await _named(request)
        path = await asyncio.to_thread(session.save_translation, name)
        names = list(await asyncio.to_thread(self.studio.known_translations))
        return JSONResponse({"file": str(path), "translations": names})

    async def _batch(self, request: Request, session: Session) -> Response:
        name = await _named(request)
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
        if session.sleeps and session.path is not None:
            await self._opened(request, session.path, lambda decoded, _: session.wake(decoded))

    @contextlib.asynccontextmanager
    async def _received(self, request: Request, session: Session) -> AsyncIterator[Path]:
        """A body as a file in a folder of its own, deleted unless it is the session's photo then.

        Raises:
            UnrippleError: the session sends too many at a time, or the disk is nearly full.
        """
        named = Path(request.query_params.get("name", "photo")).name
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", named).lstrip(".")[-80:] or "photo"
        if sum(1 for one in session.folder.iterdir() if one.is_dir()) > self.studio.limits.uploads:
            raise UnrippleError(
                f"{self.studio.limits.uploads} files of this page are on their way already; wait "
                "until they are there"
            )
        if shutil.disk_usage(session.folder).free < _SPARE_BYTES:
            raise UnrippleError("the server's disk is nearly full; nothing can be sent now")
        path = session.folder / uuid.uuid4().hex / plain
        path.parent.mkdir(mode=0o700)
        try:
            with path.open("wb") as file:
                async for part in request.stream():
                    file.write(part)
            yield path
        finally:
            if session.path != path:
                shutil.rmtree(path.parent, ignore_errors=True)


def _owner(request: Request, purpose: str = "") -> str:
    return str(request.path_params["session"]) + purpose


def _kind(session: Session) -> str:
    opened = session.opened
    return HEAVY if opened is not None and opened.pixels.size > 3 * _LARGE_PX else FULL


def _query(request: Request, *known: str) -> dict[str, str]:
    """What an address says behind its question mark.

    Raises:
        UnrippleError: it says something twice, or something that nobody asks for.
    """
    said = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    names = [name for name, _ in said]
    for name in names:
        if names.count(name) > 1 or name not in known:
            raise UnrippleError(f"{printable(name)[:100]!r}: said twice, or unknown")
    return dict(said)


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


async def _json(request: Request) -> dict[str, Any]:
    try:
        content = json.loads(await request.body(), object_pairs_hook=_pairs)
    except (ValueError, RecursionError):  # also: no UTF-8, numbers of thousands of digits
        content = None
    if not isinstance(content, dict):
        raise UnrippleError("the request holds no JSON object")
    return content


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnrippleError(f"the request says {printable(twice)[:100]!r} twice")
    return said


async def _named(request: Request) -> str:
    name = (await _json(request)).get("name", "")
    if not isinstance(name, str):
        raise UnrippleError("name: wanted text")
    return name


async def _wanted(request: Request) -> Wanted:
    return Wanted.from_json(await _json(request))


def _slug(name: str) -> str:
    stem = Path(name).stem
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in stem)[:80]


def _error(status: int, text: str, **more: Any) -> Response:
    return JSONResponse({"error": printable(text), **more}, status, headers=_NEVER_KEEP)
