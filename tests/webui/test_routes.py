"""What a browser, or somebody who is none, gets from the server."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="needs the extra `editor`: uv sync --extra editor")
pytest.importorskip("httpx", reason="needs the extra `editor`: uv sync --extra editor")

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.testclient import TestClient

import unripple
from tests.badinput.hostile import broken
from unripple.stages.inverters import INVERTERS
from unripple.webui.app_state import AppState
from unripple.webui.guard import Guard
from unripple.webui.routes import Routes, _while_connected
from unripple.webui.session import Session
from unripple.zoo.zoo import Zoo

ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture
def routes(app_state: AppState) -> Routes:
    return Routes(app_state)


@pytest.fixture
def client(routes: Routes) -> Iterator[TestClient]:
    app: Any = Guard(
        Starlette(routes=routes.all(), lifespan=routes.living),
        max_mb=routes.state.limits.upload_mb,
    )
    with TestClient(app, base_url=ADDRESS) as one:
        yield one


def begin(client: TestClient) -> str:
    name: str = client.post("/studio/begin").json()["session"]
    return f"/studio/{name}"


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_visit_from_beginning_to_end(
    client: TestClient, app_state: AppState, routes: Routes
) -> None:
    mine = begin(client)
    facts = client.post(f"{mine}/photo?sample=bob.png").json()
    assert (facts["width"], facts["height"], facts["side"]) == (120, 90, 64)
    assert facts["foreign"] is True  # networks with random weights know no photo
    drawn = client.post(f"{mine}/preview", json={"moves": {"pose": -2}})
    assert pixels(drawn.content).shape == (64, 64, 3)
    outcome = client.post(f"{mine}/full", json={"moves": {"pose": -2}}).json()
    whole = ["whole_result", "whole_difference"]
    assert outcome["pictures"] == ["edit", "ripple", "result", "difference", *whole]
    assert -1 <= outcome["figures"]["identity"] <= 1
    for name in ("photo", "inversion", "whole_photo", *outcome["pictures"]):
        answer = client.get(f"{mine}/pictures/{name}")
        assert answer.headers["cache-control"] == "no-store"
        assert pixels(answer.content).shape[2] == 3
    saved = client.get(f"{mine}/result.png")
    said = saved.headers["content-disposition"]
    assert said == "attachment; filename=\"bob-edited.png\"; filename*=UTF-8''bob-edited.png"
    result = unripple.Editor(settings=app_state.config).edit("data/photos/bob.png", pose=-2)
    assert np.array_equal(pixels(saved.content), result.picture)
    added = client.post(f"{mine}/batch", json={"name": "look"}).json()
    assert added["new"] and Path(added["batch"]).exists()
    assert client.post(f"{mine}/translation", json={"name": "A_1"}).json()["translations"]
    folder = routes.sessions.get(mine.split("/")[-1]).folder
    assert client.post(f"{mine}/end").status_code == 204
    assert not folder.exists() and client.get(f"{mine}/pictures/photo").status_code == 404


def test_an_upload_is_decoded_again_and_kept_nowhere_else(
    client: TestClient, routes: Routes, app_state: AppState
) -> None:
    mine = begin(client)
    data = Path("data/photos/anna.png").read_bytes()
    facts = client.post(f"{mine}/photo?name=../../anna.png", content=data).json()
    assert facts["name"] == "anna.png"
    folder = routes.sessions.get(mine.split("/")[-1]).folder
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    assert file.read_bytes() == data and file.name == "anna.png"
    client.post(f"{mine}/photo?sample=bob.png")
    assert list(folder.iterdir()) == []


BROKEN = {case.name: case.data for case in broken()}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_bad_files_are_refused_with_a_reason_and_the_photo_before_stays(
    client: TestClient, routes: Routes, name: str
) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=anna.png")
    answer = client.post(f"{mine}/photo", params={"name": name}, content=BROKEN[name])
    assert answer.status_code in (400, 413)
    assert "unripple-editor-" not in answer.text  # where its files lie is nobody's business
    assert list(routes.sessions.get(mine.split("/")[-1]).folder.iterdir()) == []
    assert client.get(f"{mine}/pictures/photo").status_code == 200
    assert client.post(f"{mine}/preview", json={"moves": {"pose": 1}}).status_code == 200


def test_two_users_do_not_see_each_others_pictures(client: TestClient) -> None:
    anna, bob = begin(client), begin(client)
    for mine, name in ((anna, "anna.png"), (bob, "bob.png")):
        client.post(f"{mine}/photo?sample={name}")
        client.post(f"{mine}/full", json={"moves": {"pose": -2}})
    for view in ("photo", "whole_photo", "result", "whole_result"):
        theirs = [client.get(f"{mine}/pictures/{view}").content for mine in (anna, bob)]
        assert theirs[0] != theirs[1]
    assert client.get("/studio/anna/pictures/photo").status_code == 404
    assert client.get("/studio//pictures/photo").status_code == 404


def test_a_slow_edit_of_one_does_not_hold_up_the_other(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bob = begin(client), begin(client)
    for mine in (anna, bob):
        client.post(f"{mine}/photo?sample=anna.png")
    gate, began = threading.Event(), threading.Event()
    full = Session.full

    def slow(self: Session, *arguments: Any) -> Any:
        began.set()
        gate.wait(30)
        return full(self, *arguments)

    monkeypatch.setattr(Session, "full", slow)
    answers: list[int] = []
    thread = threading.Thread(
        target=lambda: answers.append(
            client.post(f"{anna}/full", json={"moves": {"pose": 1}}).status_code
        )
    )
    thread.start()
    assert began.wait(30)
    assert client.post(f"{bob}/preview", json={"moves": {"pose": 1}}).status_code == 200
    assert client.get(f"{bob}/pictures/photo").status_code == 200
    assert answers == []
    gate.set()
    thread.join(60)
    assert answers == [200]


@pytest.mark.parametrize(
    "path",
    ["pictures/..%2f..%2fetc%2fpasswd", "pictures/%2e%2e/photo", "../../etc/passwd",
     "pictures//etc/passwd", "pictures/photo%00.png"],
)  # fmt: skip
def test_paths_lead_nowhere(client: TestClient, path: str) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=anna.png")
    assert client.get(f"{mine}/{path}").status_code == 404
    assert client.get(f"/studio/sample/{path}").status_code == 404


def test_samples_are_the_configs_photos_alone(client: TestClient) -> None:
    assert client.get("/studio/sample/anna.png").headers["content-type"] == "image/jpeg"
    mine = begin(client)
    for name in ("../config.yaml", "/etc/passwd", "landmarks.json", "..%2Flandmarks.json"):
        assert client.get(f"/studio/sample/{name}").status_code == 404
        assert client.post(f"{mine}/photo", params={"sample": name}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"moves": 3}', b'{"moves": {"pose": "x"}}', b"[" * 90_000, b"\xff\xfe",
     b'{"moves": {"pose": 1' + b"0" * 400 + b"}}", b'{"moves": {"pose": ' + b"9" * 5000 + b"}}",
     b'{"moves": {"pose": true}}', b'{"moves": {"pose": 1, "pose": 2}}',
     b'{"moves": {"pose": NaN}}',
     b'{"moves": {}, "translation": []}'],
)  # fmt: skip
def test_what_is_no_wish_is_refused(client: TestClient, body: bytes) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=anna.png")
    for route in ("preview", "full"):
        answer = client.post(f"{mine}/{route}", content=body)
        assert answer.status_code == 400 and answer.json()["error"]


def test_more_than_the_limit_is_not_taken(client: TestClient) -> None:
    mine = begin(client)
    assert client.post(f"{mine}/photo", content=b"x" * 1_000_001).status_code == 413
    assert client.post(f"{mine}/preview", content=b"9" * 200_000).status_code == 413


def test_photos_above_the_limit_of_megapixels_are_refused(
    client: TestClient, app_state: AppState
) -> None:
    app_state.config["limits"]["megapixels"] = 0.005
    mine = begin(client)
    answer = client.post(f"{mine}/photo?sample=bob.png")
    assert answer.status_code == 400 and "limits.megapixels" in answer.json()["error"]


def test_forged_hosts_and_origins_begin_nothing(client: TestClient, routes: Routes) -> None:
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
        assert client.post("/studio/begin", headers=headers).status_code in (403, 421)
    assert len(routes.sessions) == 0


def test_the_models_can_be_chosen_and_wrong_ones_are_named(client: TestClient) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=bob.png")
    facts = client.post(f"{mine}/photo?same=1&inverter=e4e").json()
    assert (facts["name"], facts["inverter"]) == ("bob.png", "e4e")
    for query in ("inverter=nerf", "models=imaginary"):
        assert client.post(f"{mine}/photo?same=1&{query}").status_code == 404
    assert client.get(f"{mine}/controls/imaginary").status_code == 404


def test_inverters_are_offered_whose_networks_are_there(
    client: TestClient, app_state: AppState
) -> None:
    models = {**app_state.config["models"], "hypernet": "nowhere.safetensors"}
    app_state.config = {**app_state.config, "models": models}
    offered = client.post("/studio/begin").json()["controls"]["inverters"]
    assert offered == [name for name in INVERTERS if name != "hyperstyle"]


def test_the_first_photo_waits_for_no_network_that_only_edits_need(
    app_state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(Zoo, "load", lambda _, role: loaded.append(role))
    monkeypatch.setattr(app_state.photo_seen, "wait", lambda: loaded.append("the photo"))
    monkeypatch.setattr("unripple.webui.app_state.text.warm_up", lambda *_: None)
    app_state.warm_up()
    before = loaded[: loaded.index("the photo")]
    assert {"encoder", "generator", "hfgi", "parser", "depth"} <= set(before)
    assert not {"clip", "inpainter", "mapper"} & set(before)


@pytest.mark.parametrize("query", ["sample=a&sample=b", "sampel=bob.png", "name=a&name=b"])
def test_addresses_say_known_things_once(client: TestClient, query: str) -> None:
    mine = begin(client)
    assert client.post(f"{mine}/photo?{query}", content=b"x").status_code == 400


def test_an_upload_that_breaks_off_leaves_nothing(client: TestClient, routes: Routes) -> None:
    mine = begin(client)
    folder = routes.sessions.get(mine.split("/")[-1]).folder

    def parts() -> Iterator[bytes]:
        yield b"x" * 600_000
        yield b"x" * 600_000  # more than may be sent

    assert client.post(f"{mine}/photo", content=parts()).status_code == 413
    assert list(folder.iterdir()) == []


def test_one_session_sends_few_files_at_a_time(client: TestClient, routes: Routes) -> None:
    mine = begin(client)
    folder = routes.sessions.get(mine.split("/")[-1]).folder
    for number in range(routes.state.limits.uploads + 1):
        (folder / str(number)).mkdir()
    answer = client.post(f"{mine}/photo?name=a.png", content=b"x")
    assert answer.status_code == 400 and "on their way" in answer.json()["error"]


def test_who_leaves_is_not_worked_for() -> None:
    async def main() -> bool:
        ended = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        request = Request({"type": "http", "headers": []}, receive)
        with pytest.raises(ClientDisconnect):
            await _while_connected(request, work())
        await asyncio.wait_for(ended.wait(), 5)
        return ended.is_set()

    assert asyncio.run(main())


def test_a_session_that_ended_is_said_to_have(client: TestClient) -> None:
    answer = client.post("/studio/nobody/preview", json={"moves": {}})
    assert answer.status_code == 404 and answer.json()["ended"]


def test_a_refusal_offers_what_would_change_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unripple.stages import align

    monkeypatch.setattr(align, "faces_by_network", lambda *_, **__: [])
    offers = ["mtcnn", "aligned"]
    mine = begin(client)
    data = _anothers_photo()
    answer = client.post(f"{mine}/photo?name=group.png&align.mode=embedded", content=data)
    assert answer.status_code == 400
    settings = [dict(one["settings"]) for one in answer.json()["offers"]]
    assert [value for one in settings for value in one.values()] == offers
    assert all(one["title"] for one in answer.json()["offers"])
    (name, value), *_ = settings[-1].items()
    chosen = {"align.mode": "embedded", name: value}
    taken = client.post(f"{mine}/photo", params={"name": "group.png", **chosen}, content=data)
    assert taken.status_code == 200, taken.text


def test_faces_are_chosen_one_by_one(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from unripple.stages import align

    five = np.array([[30, 34], [46, 34], [38, 42], [32, 50], [44, 50]], np.float32)
    found = [five, five * 0.75 + [70, 0]]
    monkeypatch.setattr(align, "faces_by_network", lambda *_, **__: found)
    mine = begin(client)
    asked = f"{mine}/photo?name=group.png&align.mode=embedded"  # in no file of landmarks
    facts = client.post(asked, content=Path("data/photos/bob.png").read_bytes()).json()
    assert facts["face"] == 0 and len(facts["faces"]) == 2
    left, top, width, height = facts["faces"][1]
    assert left < 95 < left + width and top < 30 < top + height
    photo = pixels(client.get(f"{mine}/pixels/photo?x=0&y=0&w=120&h=90").content)
    first = {"moves": {"pose": -2}}
    client.post(f"{mine}/full", json=first)
    one = pixels(client.get(f"{mine}/result").content)
    assert client.post(f"{mine}/face?face=1").json()["face"] == 1
    second = {"moves": {"pose": 2}, "face": 1}
    client.post(f"{mine}/full", json=second)
    other = pixels(client.get(f"{mine}/result").content)
    client.post(f"{mine}/full", json={**second, "others": {"0": first}})
    both = pixels(client.get(f"{mine}/result").content)
    assert (one != photo).any() and (other != photo).any()
    assert (both[:, :50] == one[:, :50]).all() and (both[:, 105:] == other[:, 105:]).all()
    outcome = client.post(f"{mine}/full", json={"moves": {}, "face": 1, "others": {"0": first}})
    assert "edit" not in outcome.json()["pictures"]
    assert (pixels(client.get(f"{mine}/result").content) == one).all()
    assert client.post(f"{mine}/face?face=2").status_code == 400
    client.post(f"{mine}/full", json=second)
    added = client.post(f"{mine}/batch", json={"name": ""}).json()
    assert added["pair"]["state"] == "waiting" and added["edit"] == "edit"


def test_pixels_and_differences_are_exact(client: TestClient) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=bob.png")
    client.post(f"{mine}/full", json={"moves": {"pose": -2}})
    box = "x=10&y=5&w=70&h=60"
    views = ("photo", "result", "difference")
    photo, result, apart = (
        pixels(client.get(f"{mine}/pixels/{view}?{box}").content).astype(int) for view in views
    )
    assert photo.shape == (60, 70, 3) and (photo != result).any()
    assert (apart == np.minimum(255, 10 * np.abs(photo - result))).all()
    for wrong in (
        "x=500&y=5&w=7&h=6",
        "x=0&y=0&w=0&h=6",
        "x=-1&y=0&w=5&h=6",
        "x=0&y=0&w=9999&h=9999",
    ):
        assert client.get(f"{mine}/pixels/photo?{wrong}").status_code == 400


def test_results_are_saved_as_asked(client: TestClient) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=bob.png")
    client.post(f"{mine}/full", json={"moves": {"pose": -2}})
    fine, small = (
        client.get(f"{mine}/result?format=jpeg&quality={quality}") for quality in (95, 40)
    )
    assert fine.headers["content-type"] == "image/jpeg" and len(small.content) < len(fine.content)
    assert 'filename="bob-edited.jpg"' in fine.headers["content-disposition"]
    for wrong in ("format=gif", "quality=0", "quality=101", "quality=x"):
        assert client.get(f"{mine}/result?{wrong}").status_code == 400


def test_nobody_waits_for_what_is_cancelled(client: TestClient) -> None:
    mine = begin(client)
    client.post(f"{mine}/photo?sample=bob.png")
    assert client.get(f"{mine}/progress").json() == {}
    assert client.post(f"{mine}/cancel").status_code == 204
    assert client.post(f"{mine}/full", json={"moves": {"pose": -2}}).status_code == 200


def _anothers_photo() -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def test_settings_that_are_none_are_refused(client: TestClient) -> None:
    mine = begin(client)
    for query in ("align.mode=telepathy", "align.faces=some", "align.landmarks=/etc/passwd"):
        answer = client.post(f"{mine}/photo?sample=anna.png&{query}")
        assert answer.status_code == 400
