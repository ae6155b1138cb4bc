"""What a request asks, read strictly, and what is answered: JSON and names of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unripple.conventions import UnrippleError
from unripple.io.photo import printable
from unripple.metrics.verdict import VISIBLE_SHARE
from unripple.outside import Unfit, json_of
from unripple.webui.edit_request import EditRequest
from unripple.webui.opened import Opened, Outcome

NEVER_KEEP = {"cache-control": "no-store"}


def query(request: Request, *allowed: str) -> dict[str, str]:
    """What an address says behind its question mark.

    Raises:
        UnrippleError: it says something twice, or something that nobody asks for.
    """
    said = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    names = [name for name, _ in said]
    for name in names:
        if names.count(name) > 1 or name not in allowed:
            raise UnrippleError(f"{printable(name)[:100]!r}: said twice, or unknown")
    return dict(said)


def number(said: dict[str, str], name: str) -> int:
    """A whole number that an address says; 0 if it does not.

    Raises:
        UnrippleError: it says something else.
    """
    text = said.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise UnrippleError(f"{name}: wanted a whole number")
    return int(text)


def facts(opened: Opened) -> dict[str, Any]:
    """What the page must know of an opened photo."""
    transform = opened.array("align", "transform")
    height, width = opened.pixels.shape[:2]
    return {
        "name": opened.choice.name,
        "width": width,
        "height": height,
        "side": int(opened.array("align", "picture").shape[0]),
        "transform": [float(value) for value in transform.T.ravel()],
        "models": opened.choice.models,
        "inverter": opened.choice.inverter,
        "yaw": opened.yaw_deg,
        "faces": [[round(value, 1) for value in face.box] for face in opened.faces],
        "face": opened.face,
        "foreign": opened.pixel_sketch.is_foreign(),
    }


def outcome_json(outcome: Outcome | None) -> dict[str, Any]:
    """What the page must know of an edit; None is none."""
    if outcome is None:
        return {"pictures": [], "figures": {}, "warnings": [], "kept": False, "asked": {}}
    return {
        "pictures": list(outcome.pictures),
        "figures": dict(outcome.figures),
        "warnings": outcome.warnings,
        "kept": outcome.kept,
        "asked": dict(outcome.request.moves),
        "changed": outcome.changed,
        "unchanged": bool(outcome.figures) and outcome.changed < VISIBLE_SHARE,
        "foreign": outcome.foreign,
        "told": list(outcome.told),
    }


async def _json(request: Request) -> dict[str, Any]:
    try:
        content = json_of((await request.body()).decode())
    except Unfit as error:  # twice the same key, say
        raise UnrippleError(f"the request: {printable(str(error))}") from error
    except (ValueError, RecursionError):  # also: no UTF-8, numbers of thousands of digits
        content = None
    if not isinstance(content, dict):
        raise UnrippleError("the request holds no JSON object")
    return content


async def asked_object(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        UnrippleError: it holds none.
    """
    return await _json(request)


async def asked_ids(request: Request) -> list[str]:
    """Ids of pairs.

    Raises:
        UnrippleError: the request holds none.
    """
    ids = (await _json(request)).get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise UnrippleError("ids: wanted a list of texts")
    return ids


async def asked_name(request: Request) -> tuple[str, str]:
    """The name that the user gives, and the one that the page suggests instead.

    Raises:
        UnrippleError: they are no text.
    """
    content = await _json(request)
    name, suggested = content.get("name", ""), content.get("suggested", "")
    if not isinstance(name, str) or not isinstance(suggested, str):
        raise UnrippleError("name: wanted text")
    return name, suggested


async def asked_edit(request: Request) -> EditRequest:
    """What the controls say.

    Raises:
        UnrippleError: the request is no edit.
    """
    return EditRequest.from_json(await _json(request))


def slug(name: str) -> str:
    """A file's name, without its ending, in letters that every disk takes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in name)[:120]


def stem(name: str) -> str:
    """A photo's name without its ending."""
    return Path(name).stem[:80] or "photo"


def refusal(status: int, text: str, **more: Any) -> Response:
    """What is wrong, in words for the page."""
    return JSONResponse({"error": printable(text), **more}, status, headers=NEVER_KEEP)
