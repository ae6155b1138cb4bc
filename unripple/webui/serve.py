"""The server: on this machine alone, unless it is shared with a password.

It ends on SIGTERM, SIGINT and SIGHUP alike, and leaves neither files nor processes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from unripple.conventions import UnrippleError
from unripple.webui.guard import Guard
from unripple.webui.page import mounted
from unripple.webui.routes import Routes
from unripple.webui.studio import Studio

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
USER = "unripple"
SHORTEST_PASSWORD = 8
CONNECTIONS = 500
"""At a time; whoever comes then is told to come again."""

_TOKEN_BYTES = 24
_LEAVE_S = 5.0  # for edits that run when the server ends
_LONGEST_HEAD = 32_768  # bytes of a request before its body


def check_sharing(*, share: bool, password: str | None) -> None:
    """Refuse to show the editor to the world without a password.

    Raises:
        UnrippleError: there is none, or it is short.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise UnrippleError(f"the password has fewer than {SHORTEST_PASSWORD} characters")
    if share and password is None:
        raise UnrippleError(
            "--share lets everybody in who has the address: give a password, by --password-file "
            "or in $UNRIPPLE_EDITOR_PASSWORD"
        )


def guarded(
    studio: Studio, *, workers: int = 2, password: str | None = None, token: str | None = None
) -> tuple[Guard, Routes]:
    """The app as it is served, and its routes.

    Raises:
        UnrippleError: gradio is not installed.
    """
    import torch

    # All lanes compute on one thread each: the pipeline's bytes are those of one thread.
    torch.set_num_threads(1)
    routes = Routes(studio, workers)
    login = None if password is None else (USER, password)
    most = studio.limits.upload_mb
    return Guard(mounted(routes), max_mb=most, login=login, token=token), routes


def serve(
    studio: Studio,
    *,
    port: int = 7860,
    workers: int = 2,
    share: bool = False,
    password: str | None = None,
    token: str | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Listen on 127.0.0.1 until interrupted.

    Args:
        studio: what is edited with.
        port: 0 takes any free one.
        workers: threads that compute.
        share: also be reachable through gradio's tunnel; asks for a password.
        password: what everybody must give, beside the name `unripple`, instead of a token.
        token: what the address carries; "" is none, None a new one.
        started: told the address once it is listened on.

    Raises:
        UnrippleError: the port is taken, gradio is not installed, or sharing is not possible.
    """
    check_sharing(share=share, password=password)
    if token is None:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
    token = None if password is not None else token or None
    with contextlib.ExitStack() as until_the_end:
        until_the_end.callback(_leave_soon)
        until_the_end.callback(studio.close)
        until_the_end.enter_context(_ended_by_signals())
        os.environ["GRADIO_TEMP_DIR"] = str(studio.root / "gradio")
        listener = until_the_end.enter_context(_listener(port))
        app, _ = guarded(studio, workers=workers, password=password, token=token)
        port = listener.getsockname()[1]
        if share:
            until_the_end.callback(_close_tunnels)
            app.hosts.add(_tunnel(port))
        studio.reader.start()
        threading.Thread(target=studio.warm_up, daemon=True).start()
        if started is not None:
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


def _close_tunnels() -> None:
    from gradio.tunneling import CURRENT_TUNNELS

    for tunnel in CURRENT_TUNNELS:
        tunnel.kill()


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)  # so that whoever is told the address now waits, and is not refused
    except OSError as error:
        listener.close()
        raise UnrippleError(
            f"port {port} cannot be listened on ({error.strerror}); choose another by --port, or "
            "0 for any"
        ) from error
    return listener


def _tunnel(port: int) -> str:
    """The public name of gradio's tunnel to a local port."""
    from gradio import networking

    try:
        address: str = networking.setup_tunnel(HOST, port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # the network, a missing binary, the service itself
        raise UnrippleError(f"--share: gradio's tunnel cannot be reached: {error}") from error
    log.info("shared at %s, for the user %r", address, USER)
    return address.split("://")[-1].split("/")[0].lower()
