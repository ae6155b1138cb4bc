"""The server's port. It is taken before torch is imported, so that a busy one is told at once."""

from __future__ import annotations

import socket

from unripple.conventions import UnrippleError

HOST = "127.0.0.1"
_WAITING = 128  # connections, so that whoever is told the address waits, and is not refused


def listen(port: int) -> socket.socket:
    """A socket that listens on this machine alone; port 0 takes any free one.

    Raises:
        UnrippleError: the port is taken, or not for this user.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise UnrippleError(
            f"port {port} cannot be listened on ({error.strerror}); choose another by --port, or "
            "0 for any"
        ) from error
    return listener
