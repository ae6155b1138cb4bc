"""The server: on this machine alone. From elsewhere one comes by `ssh -L` or one's own proxy.

It ends on SIGTERM, SIGINT and SIGHUP alike, and leaves neither files nor processes.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from unripple.conventions import UnrippleError
from unripple.webui.app_state import AppState
from unripple.webui.guard import LOCAL, Guard
from unripple.webui.listening import HOST
from unripple.webui.page import app_of
from unripple.webui.routes import Routes

USER = "unripple"
SHORTEST_PASSWORD = 8
CONNECTIONS = 500
"""At a time; whoever comes then is told to come again."""

_TOKEN_BYTES = 24
_LEAVE_S = 5.0  # for edits that run when the server ends
_LONGEST_HEAD = 32_768  # bytes of a request before its body
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


def check_access(
    *, proxy_name: str | None = None, password: str | None = None, token: str | None = None
) -> None:
    """Refuse to show the editor to the world without a password or a token.

    Args:
        proxy_name: the name under which a proxy passes requests on, or None.
        password: what everybody must give, or None.
        token: what the address carries; "" is none, None a new one.

    Raises:
        UnrippleError: everybody could come in, the password is short, or the name is none.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise UnrippleError(f"the password has fewer than {SHORTEST_PASSWORD} characters")
    if proxy_name is None:
        return
    if _HOST_NAME.fullmatch(proxy_name.lower()) is None:
        raise UnrippleError(
            f"--proxy-name {proxy_name}: wanted a host's name alone, like photos.example.org, "
            "without scheme, port or path"
        )
    if password is None and token == "":
        raise UnrippleError(
            "--proxy-name without a token lets everybody in who has the address: give a password, "
            "by --password-file or in $UNRIPPLE_EDITOR_PASSWORD, or leave --no-token out"
        )


def guarded(
    state: AppState,
    *,
    workers: int = 2,
    password: str | None = None,
    token: str | None = None,
    proxy_name: str | None = None,
) -> tuple[Guard, Routes]:
    """The app as it is served, and its routes."""
    import torch

    # All threads compute on one thread each: the pipeline's bytes are those of one thread.
    torch.set_num_threads(1)
    routes = Routes(state, workers)
    app = Guard(
        app_of(routes),
        hosts=LOCAL if proxy_name is None else (*LOCAL, proxy_name),
        max_mb=state.limits.upload_mb,
        login=None if password is None else (USER, password),
        token=token,
    )
    return app, routes


def serve(
    state: AppState,
    listener: socket.socket,
    *,
    workers: int = 2,
    password: str | None = None,
    token: str | None = None,
    proxy_name: str | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Answer on 127.0.0.1 until interrupted.

    Args:
        state: what is edited with; closed at the end.
        listener: see `listening.listen`; closed at the end.
        workers: threads that compute.
        password: what everybody must give, beside the name `unripple`, instead of a token.
        token: what the address carries; "" is none, None a new one.
        proxy_name: the name under which a proxy of the user's passes requests on, or None.
        started: given the address once it is answered on.

    Raises:
        UnrippleError: everybody could come in from elsewhere.
    """
    with contextlib.ExitStack() as until_the_end:
        until_the_end.callback(_leave_soon)
        until_the_end.callback(state.close)
        until_the_end.enter_context(listener)
        until_the_end.enter_context(_ended_by_signals())
        check_access(proxy_name=proxy_name, password=password, token=token)
        if token is None:
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        token = None if password is not None else token or None
        app, _ = guarded(
            state, workers=workers, password=password, token=token, proxy_name=proxy_name
        )
        state.reader.start()
        threading.Thread(target=state.warm_up, daemon=True).start()
        if started is not None:
            port = listener.getsockname()[1]
            started(f"http://{HOST}:{port}" + (f"/?token={token}" if token else ""))
        _run(app, listener)


def _run(app: Any, listener: socket.socket) -> None:
    import uvicorn

    from unripple.webui.impatient import Impatient

    config = uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        log_level="warning",
        access_log=False,  # addresses carry tokens
        server_header=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Signals that end a process end it in order: what `with` and `finally` promise is done."""

    def end(number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:  # uvicorn knows the other one
            os.kill(os.getpid(), signal.SIGTERM)
            return
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` asks to stay
        ours.append(signal.SIGHUP)
    before = {one: signal.signal(one, end) for one in ours}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _leave_soon() -> None:
    """An edit that is in the middle of a long step is not waited for."""
    timer = threading.Timer(_LEAVE_S, os._exit, [0])
    timer.daemon = True
    timer.start()
