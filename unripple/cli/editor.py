"""`unripple editor`: a page with sliders, for one photo at a time."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

from unripple.cli import options as shared
from unripple.conventions import UnrippleError

PASSWORD_VARIABLE = "UNRIPPLE_EDITOR_PASSWORD"
TOKEN_VARIABLE = "UNRIPPLE_EDITOR_TOKEN"


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "editor",
        help="edit photos on a page in the browser",
        description=(
            "Serve a page on this machine: choose a photo, move sliders, compare, save. Nothing "
            "leaves the machine. From another one, open a tunnel (ssh -L 7860:127.0.0.1:7860 "
            "THIS-HOST) and the printed address, or pass requests on by a proxy (--proxy-name)."
        ),
    )
    shared.add_config(parser)
    shared.add_device(parser)
    shared.add_knob(parser, "--port", "editor.port", "0 takes any free one")
    parser.add_argument(
        "--batch",
        type=Path,
        default=Path("batch.yaml"),
        metavar="FILE",
        help='the config that "Add to the batch" writes (default: batch.yaml)',
    )
    parser.add_argument(
        "--translations",
        type=Path,
        default=Path("data/translations"),
        metavar="FOLDER",
        help="named translations; saved ones go to its `user` (default: data/translations)",
    )
    shared.add_knob(parser, "--workers", "editor.workers", "threads that compute")
    shared.add_knob(parser, "--upload-mb", "editor.upload_mb", "longest file to upload")
    parser.add_argument(
        "--proxy-name",
        metavar="HOST",
        help="also answer to this name, under which a proxy of yours passes requests on",
    )
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"first line: the password of the user `unripple` (else ${PASSWORD_VARIABLE})",
    )
    parser.add_argument(
        "--no-token",
        action="store_true",
        help=(
            "let everybody in who has an account on this machine; otherwise the address carries a "
            f"new token, or the one in ${TOKEN_VARIABLE} (set but empty: none)"
        ),
    )
    parser.set_defaults(run=_editor)


def _editor(options: argparse.Namespace) -> None:
    from unripple.webui.page import check_installed

    password = _password(options.password_file)
    token = _token(none=options.no_token)
    config = shared.config_of(options)
    check_installed()
    from unripple.webui.listening import listen

    listener = listen(options.port)  # a busy port is told before torch is imported
    from unripple.webui.app_state import AppState, UserLimits
    from unripple.webui.serve import check_access, serve

    check_access(proxy_name=options.proxy_name, password=password, token=token)
    state = AppState(
        config,
        device=options.device,
        batch=options.batch,
        translations=options.translations,
        limits=UserLimits(upload_mb=options.upload_mb),
    )
    serve(
        state,
        listener,
        workers=options.workers,
        password=password,
        token=token,
        proxy_name=options.proxy_name,
        started=_say,
    )


def _token(*, none: bool) -> str | None:
    """The token asked for: "" is none, None a new one."""
    asked = "" if none else os.environ.get(TOKEN_VARIABLE)
    if asked and not re.fullmatch(r"[A-Za-z0-9_-]{16,}", asked):
        raise UnrippleError(
            f"${TOKEN_VARIABLE}: wanted at least 16 letters, digits, _ or -, which an address can "
            "carry; or nothing, for no token"
        )
    return asked


def _say(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


def _password(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(PASSWORD_VARIABLE) or None
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnrippleError(f"--password-file {file}: cannot be read: {error}") from error
    if not lines or not lines[0]:
        raise UnrippleError(f"--password-file {file}: its first line is empty")
    return lines[0]
