"""A photo and another program's edit of it on the page: two pictures in, the repaired one out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="needs the extra `editor`: uv sync --extra editor")
pytest.importorskip("httpx", reason="needs the extra `editor`: uv sync --extra editor")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.ops.disturbed import textured
from unripple.conventions import Photo, UnrippleError
from unripple.webui.app_state import AppState
from unripple.webui.external import keep_of
from unripple.webui.guard import Guard
from unripple.webui.routes import Routes


def file_of(picture: Photo) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def client(app_state: AppState) -> Iterator[TestClient]:
    routes = Routes(app_state)
    app: Any = Guard(Starlette(routes=routes.all(), lifespan=routes.living), max_mb=1.0)
    with TestClient(app, base_url="http://127.0.0.1:7860") as one:
        yield one


@pytest.fixture
def mine(client: TestClient) -> str:
    return f"/studio/{client.post('/studio/begin').json()['session']}/external"


def test_two_pictures_in_and_the_repaired_one_out(client: TestClient, mine: str) -> None:
    photo = np.asarray(Image.open("data/photos/bob.png").convert("RGB"))
    edited = photo.copy()
    edited[40:56, 50:66] = (200, 30, 30)
    facts = client.post(f"{mine}/photo?name=bob.png", content=file_of(photo)).json()
    assert facts == {"name": "bob.png", "width": 120, "height": 90}
    assert client.post(f"{mine}/repair", json={}).status_code == 400
    client.post(f"{mine}/edited?name=bob-smile.png", content=file_of(edited))
    told = client.post(f"{mine}/repair", json={"keep": "auto"}).json()
    assert "figures" in told, told
    assert 0 < told["figures"]["bytes_kept"] <= 1 and "bytes_kept_of_edit" in told["figures"]
    for name in told["pictures"]:
        shown = client.get(f"{mine}/pictures/{name}")
        assert np.asarray(Image.open(io.BytesIO(shown.content))).ndim == 3
    saved = client.get(f"{mine}/result.png")
    assert "bob-smile-repaired.png" in saved.headers["content-disposition"]
    result = np.asarray(Image.open(io.BytesIO(saved.content)))
    assert result.shape == photo.shape and np.array_equal(result[:8], photo[:8])
    client.post(f"{mine}/edited", content=file_of(photo))
    assert client.get(f"{mine}/result.png").status_code == 404  # it was of the pair before


def test_the_open_photo_is_the_photo_where_none_is_sent(client: TestClient, mine: str) -> None:
    client.post(f"{mine.removesuffix('/external')}/photo?sample=bob.png")
    client.post(f"{mine}/edited", content=file_of(textured(1, 128, 128)))
    refused = client.post(f"{mine}/repair", json={})
    assert refused.status_code == 400 and "does not show this photo" in refused.json()["error"]


def test_what_may_stay_is_one_of_what_there_is() -> None:
    assert keep_of({}) == "person" and keep_of({"keep": ["hair", "cloth"]}) == ["cloth", "hair"]
    for wrong in ("mask", "everything", [], ["horns"], 3, None, [["hair"]]):
        with pytest.raises(UnrippleError, match="keep: wanted person or auto, or a list of parts"):
            keep_of({"keep": wrong})
