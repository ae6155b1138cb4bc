"""What the page asks the server: JSON and pictures, under /studio/<session>/.

The session's secret name is in the path; without it nobody sees anything of a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unripple.conventions import UnknownName, UnrippleError
from unripple.io.photo import encode_png, printable
from unripple.webui import messages
from unripple.webui.app_state import AppState
from unripple.webui.controls import ALIGN, offers_of
from unripple.webui.external import Desks
from unripple.webui.external_routes import external_routes
from unripple.webui.guard import ADDRESS
from unripple.webui.job_queue import (
    FULL,
    HEAVY,
    OPEN,
    PREVIEW,
    READ,
    JobQueue,
    QueuedJob,
    Superseded,
)
from unripple.webui.opened import Opened
from unripple.webui.pair_routes import pair_routes
from unripple.webui.pairs import PairQueue
from unripple.webui.picture_routes import (
    LARGE_PX,
    SAVING,
    THUMBNAILS,
    picture_routes,
    work_kind,
)
from unripple.webui.reading import Decoded, Patience
from unripple.webui.session import KEEP, Session
from unripple.webui.sessions import Sessions

T = TypeVar("T")
Answer: TypeAlias = Callable[[Request, Session], Awaitable[Response]]
_OPENING = "/opening"
_KEEPING = "/keeping"
_PREPARING = "/preparing"
_TIDY_S = 30.0
_SPARE_BYTES = 500_000_000  # what must stay free on the disk


class Routes:
    """The server's side of the page.

    Args:
        state: what all sessions share.
        workers: threads that compute.
    """

    def __init__(self, state: AppState, workers: int = 2) -> None:
        self.state = state
        self.sessions = Sessions(state)
        self.queue = JobQueue(workers)
        self.pairs = PairQueue(state.batch, state.device)

    def all(self) -> list[Route]:
        """The routes."""
        own: list[tuple[str, str, Answer]] = [
            ("GET", "controls/{models}", self._controls),
            ("POST", "photo", self._photo),
            ("POST", "preview", self._preview),
            ("POST", "full", self._full),
            ("POST", "keep", self._keep),
            ("DELETE", "keep", self._keep_nothing),
            ("POST", "face", self._face),
            ("GET", "progress", self._progress),
            ("POST", "cancel", self._cancel),
            ("POST", "translation", self._translation),
            *picture_routes(self.queue),
            *pair_routes(self.pairs),
            *external_routes(Desks(self.state), self.queue, self._received, self._read),
        ]
        listed = [
            Route(f"{ADDRESS}/{{session}}/{path}", self._guarded(answer), methods=[method])
            for method, path, answer in own
        ]
        return [
            Route(f"{ADDRESS}/begin", self._begin, methods=["POST"]),
            Route(f"{ADDRESS}/sample/{{name}}", self._sample, methods=["GET"]),
            Route(f"{ADDRESS}/{{session}}/end", self._end, methods=["POST"]),
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
            self.queue.close()
            self.pairs.close()
            self.sessions.close()
            self.state.close()

    def _guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def answering(request: Request) -> Response:
            try:
                session = self.sessions.get(request.path_params["session"])
            except UnknownName as error:
                # The page begins another one.
                return messages.refusal(404, str(error), ended=True)
            try:
                return await answer(request, session)
            except Superseded:
                return Response(status_code=205)  # as good as done; browsers would log a 409
            except ClientDisconnect:  # the guard has said why, where anybody listens
                return messages.refusal(408, "the request ended before its body did")
            except OSError as error:
                return messages.refusal(
                    507, f"the server's disk does not take it: {error.strerror}"
                )
            except UnknownName as error:
                return messages.refusal(404, str(error))
            except UnrippleError as error:
                text = re.sub(r"\S*/unripple-editor-\S*/", "", str(error))
                return messages.refusal(400, text, offers=self._offers(request, error))

        return answering

    def _offers(self, request: Request, error: UnrippleError) -> list[dict[str, Any]]:
        """What the page can offer to whoever's photo was refused."""
        asked = request.query_params
        models = asked.get("models", self.state.models[0])
        with contextlib.suppress(UnrippleError):  # no such models: nothing to offer
            return offers_of(error, tried=self.state.face_finder(models, asked.get(ALIGN[0])))
        return []

    async def _begin(self, request: Request) -> Response:  # noqa: ARG002
        name = await asyncio.to_thread(self.sessions.begin)
        models = self.state.models[0]
        controls = await asyncio.to_thread(self.state.describe, models)
        return JSONResponse({"session": name, "controls": controls})

    async def _end(self, request: Request) -> Response:
        name = request.path_params["session"]
        for purpose in ("", _OPENING, _KEEPING, SAVING, THUMBNAILS):
            self.queue.forget(name + purpose)
        await asyncio.to_thread(self.sessions.end, name)
        return Response(status_code=204)

    async def _sample(self, request: Request) -> Response:
        try:
            data = await asyncio.to_thread(self.state.thumbnail, request.path_params["name"])
        except UnrippleError as error:
            return messages.refusal(404, str(error))
        return Response(data, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})

    async def _controls(self, request: Request, session: Session) -> Response:  # noqa: ARG002
        models = request.path_params["models"]
        return JSONResponse(await asyncio.to_thread(self.state.describe, models))

    async def _photo(self, request: Request, session: Session) -> Response:
        """Open a sample, an uploaded file, or the same photo with other models."""
        known = ("name", "models", "inverter", "sample", "same", "face", *ALIGN)
        asked = messages.query(request, *known)
        face = messages.number(asked, "face")
        models = asked.get("models", self.state.models[0])
        inverter = asked.get("inverter", self.state.config["invert"]["method"])
        align = {name.partition(".")[2]: asked[name] for name in ALIGN if name in asked}
        self.state.config_of(models, inverter, align)  # refuses others before anything is read
        async with contextlib.AsyncExitStack() as until_opened:
            if "sample" in asked:
                path, name = self.state.sample(asked["sample"]), asked["sample"]
            elif asked.get("same"):
                if session.choice is None:
                    raise UnrippleError("no photo is open; choose one first")
                path, name = session.choice.path, session.choice.name
            else:
                path = await until_opened.enter_async_context(self._received(request, session))
                name = Path(asked.get("name", "photo")).name
            before = session.path
            opened = await self._opened(
                request,
                path,
                OPEN,
                lambda decoded, job: session.open(
                    path, printable(name)[:100], models, inverter, decoded, job.check, align, face
                ),
            )
            self.state.photo_seen.set()
            if before is not None and session.folder in before.parents and before != path:
                await asyncio.to_thread(shutil.rmtree, before.parent, ignore_errors=True)
        # The first preview would look at the face; that is done while the user looks at the page.
        return JSONResponse(
            messages.facts(opened), background=BackgroundTask(self._prepare, request, opened)
        )

    async def _prepare(self, request: Request, opened: Opened) -> None:
        """Get ready for a photo's first preview, in turn with those of others."""
        with contextlib.suppress(Superseded):
            await self.queue.run(
                _owner(request, _PREPARING), PREVIEW, lambda _: opened.pixel_sketch.prepare()
            )

    async def _read(self, request: Request, path: Path, of: str = _OPENING) -> Decoded:
        """Decode a file for a session; a newer file of the same session and purpose ends it."""

        def reading(job: QueuedJob) -> Decoded:
            return self.state.read(path, Patience(job.check, lambda: self.queue.crowded(READ)))

        return await _while_connected(request, self.queue.run(_owner(request, of), READ, reading))

    async def _opened(
        self, request: Request, path: Path, kind: str, call: Callable[[Decoded, QueuedJob], Any]
    ) -> Any:
        """Read a photo and take it through the steps before all edits."""
        decoded = await self._read(request, path)
        kind = HEAVY if decoded.photo.pixels.size > 3 * LARGE_PX else kind
        return await _while_connected(
            request,
            self.queue.run(_owner(request, _OPENING), kind, lambda job: call(decoded, job)),
        )

    async def _preview(self, request: Request, session: Session) -> Response:
        edit = await messages.asked_edit(request)
        await self._restored(request, session)
        data = await self.queue.run(
            _owner(request), PREVIEW, lambda _: encode_png(session.preview(edit))
        )
        return Response(data, media_type="image/png", headers=messages.NEVER_KEEP)

    async def _full(self, request: Request, session: Session) -> Response:
        edit = await messages.asked_edit(request)
        await self._restored(request, session)
        kind = work_kind(session)
        work = self.queue.run(_owner(request), kind, lambda job: session.full(edit, job.check))
        outcome = await _while_connected(request, work)
        return JSONResponse(messages.outcome_json(outcome))

    async def _face(self, request: Request, session: Session) -> Response:
        """Look at another face of the photo."""
        face = messages.number(messages.query(request, "face"), "face")
        await self._restored(request, session)
        work = self.queue.run(
            _owner(request, _OPENING), OPEN, lambda job: session.choose(face, job.check)
        )
        return JSONResponse(messages.facts(await _while_connected(request, work)))

    async def _progress(self, request: Request, session: Session) -> Response:  # noqa: ARG002
        return JSONResponse(session.progress.as_json(), headers=messages.NEVER_KEEP)

    async def _cancel(self, request: Request, session: Session) -> Response:  # noqa: ARG002
        """Let go of what is opened or edited: it ends at its next stage."""
        self.queue.forget(_owner(request))
        self.queue.forget(_owner(request, _OPENING))
        return Response(status_code=204)

    async def _keep(self, request: Request, session: Session) -> Response:
        await self._restored(request, session)
        async with self._received(request, session) as path:
            decoded = await self._read(request, path, _KEEPING)
            pixels = await asyncio.to_thread(session.set_keep, path, decoded)
        return JSONResponse({"pixels": pixels})

    async def _keep_nothing(self, request: Request, session: Session) -> Response:
        await self._restored(request, session)
        session.set_keep(None)
        return JSONResponse({"pixels": 0})

    async def _translation(self, request: Request, session: Session) -> Response:
        name, _ = await messages.asked_name(request)
        path = await asyncio.to_thread(session.save_translation, name)
        names = list(await asyncio.to_thread(self.state.all_translations))
        return JSONResponse({"file": str(path), "translations": names})

    async def _restored(self, request: Request, session: Session) -> None:
        if session.evicted and session.path is not None:
            await self._opened(
                request, session.path, FULL, lambda decoded, _: session.restore(decoded)
            )

    @contextlib.asynccontextmanager
    async def _received(self, request: Request, session: Session) -> AsyncIterator[Path]:
        """A body as a file in a folder of its own, deleted unless it is the session's photo then.

        Raises:
            UnrippleError: the session sends too many at a time, or the disk is nearly full.
        """
        named = Path(request.query_params.get("name", "photo")).name
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", named).lstrip(".")[-80:] or "photo"
        sent = [one for one in session.folder.iterdir() if one.is_dir() and one.name != KEEP]
        if len(sent) > self.state.limits.uploads:
            raise UnrippleError(
                f"{self.state.limits.uploads} files of this page are on their way already; wait "
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


async def _while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What long work gives; where the client leaves, nobody goes on working for it.

    Raises:
        ClientDisconnect: it left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_has_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            leaving.result()
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _has_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
