"""What people do on the page, step by step, for tests that do it by mouse, keys or fingers."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from tests.webui.browsing import Watched

_DROP = """([name, data, kind]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  const type = 'image/' + (name.endsWith('png') ? 'png' : 'jpeg');
  carried.items.add(new File([bytes], name, { type }));
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: carried, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: carried, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""
SHOWN = "unripple.made.includes('whole_result') && !unripple.previewing && !unripple.preview"


def give(watched: Watched, photo: Path, how: str = "drop") -> None:
    """Drop a photo on the page, or paste it, and wait until it is open."""
    data = base64.b64encode(photo.read_bytes()).decode()
    watched.page.evaluate(_DROP, [photo.name, data, how])
    watched.wait(f"unripple.photo && unripple.photo.name === '{photo.name}'")
    watched.wait(f"unripple.source.query.name === '{photo.name}' && !unripple.refused")


def unfold(watched: Watched, name: str) -> None:
    """Open one of the foldable parts of the controls, and bring it into sight."""
    part = watched.page.locator(f"details.u-part:has(> summary:text-is('{name}'))")
    part.evaluate("one => { one.open = true; one.scrollIntoView({ block: 'center' }); }")


def values(watched: Watched) -> dict[str, Any]:
    """What the sliders of the face say that is looked at."""
    touched = "[...unripple.sliders].filter(([, one]) => Number(one.input.value) !== 0)"
    pairs = f"{touched}.map(([name, one]) => [name, Number(one.input.value)])"
    found: dict[str, Any] = watched.page.evaluate(f"Object.fromEntries({pairs})")
    return found


def set_slider(watched: Watched, name: str, degree: float) -> None:
    """Move a slider as keys do, until the edit is shown at full quality."""
    version = watched.page.evaluate("unripple.version")
    slider = watched.page.locator(f"#u-slider-{name}")
    slider.evaluate("one => { const part = one.closest('details'); if (part) part.open = true; }")
    slider.fill(str(degree))
    watched.wait(f"unripple.version > {version} && {SHOWN}")


def saved_violations(watched: Watched, axe: str) -> list[Any]:
    """What axe-core finds serious on the page, everything unfolded."""
    for part in watched.page.locator("details.u-part").all():
        part.evaluate("one => { one.open = true; }")
    watched.page.evaluate(axe)
    found = watched.page.evaluate("axe.run().then((report) => report.violations)")
    return [
        (one["id"], one["help"], [node["html"][:160] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


CANCEL = """() => new Promise((done) => {
  const began = performance.now();
  document.getElementById('u-cancel').click();
  const look = () => (document.getElementById('u-progress').hidden
    ? done(performance.now() - began) : setTimeout(look, 5));
  look();
})"""
"""Cancel what is being made: milliseconds until the page says so."""
