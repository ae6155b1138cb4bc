"""One call per stage: from named inputs and settings to the stage's function, and its parts back.

Each imports its stage when called, so that nothing costs torch before it is needed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unripple.api.work import grown
from unripple.conventions import NoFace
from unripple.io.digest import file_sha256
from unripple.io.domains import read_domain
from unripple.zoo.directions import find_direction, is_turn

if TYPE_CHECKING:
    from unripple.api.work import Work
    from unripple.conventions import Floats, Labels, Landmarks, Photo
    from unripple.io.artifact import Artifact
    from unripple.stages.edit import Edited
    from unripple.stages.inpaint import Fill
    from unripple.stages.invert import Consultant


def _parts(named: NamedTuple) -> Artifact:
    """A stage's named tuple as an artifact; parts that are None are left out."""
    return {name: part for name, part in named._asdict().items() if part is not None}


def align(work: Work) -> list[Artifact]:
    """Crop every face that the settings ask for, largest first."""
    from unripple.ops.geometry import Framing
    from unripple.stages import align as stage

    assert work.photo is not None
    photo, settings = work.photo.srgb, work.settings
    if settings["mode"] == "aligned":
        return [_parts(stage.already_aligned(photo, size_px=settings["size_px"]))]
    found = _find_faces(photo, work)
    faces = stage.choose_faces(found, settings["faces"], mode=settings["mode"])
    framing = Framing(**settings["framing"])
    return [
        _parts(stage.align(photo, face, size_px=settings["size_px"], framing=framing))
        for face in faces
    ]


def _find_faces(photo: Photo, work: Work) -> list[Landmarks]:
    from unripple.ops.geometry import Framing
    from unripple.stages import align as stage

    settings = work.settings
    if settings["mode"] == "file":
        if settings["points"] is None:
            raise NoFace(stage.NOT_NAMED)
        return [np.array(settings["points"], np.float32)]
    if settings["mode"] == "mtcnn":
        mtcnn = work.zoo.load("mtcnn").net
        return stage.faces_by_mtcnn(photo, mtcnn, min_confidence=settings["min_confidence"])
    reader = work.zoo.load("landmarks")
    return stage.faces_by_network(
        photo,
        reader.net,
        net_size_px=reader.size_px,
        framing=Framing(**reader.metadata.get("framing", {})),
        max_spread=settings["max_spread"],
    )


def consultant_of(work: Work) -> Consultant:
    from unripple.models.hfgi import CONSULTED
    from unripple.stages.invert import Consultant

    hfgi = work.zoo.load("hfgi")
    nets: Any = hfgi.net
    after = int(hfgi.metadata.get("inject_after", CONSULTED))
    motion = getattr(nets, "motion", None)
    return Consultant(nets["grid_align"], nets["residue"], after, hfgi.size_px, motion)


def invert(work: Work) -> Artifact:
    """Draw the codes again, with or without the photo's details."""
    from unripple.stages import invert as stage

    photo, w_plus = work.array("align.picture"), work.array("project.w_plus")
    generator: Any = work.zoo.load("generator").net
    if work.settings["method"] == "e4e":
        return _parts(stage.invert_plainly(w_plus, generator, size_px=photo.shape[0]))
    return _parts(stage.invert(photo, w_plus, generator, consultant_of(work)))


def translate(work: Work) -> Artifact:
    """Move the codes along the edit's directions, one after the other, or by its translation."""
    from unripple.stages import translate as stage

    w_plus = work.array("project.w_plus")
    if work.offset is not None:
        knobs = work.knobs("first_code", "end_code")
        moved = stage.translate(w_plus, work.offset, 1.0, **knobs)
        return {"w_plus": moved, "about": {"turn": False}}
    for name, degree in work.settings["moves"].items():
        direction = find_direction(work.directions, name)
        knobs = work.knobs("first_code", "end_code")
        if direction.codes is not None:
            knobs = dict(zip(knobs, direction.codes, strict=True))
        target = direction.component or direction.vector
        w_plus = stage.translate(w_plus, target, degree, **knobs)
    return {"w_plus": w_plus, "about": {"turn": is_turn(work.settings["moves"])}}


def edit(work: Work) -> Artifact:
    """Draw the moved codes, or turn the head of a photograph by geometry."""
    from unripple.stages import edit as stage

    if _turned_by_geometry(work):
        return _parts(_turn(work))
    w_plus = work.array("translate.w_plus")
    generator: Any = work.zoo.load("generator").net
    photo = work.array("align.picture")
    size_px = photo.shape[0]
    if work.settings["method"] == "e4e":
        return {"picture": stage.edit_plainly(w_plus, generator, size_px=size_px)}
    edited = stage.edit(
        photo,
        w_plus,
        work.array("invert.residual"),
        generator,
        consultant_of(work),
        size_px=size_px,
        turn=bool(work.array("translate.about")["turn"]),
        **work.knobs("strength"),
    )
    return _parts(edited)


def _turned_by_geometry(work: Work) -> bool:
    """Whether this photo's head is turned without the generator."""
    from unripple.stages import edit as stage

    how = work.settings.get("turn")
    if how != "auto":
        return how == "geometry"
    seen = _landmarks_in_crop(work)
    if "residual" not in work.inputs["invert"] or np.isnan(seen).any():
        return False
    shares = seen / work.array("align.picture").shape[0]
    return stage.drawn_db(work.array("invert.residual"), shares) < stage.FOREIGN_DB


def _landmarks_in_crop(work: Work) -> Landmarks:
    """The face's five points in px of the crop; nan where nobody looked for them."""
    from unripple.ops.geometry import apply, inverse

    points = work.array("align.landmarks").astype(np.float64)
    return apply(inverse(work.array("align.transform")), points)


def _turn(work: Work) -> Edited:
    from unripple.stages import edit as stage

    landmarks = _landmarks_in_crop(work)
    if np.isnan(landmarks).any():
        raise NoFace(
            "edit.turn geometry needs the landmarks of the face, and align.mode aligned looks for "
            "none; set align.mode to mtcnn or embedded, or edit.turn to generator"
        )
    photo, head = work.array("align.picture"), work.zoo.load("head")
    net: Any = head.net
    labels = _labels(work, photo)
    try:
        return stage.edit_by_geometry(
            photo, labels, landmarks, net, turn_deg=work.settings["turn_deg"]
        )
    except NoFace as error:
        raise NoFace(f"{error}; mark them by hand, or set edit.turn to generator") from error


def _labels(work: Work, picture: Photo) -> Labels:
    """The parts of an unedited picture."""
    from unripple.stages import parse as stage

    parser = work.zoo.load("parser")
    net: Any = parser.net
    if parser.network == "graphonomy":
        scales = stage.SCALES[work.settings["scales"]]
        labels = stage.parse_body(picture, net, net_size_px=parser.size_px, scales=scales)
    else:
        labels = stage.parse(picture, net, net_size_px=parser.size_px)
    if not work.settings.get("person"):
        return labels
    person = work.zoo.load("person")
    masking: Any = person.net
    share = stage.person_share(picture, masking, net_size_px=person.size_px)
    return stage.within_person(labels, share)


def _shown(work: Work) -> Photo:
    """The picture of the only input: the aligned photo's or the edit's."""
    (name,) = work.inputs
    return work.array(f"{name}.picture")


def parse(work: Work) -> Artifact:
    """Label the parts of the face."""
    from unripple.stages import parse as stage

    edited = work.inputs.get("edit", {})
    if "labels" in edited:  # they came along with the photo's pixels
        return {"labels": work.array("edit.labels")}
    parser = work.zoo.load("parser")
    if parser.network == "graphonomy" or "motion" not in edited:
        return {"labels": _labels(work, _shown(work))}
    net: Any = parser.net
    plain = stage.Plain(work.array("edit.plain"), work.array("edit.motion")[2])
    labels = stage.parse(_shown(work), net, net_size_px=parser.size_px, plain=plain)
    return {"labels": labels}


def ripple(work: Work) -> Artifact:
    """Compare the labels of photo and edit."""
    from unripple.stages import ripple as stage

    before, after = work.array("parse@photo.labels"), work.array("parse@edit.labels")
    knobs = work.lengths(before, "grow_px", "smear_px", "min_area_px")
    return _parts(stage.ripple(before, after, **knobs))


def depth(work: Work) -> Artifact:
    """Estimate inverse depth."""
    from unripple.stages import depth as stage

    model = work.zoo.load("depth")
    return {"inverse_depth": stage.depth(_shown(work), model.net, net_size_px=model.size_px)}


def foreground(work: Work) -> Artifact:
    """Split both depth maps."""
    from unripple.stages import foreground as stage

    before, after = (work.array(f"depth@{of}.inverse_depth") for of in ("photo", "edit"))
    cut = {"cut": work.settings["cut"]} if "cut" in work.settings else {}
    return _parts(stage.foreground(before, after, **cut, **work.lengths(before, "min_area_px")))


def restore(work: Work) -> Artifact:
    """Repair the drawn face, or hand the edit on as it is."""
    from unripple.stages import restore as stage

    edited = work.array("edit.picture")
    if work.settings["restorer"] == "none":
        return {"picture": edited}
    model = work.zoo.load("restorer")
    restored = stage.restore(
        edited,
        work.array("parse@edit.labels"),
        model.net,
        net_size_px=model.size_px,
        **work.knobs("weight"),
        **work.lengths(edited, "margin_px"),
    )
    return {"picture": restored}


def mix(work: Work) -> Artifact:
    """Bring back from the photo what the edit is not about, one mix-up after the other."""
    from unripple.stages import mix as stage

    photo, picture = work.array("align.picture"), work.array("restore.picture")
    for knobs in work.settings["mixes"]:
        lengths = {
            name: grown(name, value, photo) for name, value in knobs.items() if name[-3:] == "_px"
        }
        if knobs["mix"] == "domain":
            assert work.domain is not None
            distance = _domain_distance(work.domain, file_sha256(work.domain), photo.shape[:2])
            picture = stage.mix_domain(photo, picture, distance, **lengths)
        elif knobs["mix"] == "detail":
            labels = [work.array(f"parse@{of}.labels") for of in ("photo", "edit")]
            drawn = work.array("invert.picture")
            tolerance = knobs["tolerance"]
            picture = stage.mix_detail(
                photo, picture, drawn, *labels, tolerance=tolerance, **lengths
            )
        elif knobs["mix"] == "segmentation":
            labels = [work.array(f"parse@{of}.labels") for of in ("photo", "edit")]
            carac = work.settings["carac"]
            picture = stage.mix_segmentation(photo, picture, *labels, carac=carac, **lengths)
        else:
            near = work.array("foreground.before"), work.array("foreground.after")
            picture = stage.mix_depth(photo, picture, *near, coef=knobs["coef"])
    return {"picture": picture}


@lru_cache(maxsize=64)
def _domain_distance(path: Path, digest: str, size: tuple[int, int]) -> Floats:  # noqa: ARG001
    """Distance to a drawn domain; the digest is there to see that the file changed."""
    from unripple.stages.mix import domain_distance

    return domain_distance(read_domain(path), size)


def inpaint(work: Work) -> Artifact:
    """Paint the plate behind the person, or over the ripple in the edit."""
    from unripple.stages import inpaint as stage

    fill = _painter(work)
    if work.settings["paints"] == "edited":
        picture, ripple = work.array("edit.picture"), work.array("ripple.ripple")
        return _parts(stage.checked(stage.inpaint_edited(picture, ripple, fill=fill)))
    seen = work.settings["use_depth"]
    photo = work.array("align.picture")
    plate = stage.inpaint_plate(
        photo,
        work.array("ripple.before"),
        work.array("ripple.after"),
        fill=fill,
        depth_before=work.array("foreground.before") if seen else None,
        depth_after=work.array("foreground.after") if seen else None,
        **work.lengths(photo, "grow_px", "min_area_px"),
    )
    return _parts(plate)


def _painter(work: Work) -> Fill:
    from unripple.ops import inpainting
    from unripple.stages.inpaint import borrow_fill, lama_fill

    painter = work.settings["painter"]
    if painter == "lama":
        model = work.zoo.load("inpainter")
        return lama_fill(model.net, corrects=bool(model.metadata.get("corrects", False)))
    if painter == "borrow":
        return borrow_fill()
    return {"telea": inpainting.telea, "navier_stokes": inpainting.navier_stokes}[painter]


def compose(work: Work) -> Artifact:
    """Put the edited person into the photo's own background."""
    from unripple.stages import compose as stage

    plate, edited = work.array("inpaint.plate"), work.array("edit.picture")
    method = work.settings["method"]
    photo = work.array("align.picture")
    if method == "direct":
        return _parts(stage.in_own_tone(stage.compose_direct(plate), photo))
    if method == "or":
        hole, near = work.array("inpaint.hole"), work.array("foreground.after")
        return _parts(stage.in_own_tone(stage.compose_or(edited, plate, hole, near), photo))
    after, fine = work.array("ripple.after"), None
    if "plain" in work.inputs["edit"]:
        labels = work.array("parse.labels")
        eased: dict[str, Any] = {
            "detail": work.settings["head_detail"],
            "feather_px": grown("feather_px", stage.HEAD_FEATHER_PX, labels),
        }
        edited = stage.ease_head(edited, work.array("edit.plain"), labels, **eased)
        if "motion" in work.inputs["edit"]:
            fine = stage.fine_share(work.array("edit.motion")[2], after, labels, **eased)
    composed = stage.compose_plate(
        photo,
        edited,
        plate,
        work.array("inpaint.vacated"),
        after,
        **work.lengths(plate, "feather_px"),
    )
    return _parts(stage.in_own_tone(composed._replace(detail=fine), photo))


def compose_mixed(work: Work) -> Artifact:
    """Take the mixed picture, and find out where it differs from the photo."""
    from unripple.stages import compose as stage

    photo, mixed = work.array("align.picture"), work.array("mix.picture")
    composed = stage.compose_mixed(photo, mixed)
    if "motion" in work.inputs["edit"]:
        labels = work.array("parse@edit.labels")
        seen = work.array("edit.motion")[2]
        fine = stage.fine_share(seen, composed.touched, labels, detail=1.0)
        composed = composed._replace(detail=fine)
    return _parts(stage.in_own_tone(composed, photo))


def paste(work: Work) -> Artifact:
    """Put the composed crop back into the full photograph, and tell what its file loses."""
    from unripple.stages import paste as stage

    assert work.photo is not None
    composed, fine = work.array("compose.picture"), None
    if "detail" in work.inputs["compose"]:
        fine = stage.Fine(
            _in_own_colours(work, work.array("align.picture")),
            work.array("edit.motion")[:2],
            work.array("compose.detail"),
        )
    pasted = stage.paste(
        work.photo.pixels,
        _in_own_colours(work, composed),
        work.array("compose.touched"),
        work.array("align.transform"),
        fine=fine,
        **work.lengths(composed, "feather_px", "border_px"),
    )
    lost = work.photo.metadata.lost
    return {**_parts(pasted), "notes": {"lost": list(lost)}} if lost else _parts(pasted)


def _in_own_colours(work: Work, crop: Photo) -> Photo:
    """A crop, or what was made of it, in the photograph's colour space and in its tone."""
    from unripple.ops.geometry import resample
    from unripple.stages.compose import in_tone_of

    assert work.photo is not None
    own = work.photo.in_own_colours(crop)
    if own is crop:  # sRGB: `compose` saw to the tone
        return own
    # The way through another space leaves a level of chroma on grey.
    size_px, transform = crop.shape[0], work.array("align.transform")
    return in_tone_of(resample(work.photo.pixels, transform, width=size_px, height=size_px), own)
