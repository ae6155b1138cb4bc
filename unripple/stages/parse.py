"""parse: name the part of the face that every pixel shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unripple.conventions import Face, Floats, Labels, Photo
from unripple.ops.geometry import stretched
from unripple.ops.masks import require_same_size
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited
from unripple.stages.interface import Plan, Settings, Stage, Values, Work, knob
from unripple.stages.parsers import PARSERS

if TYPE_CHECKING:
    import torch
    from torch import Tensor


SCALES_OF: Mapping[str, tuple[float, ...]] = {
    "one": (1.0,),
    "six": (1, 0.5, 0.75, 1.25, 1.5, 1.75),
}
"""Word -> sizes at which a parser of whole persons looks."""


class Parsed(NamedTuple):
    """The part of this stage: `Face` of every pixel, uint8 [H, W]."""

    labels: Labels


@dataclass(frozen=True, kw_only=True)
class ParseSettings(Settings):
    """How the picture is looked at.

    Attributes:
        person: whether a network that knows photographs has a say in where the person is.
    """

    scales: str = knob(
        "one",
        "how often Graphonomy looks, each time at the mirror image, too: one | six (sizes) as "
        "published, at 7.5 times the cost; BiSeNet looks once",
        choices=tuple(SCALES_OF),
    )
    person: bool = False


class Plain(NamedTuple):
    """An edit without the photo's details.

    Attributes:
        picture: the codes alone, uint8 [H, W, 3].
        seen: how far the photo's details cover them in the edit, from 0 to 1, [s, s].
    """

    picture: Photo
    seen: Floats


def parse(
    picture: Photo,
    parser: Callable[[Tensor], Sequence[Tensor]],
    *,
    net_size_px: int,
    plain: Plain | None = None,
) -> Labels:
    """Label every pixel.

    Args:
        picture: uint8 [H, W, 3].
        parser: BiSeNet, float [B, 3, n, n] -> logits [B, 19, n, n] first, then its side heads.
        net_size_px: side n at which the network works (512 in the published one).
        plain: the edit without details, which is asked where there are none. A patch that was
            drawn from codes, amid the photo's own background, looks like part of the person: of
            hair that was cut off, its outline is left.

    Returns:
        uint8 [H, W] of `Face`. At another size than the network's the scores are resized, not the
        labels, so that no part is invented between two others.

    Source: zllrunning/face-parsing.PyTorch, `test.py`.
    """
    import torch

    from unripple.ops.tensors import device_of

    device = device_of(parser)
    with torch.inference_mode():
        scores = parser(network_input(picture, net_size_px).to(device))[0].float()
        if plain is not None:
            of_codes = parser(network_input(plain.picture, net_size_px).to(device))[0].float()
            share = torch.from_numpy(stretched(plain.seen, scores.shape[-1])).to(device)
            scores = torch.lerp(of_codes.softmax(1), scores.softmax(1), share)
        return _labels(scores, picture)


def parse_body(
    picture: Photo,
    parser: Callable[[Tensor], Tensor],
    *,
    net_size_px: int,
    scales: Sequence[float] | None = None,
) -> Labels:
    """Label every pixel by a parser of whole persons; clothes and limbs become the nearest `Face`.

    Args:
        picture: uint8 [H, W, 3].
        parser: Graphonomy, BGR [B, 3, h, w] in [-1, 1] -> logits [B, 20, h, w].
        net_size_px: side at which it looks at scale 1.
        scales: sizes at which it looks, each time at the mirrored picture as well; None
            takes the six published ones.

    Returns:
        uint8 [H, W] of `Face`.

    Source: Gaoyiminggithub/Graphonomy, `exp/inference/inference.py`.
    """
    import torch

    from unripple.models.body_parts import faces_of

    with torch.inference_mode():
        logits = _fused(picture, parser, net_size_px, scales)
        return faces_of(_labels(logits.float(), picture))


def _fused(
    picture: Photo,
    parser: Callable[[Tensor], Tensor],
    net_size_px: int,
    scales: Sequence[float] | None,
) -> Tensor:
    from unripple.models.body_parts import FLIP_SWAPS
    from unripple.ops.multiscale import SCALES, fused_logits
    from unripple.ops.tensors import resized

    looked = resized(picture, net_size_px)
    return fused_logits(looked, parser, flip_swaps=FLIP_SWAPS, scales=scales or SCALES)


def body_logits(
    picture: Photo,
    parser: Callable[[Tensor], Tensor],
    *,
    net_size_px: int,
    scales: Sequence[float] | None = None,
) -> Tensor:
    """What a parser of whole persons says, the mean of its looks; see `parse_body`."""
    from unripple.ops.multiscale import SCALES

    return _fused(picture, parser, net_size_px, scales) / len(scales or SCALES)


def background_share(ask: Callable[[torch.device], Tensor], net: object, picture: Photo) -> Floats:
    """How sure a parser is to see background, by the softmax of its scores.

    Args:
        ask: gives its scores, float [1, classes, n, n], background being class 0.
        net: the parser.
        picture: uint8 [H, W, 3].

    Returns:
        float32 [H, W] in [0, 1].
    """
    import torch
    import torch.nn.functional as F

    from unripple.ops.tensors import device_of

    with torch.inference_mode():
        scores = ask(device_of(net)).float()
        size = picture.shape[:2]
        large = F.interpolate(scores, size=size, mode="bilinear", align_corners=False)
        return large.softmax(1)[0, int(Face.BACKGROUND)].cpu().numpy()


AGREED_IOU = 0.9
"""Where both networks see so much of the same person, the parser is the sharper one. On rendered
faces they agree to .93 and more; on photographs the parser often loses hair and clothes."""


def person_share(
    picture: Photo, person: Callable[[Tensor], Sequence[Tensor]], *, net_size_px: int
) -> Floats:
    """How much of every pixel is a person, by a network that knows photographs.

    Args:
        picture: uint8 [H, W, 3].
        person: float [1, 3, n, n] in [0, 1] -> shares [1, 1, n, n] first.
        net_size_px: side n at which it works.

    Returns:
        float32 [H, W] in [0, 1].

    Source: MediaPipe's selfie segmentation.
    """
    import torch
    import torch.nn.functional as F

    from unripple.ops.tensors import device_of, resized, to_tensor

    device = device_of(person)
    with torch.inference_mode():
        looked = to_tensor(resized(picture, net_size_px), device=device) / 2 + 0.5
        share = person(looked)[0].float()
        large = F.interpolate(share, size=picture.shape[:2], mode="bilinear", align_corners=False)
        return large[0, 0].clamp(0, 1).cpu().numpy()


def within_person(labels: Labels, share: Floats) -> Labels:
    """Parts inside the person that another network sees, where the two disagree.

    What the parser takes for background there becomes the nearest part; what it sees beside the
    person becomes background.

    Args:
        labels: uint8 [H, W] of `Face`.
        share: of a person, [H, W] in [0, 1].

    Returns:
        uint8 [H, W] of `Face`; the very labels where the two agree on the whole.
    """
    from scipy import ndimage

    require_same_size(labels=labels, share=share)
    parsed, of_person = labels != Face.BACKGROUND, share > 0.5
    both, either = int((parsed & of_person).sum()), int((parsed | of_person).sum())
    if not both or both >= AGREED_IOU * either:
        return labels
    nearest = ndimage.distance_transform_edt(
        ~(parsed & of_person), return_distances=False, return_indices=True
    )
    return np.where(of_person, labels[tuple(nearest)], np.uint8(Face.BACKGROUND))


def _labels(scores: Tensor, picture: Photo) -> Labels:
    import torch
    import torch.nn.functional as F

    size = picture.shape[:2]
    if scores.shape[-2:] != size:
        scores = F.interpolate(scores, size=size, mode="bilinear", align_corners=False)
    return scores[0].argmax(0).to(torch.uint8).cpu().numpy()


def network_input(picture: Photo, size_px: int) -> Tensor:
    """What the parser sees of a picture [H, W, 3]: float32 [1, 3, n, n], normalised as ImageNet.

    The resize is on bytes, and Pillow's to the byte, as in the published script.
    """
    from unripple.models.bisenet import normalised
    from unripple.ops.tensors import resized, to_tensor

    return normalised(to_tensor(resized(picture, size_px)))


def run(work: Work, settings: ParseSettings) -> Parsed:
    """Label the parts of the face."""
    if not work.has("edit"):
        return Parsed(labels_of(work, work.input(Aligned, "align").picture, settings))
    edit = work.input(Edited, "edit")
    if edit.labels is not None:  # they came along with the photo's pixels
        return Parsed(edit.labels)
    parser = work.load("parser")
    way = PARSERS[parser.network]
    if way.compares and edit.motion is not None and edit.plain is not None:
        plain = Plain(edit.plain, edit.motion[2])
        return Parsed(way.labels(edit.picture, parser, settings, plain))
    return Parsed(labels_of(work, edit.picture, settings))


def labels_of(work: Work, picture: Photo, settings: ParseSettings) -> Labels:
    """The parts of a picture that is looked at alone."""
    parser = work.load("parser")
    labels = PARSERS[parser.network].labels(picture, parser, settings, None)
    if not settings.person:
        return labels
    person = work.load("person")
    return within_person(labels, person_share(picture, person.net, net_size_px=person.size_px))


def decide(settings: Values, plan: Plan) -> dict[str, object]:
    """Whether the models know persons."""
    return {**settings, "person": True} if plan.has_model("person") else dict(settings)


def roles(settings: Values) -> tuple[str, ...]:
    """The parser, and the network of persons."""
    return ("parser", "person") if settings.get("person") else ("parser",)


STAGE = Stage(
    name="parse",
    help="label the parts of the face",
    version=2,
    run=run,
    outputs=Parsed,
    settings=ParseSettings,
    photo_inputs=("align",),
    edit_inputs=("edit",),
    shows="labels",
    photo_title="parts before",
    edit_title="parts after",
    in_strip=True,
    roles=roles,
    decide=decide,
)
