"""The server: on this machine alone, unless it is shared with a password."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Any

from unripple.conventions import UnrippleError
from unripple.editor.guard import Guard
from unripple.editor.page import mounted
from unripple.editor.routes import Routes
from unripple.editor.studio import Studio

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
USER = "unripple"
SHORTEST_PASSWORD = 8


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
    studio: Studio, *, workers: int = 2, password: str | None = None
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
    return Guard(mounted(routes), max_mb=studio.limits.upload_mb, login=login), routes


def serve(
    studio: Studio,
    *,
    port: int = 7860,
    workers: int = 2,
    share: bool = False,
    password: str | None = None,
    started: Callable[[str], None] | None = None,
) -> None:
    """Listen on 127.0.0.1 until interrupted.

    Args:
        studio: what is edited with.
        port: 0 takes any free one.
        workers: threads that compute.
        share: also be reachable through gradio's tunnel; asks for a password.
        password: what everybody must give, beside the name `unripple`.
        started: told the address once it is listened on.

    Raises:
        UnrippleError: the port is taken, gradio is not installed, or sharing is not possible.
    """
    import uvicorn

    check_sharing(share=share, password=password)
    app, _ = guarded(studio, workers=workers, password=password)
    with _listener(port) as listener:
        port = listener.getsockname()[1]
        if share:
            app.hosts.add(_tunnel(port))
        threading.Thread(target=studio.warm_up, daemon=True).start()
        if started is not None:
            started(f"http://{HOST}:{port}")
        asgi: Any = app
        config = uvicorn.Config(
            asgi, log_level="warning", server_header=False, timeout_graceful_shutdown=2
        )
        uvicorn.Server(config).run(sockets=[listener])


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
