"""What to tell about an edit of one photo: what convinces on it, and what to do where it will not.

It is read off artifacts that are there anyway, so it costs next to nothing and is part of no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from unripple.conventions import Floats, NoFace
from unripple.io.artifact import Artifact
from unripple.io.config import Config, Edit
from unripple.ops.geometry import apply, inverse
from unripple.pipeline.jobs import Plan
from unripple.stages.edit import FOREIGN_DB, drawn_db, head_of
from unripple.zoo.pixel_directions import pixel_directions
from unripple.zoo.zoo import EMBEDDED, Zoo

if TYPE_CHECKING:
    from unripple.ops.head import HeadPose

FAR_DEG = 37.0
"""Where a head may look at most, sideways, before its far side has to be invented."""
THREE_QUARTER_DEG = 20.0
"""From here on a photo hides so much of one side that turning it forward shows a stretched one."""
_NOTICED_DEG = 12.0


def advice(config: Config, zoo: Zoo, edit: Edit, made: Mapping[str, Artifact]) -> list[str]:
    """What to know about an edit of this photo.

    Args:
        config: a complete config.
        zoo: its networks.
        edit: the edit.
        made: the artifacts of the photo by stage, `align` and `invert` among them.
    """
    plan = Plan(config, zoo, edit)
    notes = pixel_advice(plan.pixels, made)
    if not notes and not made_on_pixels(made):
        foreign = foreign_advice(made, embedded=zoo.choice("generator") == EMBEDDED)
        notes = [foreign] if foreign else []
    turn = plan.turn or {"yaw": plan.asked_turn_deg(plan.moves) or 0.0}
    align: Any = made["align"]
    if held := [] if made_on_pixels(made) else reduced_advice(made.get("edit", {})):
        return notes + held
    if turn.get("yaw") or "yaw_to" in turn:
        pose = head_pose(align["landmarks"], zoo)
        notes += turn_advice(turn, pose) if pose else []
    return notes


def made_on_pixels(made: Mapping[str, Artifact]) -> bool:
    """Whether an edit was made on the photo's own pixels."""
    return "changed" in made.get("edit", {})


def pixel_advice(words: Mapping[str, float], made: Mapping[str, Artifact]) -> list[str]:
    """What to know of an edit on the photo's own pixels: what was reduced, and what goes too far.

    Args:
        words: its directions and degrees.
        made: artifacts by stage.
    """
    if not made_on_pixels(made):
        return []
    known = pixel_directions()
    told = [known[word].warning(degree) for word, degree in words.items()]
    return [text for text in told if text] + reduced_advice(made["edit"])


def reduced_advice(edit: Mapping[str, Any]) -> list[str]:
    """What an edit did less than was asked, and why.

    Args:
        edit: its artifact.
    """
    return [
        f"{one['word']} = {one['asked']:g} was reduced to {one['used']:g}: {one['why']}"
        for one in (edit.get("notes") or {}).get("reduced", [])
    ]


def plain_drawing_db(artifacts: Mapping[str, Artifact]) -> float | None:
    """How well the generator's codes alone draw a photo, dB; None where nobody can tell.

    Args:
        artifacts: of `align` and `invert`.
    """
    align: Any = artifacts.get("align", {})
    invert: Any = artifacts.get("invert", {})
    residual = invert.get("residual")
    if residual is None or "landmarks" not in align or np.isnan(align["landmarks"]).any():
        return None
    return drawn_db(residual, _in_crop(align) / align["picture"].shape[0])


def foreign_advice(artifacts: Mapping[str, Artifact], *, embedded: bool) -> str | None:
    """What to know of a photo that is not of the generator's world, or None.

    Args:
        artifacts: of `align` and `invert`.
        embedded: whether the generator is the one that comes along.
    """
    drawn = plain_drawing_db(artifacts)
    if drawn is None or drawn >= FOREIGN_DB:
        return None
    note = (
        f"the generator draws this photo with {drawn:.1f} dB only (below {FOREIGN_DB:g}), so it is "
        "not of its world: turns of the head and edits of shape and colour, which change the "
        "photo's own pixels (edit.attributes), convince; what the generator draws will not"
    )
    if not embedded:
        return note
    return f"{note}; run `unripple models fetch published` and set models: published for those"


def head_pose(landmarks: Floats, zoo: Zoo) -> HeadPose | None:
    """The pose of a head by its five landmarks [5, 2]; None where they are none of a face."""
    if np.isnan(landmarks).any():
        return None
    from unripple.ops.head import fit_head

    mean_head: Any = zoo.load("head").net
    try:
        return fit_head(landmarks, head_of(mean_head), for_words=True)
    except NoFace:
        return None


def turn_advice(turn: Mapping[str, float], pose: HeadPose) -> list[str]:
    """What to know of a turn of this very head.

    Args:
        turn: degrees by axis, see `pipeline.turns`; `yaw` and `yaw_to` are looked at.
        pose: of the head in the photo.
    """
    by = turn["yaw_to"] - pose.yaw_deg if "yaw_to" in turn else turn.get("yaw", 0.0)
    after, notes = pose.yaw_deg + by, []
    if by and abs(after) > max(FAR_DEG, abs(pose.yaw_deg)):
        notes.append(
            f"the head looks {pose.yaw_deg:.0f} degrees to the side and would look {after:.0f}: "
            f"beyond {FAR_DEG:g} its far side has to be invented; ask for less"
        )
    if abs(pose.yaw_deg) > THREE_QUARTER_DEG and by * pose.yaw_deg < 0 and abs(by) > _NOTICED_DEG:
        notes.append(
            f"the head looks {pose.yaw_deg:.0f} degrees to the side, so the cheek that this turn "
            f"of {by:.0f} brings forward is hardly in the photo and gets stretched; ask for less"
        )
    return notes


def _in_crop(align: Mapping[str, Any]) -> Floats:
    return apply(inverse(align["transform"]), align["landmarks"].astype(np.float64))
