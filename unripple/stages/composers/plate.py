"""plate: photo, then the painted background where the person left, then the edited person."""

from __future__ import annotations

from unripple.conventions import Photo
from unripple.stages import compose as stage
from unripple.stages.compose import Composed, ComposeSettings
from unripple.stages.composers import Composer
from unripple.stages.edit import Edited
from unripple.stages.inpaint import Inpainted
from unripple.stages.interface import Work, grown
from unripple.stages.parse import Parsed
from unripple.stages.ripple import Ripple


def compose(work: Work, photo: Photo, settings: ComposeSettings) -> Composed:
    """See `stages.compose`: `compose_layers`, or `compose_plate` with details eased in the head."""
    painted, edit = work.input(Inpainted, "inpaint"), work.input(Edited, "edit")
    layers = edit.layers
    if layers is not None:
        return stage.compose_layers(photo, layers, painted.plate)
    after, edited, fine = work.input(Ripple, "ripple").after, edit.picture, None
    if edit.plain is not None:
        labels = work.input(Parsed, "parse").labels
        detail = settings.head_detail
        feather_px = grown("feather_px", stage.HEAD_FEATHER_PX, labels)
        edited = stage.ease_head(edited, edit.plain, labels, detail=detail, feather_px=feather_px)
        if edit.motion is not None:
            visibility = edit.motion[2]
            fine = stage.fine_share(visibility, after, labels, detail=detail, feather_px=feather_px)
    composed = stage.compose_plate(
        photo,
        edited,
        painted.plate,
        painted.vacated,
        after,
        feather_px=settings.grown(painted.plate).feather_px,
        enlarged=edit.changed is not None,
    )
    return composed._replace(detail=fine)


METHOD = Composer(
    name="plate", help="the edited person over a painted plate", compose=compose, rank=1
)
