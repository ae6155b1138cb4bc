"""The whole walk over the page, in the order in which somebody would take it.

Each part begins where the one before it ended. `shot` is called with the name of a picture for the
docs, at the places that they show.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.webui.browsing import WAIT_MS, Watched
from tests.webui.steps import SHOWN, give, saved_violations, set_slider, unfold, values

Shot = Callable[[str], None]
ALONE, SECOND, THIRD = "scene-01.jpg", "portrait-02.png", "portrait-06.png"


class Walk(NamedTuple):
    """What a walk needs.

    Attributes:
        group: a photo with two faces, to drop.
        batch: the file of the page's queue.
        out: a folder for what is saved.
        turn: what the last photo is turned by; another one for each walk on a server, since what
            the queue made once is there.
        shot: takes a picture for the docs.
    """

    group: Path
    batch: Path
    out: Path
    turn: float
    shot: Shot


def whole_walk(walker: Watched, walk: Walk, axe: str) -> None:
    """Every part."""
    group, shot, turn = walk.group, walk.shot, walk.turn
    edit_two_faces(walker, group, shot)
    edit_undo_and_compare(walker, shot)
    look_closer(walker, shot)
    keep_a_part(walker, shot)
    queue_three_pairs(walker, turn)
    run_and_reload(walker, walk)
    save(walker, walk.out)
    go_back(walker)
    assert saved_violations(walker, axe) == []


def edit_two_faces(walker: Watched, group: Path, shot: Shot) -> None:
    """Drop a photo with two faces, and edit one after the other."""
    page = walker.page
    give(walker, group)
    walker.wait("unripple.photo.faces.length === 2")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    set_slider(walker, "yaw", -15)
    page.locator("#u-faces button").nth(1).click()
    walker.wait("unripple.photo.face === 1")
    walker.wait(SHOWN)
    assert values(walker) == {}
    assert float(page.locator("#u-swipe").input_value()) > 60  # through the chosen face
    set_slider(walker, "yaw", 10)
    shot("faces")
    page.locator("#u-faces button").nth(0).click()
    walker.wait("unripple.photo.face === 0")
    assert values(walker) == {"yaw": -15}
    walker.wait(SHOWN)


def edit_undo_and_compare(walker: Watched, shot: Shot) -> None:
    """Another photo: edit, pin, edit on, undo, redo, and see all of it beside each other."""
    page = walker.page
    page.locator(f"#u-samples button[data-name='{ALONE}']").click()
    walker.wait(f"unripple.photo.name === '{ALONE}'")
    set_slider(walker, "yaw", 20)
    shot("edit")
    page.get_by_role("button", name="Pin", exact=True).click()
    walker.wait("document.querySelectorAll('#u-pin-list li').length === 1")
    set_slider(walker, "nose_width", 1.5)
    page.get_by_role("button", name="Undo", exact=True).click()
    walker.wait(f"{SHOWN} && unripple.sliders.get('nose_width').input.value === '0'")
    assert values(walker) == {"yaw": 20}
    page.keyboard.press("Control+Shift+z")
    walker.wait("unripple.sliders.get('nose_width').input.value === '1.5'")
    walker.wait(SHOWN)
    page.locator("input[name=u-compare][value=pins]").check()
    walker.wait("document.querySelectorAll('#u-tiles img').length === 3")
    tiles = "[...document.querySelectorAll('#u-tiles img')]"
    walker.wait(f"{tiles}.every(i => i.complete && i.naturalWidth)")
    shot("pins")
    page.locator("input[name=u-compare][value=swipe]").check()


def look_closer(walker: Watched, shot: Shot) -> None:
    """The whole photo's very pixels, their difference, and the photo while a button is held."""
    page = walker.page
    page.locator("#u-whole").check()
    page.locator("input[name=u-shown][value=difference]").check()
    page.locator("#u-frame").focus()
    for _ in range(8):
        page.keyboard.press("+")
    walker.wait("document.querySelector('#u-exact-over').naturalWidth > 0")
    walker.wait("!document.querySelector('#u-exact-over').hidden")
    shot("zoom")
    page.locator("#u-zoom-fit").click()
    page.locator("input[name=u-shown][value=result]").check()
    before = page.get_by_role("button", name="Hold for before")
    before.dispatch_event("pointerdown")
    assert page.locator("#u-frame.u-before").count() == 1
    before.dispatch_event("pointerup")
    assert page.locator("#u-frame.u-before").count() == 0


def keep_a_part(walker: Watched, shot: Shot) -> None:
    """What must stay the photo's: painted, turned round, taken back."""
    page = walker.page
    unfold(walker, "Keep unedited")
    version = page.evaluate("unripple.version")
    page.get_by_role("button", name="Paint", exact=True).click()
    page.locator("#u-paint").focus()
    page.keyboard.press("Space")
    walker.wait(f"unripple.mask && unripple.version > {version}")
    walker.wait(SHOWN)
    for name in ("Invert", "Undo stroke"):
        version = page.evaluate("unripple.version")
        page.get_by_role("button", name=name).click()
        walker.wait(f"unripple.mask && unripple.outcome.kept && unripple.version > {version}")
        walker.wait(SHOWN)
    shot("mask")


def queue_three_pairs(walker: Watched, turn: float) -> None:
    """This photo's edit, and one each of two others."""
    page = walker.page
    unfold(walker, "Queue")
    add = page.get_by_role("button", name="Add to the queue")
    add.click()
    walker.wait("document.querySelectorAll('#u-pairs li').length === 1")
    others = ((SECOND, "jaw", -1.5), (THIRD, "yaw", turn))
    for number, (photo, name, degree) in enumerate(others):
        page.locator(f"#u-samples button[data-name='{photo}']").click()
        walker.wait(f"unripple.photo.name === '{photo}'")
        set_slider(walker, name, degree)
        add.click()
        walker.wait(f"document.querySelectorAll('#u-pairs li').length === {number + 2}")


def run_and_reload(walker: Watched, walk: Walk) -> None:
    """Run the queue, cancel it, go on with it, and load the page anew meanwhile."""
    page = walker.page
    page.locator("#u-queue-run").click()
    walker.wait("document.querySelector('#u-pairs li[data-state=running]')")
    page.locator("#u-queue-stop").click()
    walker.wait("!document.querySelector('#u-pairs li[data-state=running]')")
    page.locator("#u-queue-run").click()
    page.reload()
    walker.wait(f"window.unripple && unripple.photo && unripple.photo.name === '{THIRD}'")
    walker.wait(SHOWN)
    assert values(walker) == {"yaw": walk.turn}
    unfold(walker, "Queue")
    made = "document.querySelectorAll('#u-pairs li:is([data-state=done], [data-state=failed])')"
    walker.wait(f"{made}.length === 3", 3 * WAIT_MS)  # a process starts for each
    assert page.locator("#u-pairs li[data-state=failed]").count() == 0
    assert all(one["photos"] for one in yaml.safe_load(walk.batch.read_text())["edits"])
    images = "[...document.querySelectorAll('#u-pairs img')]"
    walker.wait(f"{images}.every(i => i.complete && i.naturalWidth)")
    walk.shot("queue")


def save(walker: Watched, out: Path) -> None:
    """What the queue made is what the page makes, byte for byte; as JPEG, too."""
    page = walker.page
    page.locator("#u-pairs .u-thumb").nth(2).click()
    with page.expect_download() as queued:
        page.locator("#u-look-save").click()
    page.locator("#u-look-close").click()
    for form, ending in (("png", "png"), ("jpeg", "jpg")):
        page.locator("#u-format").select_option(form)
        with page.expect_download() as download:
            page.locator("#u-save").click()
        named = THIRD.replace(".png", f"-edited.{ending}")
        assert download.value.suggested_filename == named
        download.value.save_as(out / named)
    queued.value.save_as(out / "queued.png")
    made = (out / THIRD.replace(".png", "-edited.png")).read_bytes()
    assert (out / "queued.png").read_bytes() == made


def go_back(walker: Watched) -> None:
    """The photo before, and the one before that, each as it was left."""
    page = walker.page
    page.go_back()
    walker.wait(f"unripple.photo.name === '{SECOND}'")
    walker.wait(SHOWN)
    assert values(walker) == {"jaw": -1.5}
    page.locator(f"#u-samples button[data-name='{ALONE}']").click()
    walker.wait(f"unripple.photo.name === '{ALONE}'")
    walker.wait(SHOWN)
    assert values(walker) == {"yaw": 20, "nose_width": 1.5}
    assert page.evaluate("Boolean(unripple.mask)")
