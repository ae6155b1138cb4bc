"""The hair of a photographed head: which pixels, and how much of each.

The parser, who learned from rendered faces, and the person's own colours vote: the parser knows
that a forehead in glaring light is skin and that long hair goes on below the chin, the colours know
short hair, which it takes for skin, and clothes, which it takes for hair. GrabCut decides between
them, and the share of every pixel is a matte of the picture itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from unripple.conventions import Face, Floats, Mask
from unripple.stages.pixels.look import CloseLook, Region, SmallLook, nothing, small_of

LEAST_HAIR_PX = 60
"""Sure pixels of hair, at `LOOK_PX` px a side, below which none is seen."""
ALIKE = 12.0
"""Distance of hair and skin (CIELAB) below which no colour tells them apart."""
LEAST_CLEAR = 0.25
"""Share of what surrounds the upper face that must clearly be no skin: bald heads, and hair of the
skin's colour, have less."""
_ROUNDS = 4
_BRIDGE_PX = 2
_LARGEST_HOLE_PX = 120
_BESIDE_HEAD = 0.75  # head units to the side: beyond is nothing of the head itself
_SKINS, _TONES = 5, 3  # colours of a skin: lit, in shadow, blushed, shining, ...; of hair
_OF_HAIR = 13.0  # distance from the hair's own colours up to which a pixel is like it
_GLARE, _GLARE_HUE, _CLIPPED = 22.0, 0.35, 248
"""By how much brighter than the cheeks skin may glare; its share of their hue; the level from which
a channel has no more to tell."""
_EDGE, _HIGHEST_BEYOND, _LOWEST = 0.04, 1.3, 2.2  # head units
_REACH = 0.05  # head units: by how much the cut may miss the hair's edge
_DEEP = 0.07  # head units within the hair, from where on its colours do not matter
_FAINT = 0.12
_WHOLE = 0.85  # share of hair from which a pixel begins to count as nothing else
_STRAND = 1.4  # times as bright as hair is nearby: no strand at its edge is more
_TELLING = 0.06  # light by which hair must differ from what is beside it
_CHEEK_SIDE = 0.4  # head units from the middle of the face
_EAR_SKIN = 0.25  # share of an ear that has some colour of the skin
_HAT_SHARE, _HAT_APART, _HAT_OTHER = 0.35, 15.0, 0.4


def hair(look: CloseLook) -> Region:
    """The hair of the head."""
    small = small_of(look)
    if not small.cheeks.any():
        return nothing(look, "no cheek is seen that would tell hair from skin")
    if hat_of(small).any():
        return nothing(look, "a hat covers the hair")
    away = from_skin(small)
    beyond = _beyond(small, look)
    ears = _ears(small, away)
    around = (small.person > 0.6) & (beyond > _EDGE) & (small.down < 0.1) & (beyond < 0.5)
    around &= ~ears
    seeds, behind = _of_this_head(around & (away > ALIKE), small)
    if seeds.sum() < LEAST_HAIR_PX:
        return nothing(look, "no hair is seen around the face")
    clear = float(seeds.sum() / max(int((around & (small.down < -0.1)).sum()), 1))
    if clear < LEAST_CLEAR:
        return nothing(look, "hair and skin have about the same colour here, or there is none")
    cut = _cut(small, seeds, away, beyond, ears | behind)
    said = ndimage.binary_erosion(small.labels == Face.HAIR, iterations=2)
    share, own = _matte(look, cut, (away > ALIKE) | said)
    trust = float(np.clip(0.4 + clear, 0, 1))
    return Region(share, trust, "" if trust > 0.8 else "hair and skin look alike", own)


def _beyond(small: SmallLook, look: CloseLook) -> Floats:
    """Distance beyond the face's oval, head units."""
    per = look.face.size / small.oval.shape[0] / look.face.pose.scale
    beyond: Floats = ndimage.distance_transform_edt(~small.oval) * per
    return beyond


def _of_this_head(seeds: Mask, small: SmallLook) -> tuple[Mask, Mask]:
    """Tell hair from that of somebody behind, which hangs together with it by a few pixels at most.

    Returns:
        What is this head's, and what is not.
    """
    pieces, count = ndimage.label(ndimage.binary_opening(seeds, iterations=_BRIDGE_PX))
    if count < 2:
        return seeds, np.zeros_like(seeds)
    nearest = ndimage.distance_transform_edt(
        pieces == 0, return_distances=False, return_indices=True
    )
    piece_of = pieces[tuple(nearest)]
    middle = np.abs(small.right) < _BESIDE_HEAD
    ours = np.isin(piece_of, np.unique(pieces[middle & (pieces > 0)]))
    return seeds & ours, seeds & ~ours


def _ears(small: SmallLook, away: Floats) -> Mask:
    """Ears are no hair, though in shadow they look like it; but what has nothing of skin is none.

    Args:
        small: the face.
        away: see `from_skin`.
    """
    ears = np.isin(small.labels, (Face.LEFT_EAR, Face.RIGHT_EAR))
    ears &= (np.abs(small.down - 0.1) < 0.5) & (np.abs(small.right) < 0.95)
    for part in (Face.LEFT_EAR, Face.RIGHT_EAR):
        one = ears & (small.labels == part)
        if one.any() and (away[one] < ALIKE).mean() < _EAR_SKIN:
            ears &= ~one
    found: Mask = ndimage.binary_dilation(ears, iterations=max(1, len(ears) // 75))
    return found


def from_skin(small: SmallLook) -> Floats:
    """Distance of every pixel from the nearest colour of this face's skin, lit or not, CIELAB."""
    brow = small.oval & (small.down < -0.3) & (np.abs(small.right) < 0.35)
    cheeks = small.lab[small.cheeks]
    middle = np.median(cheeks, axis=0)
    # Hair that falls over the forehead is of another hue than the cheeks.
    forehead = small.lab[brow]
    forehead = forehead[np.hypot(*(forehead - middle).T[1:]) < 14]
    samples = np.concatenate((cheeks, forehead)).astype(np.float32)
    bright = samples[:, 0]
    samples = samples[bright > np.percentile(bright, 8)]
    # Shadow is no other colour: brightness counts less than hue.
    found = _nearest(small.lab, _centres(samples, _SKINS), (0.45, 1.2, 1.2))
    return np.where(_glares(small, middle), 0.35 * found, found)


def _glares(small: SmallLook, skin: Floats) -> Mask:
    """Skin in glaring light: brighter than the cheeks, with some of their hue, or beyond what the
    sensor tells."""
    brighter = small.lab[..., 0] - skin[0]
    hue = small.lab[..., 1:] @ skin[1:] / max(float(skin[1:] @ skin[1:]), 1.0)
    clipped = small.picture.max(-1) >= _CLIPPED
    glaring: Mask = (brighter > 0) & (brighter < _GLARE) & ((hue > _GLARE_HUE) | clipped)
    return glaring & (small.labels == Face.SKIN)


def _centres(samples: Floats, count: int) -> Floats:
    cv2.setRNGSeed(0)
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    samples = samples.astype(np.float32)
    flags = cv2.KMEANS_PP_CENTERS
    centres: Floats = cv2.kmeans(samples, min(count, len(samples)), None, ends, 1, flags)[2]
    return centres


def _nearest(lab: Floats, centres: Floats, weights: tuple[float, float, float]) -> Floats:
    apart = lab[:, :, None] - centres
    found: Floats = np.sqrt((apart**2 * weights).sum(-1)).min(-1).astype(np.float32)
    return found


def hat_of(small: SmallLook) -> Mask:
    """What the parser takes for a hat, where its colours are not those of the hair beside the face:
    much hair on photographs looks like a hat to it."""
    top = (small.person > 0.6) & (small.down < -0.45) & (np.abs(small.right) < 0.8)
    said = small.labels == Face.HAT
    if not top.any() or said[top].mean() < _HAT_SHARE:
        return np.zeros_like(said)
    ears = _ears(small, from_skin(small))
    beside = (small.person > 0.6) & ~small.oval & ~ears & (np.abs(small.down - 0.2) < 0.25)
    beside &= np.abs(small.right) < 1.0
    if beside.sum() >= LEAST_HAIR_PX:
        tones = _centres(small.lab[beside], _TONES)
        other = _nearest(small.lab, tones, (0.3, 1.0, 1.0))[said & top] > _HAT_APART
        if other.mean() < _HAT_OTHER:
            return np.zeros_like(said)
    worn: Mask = (small.person > 0.3) & (small.down < -0.35) & ~small.oval
    return worn


def _cut(small: SmallLook, seeds: Mask, away: Floats, beyond: Floats, others: Mask) -> Mask:
    """Hair by its colours, begun with what surely is and surely is not (GrabCut)."""
    tones = _centres(small.lab[seeds], _TONES)
    off = _nearest(small.lab, tones, (0.3, 1.0, 1.0))
    alike = off < _OF_HAIR
    said = np.isin(small.labels, (Face.HAIR, Face.HAT)) & ~others
    # Where both looks see a person: each of them takes pieces of some backgrounds for one.
    parts = ndimage.binary_dilation(small.labels != Face.BACKGROUND, iterations=len(seeds) // 75)
    reach = (small.person > 0.3) & parts & (beyond < _HIGHEST_BEYOND) & (small.down < _LOWEST)
    below = small.down > 0.6
    marks = np.full(seeds.shape, cv2.GC_BGD, np.uint8)
    marks[reach] = cv2.GC_PR_BGD
    marks[reach & (said | (away > ALIKE)) & ~below] = cv2.GC_PR_FGD
    # Clothes begin below the chin; long hair goes on as far as it has the hair's colour.
    marks[reach & below & (off < 2 * _OF_HAIR) & said] = cv2.GC_PR_FGD
    marks[reach & below & ~said] = cv2.GC_BGD
    marks[reach & below & (off > 2 * _OF_HAIR)] = cv2.GC_BGD
    marks[reach & (away < 6) & ~said] = cv2.GC_BGD
    # Within the face hair may fall over the forehead.
    marks[small.oval] = cv2.GC_PR_BGD
    marks[small.oval & (small.down > -0.25)] = cv2.GC_BGD
    # ... and over a cheek's side, where both votes say so.
    side = small.oval & (np.abs(small.right) > _CHEEK_SIDE)
    marks[side & said & alike & (away > ALIKE)] = cv2.GC_PR_FGD
    marks[small.cheeks & (np.abs(small.right) < _CHEEK_SIDE) | others] = cv2.GC_BGD
    marks[seeds] = cv2.GC_FGD
    marks[said & alike & reach & ~small.oval & (small.person > 0.6)] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small.picture, marks, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    hard = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    hard = ndimage.binary_opening(hard, np.ones((3, 3)))
    # Hair hangs together with what surely is hair, and not by a few pixels.
    core = ndimage.binary_opening(hard, iterations=_BRIDGE_PX)
    pieces, _ = ndimage.label(core)
    kept = np.isin(pieces, np.setdiff1d(np.unique(pieces[seeds & core]), (0,)))
    found: Mask = hard & ndimage.binary_dilation(kept, iterations=2 * _BRIDGE_PX)
    # A strand that shines is hair as well as those around it.
    holes, _ = ndimage.label(~found)
    small_ones = np.flatnonzero(np.bincount(holes.ravel()) < _LARGEST_HOLE_PX)
    return found | (np.isin(holes, small_ones) & ~others & ~small.oval)


def _matte(look: CloseLook, cut: Mask, unlike: Mask) -> tuple[Floats, Floats]:
    """The share of hair in every pixel of the close look, and the light of hair there.

    Beside the cut's edge a pixel is a mixture of the hair's colour nearby and of what is beside it:
    its place between the two, in light, is the share.

    Args:
        look: the face.
        cut: the hair, [n, n].
        unlike: what has not the colours of skin, or is hair to the parser.
    """
    side = look.picture.shape[0]
    radius = max(2, round(_REACH * look.unit))
    hard = cv2.resize(cut.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    light = look.light
    deep = ndimage.binary_erosion(
        cut, iterations=max(1, round(_DEEP * look.unit * len(cut) / side))
    )
    sure = cut & (ndimage.binary_erosion(ndimage.median_filter(unlike, 3)) | deep)
    depth = cv2.blur(hard, (2 * radius + 1,) * 2)
    surely = cv2.resize(sure.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    surely = ((surely > 0.99) & (depth > 0.98)).astype(np.float32)
    surely_not = (depth < 0.005).astype(np.float32)
    own, other = (_nearby(light, sure, radius) for sure in (surely, surely_not))
    way = own - other
    length = (way**2).sum(-1)
    share = np.clip(((light - other) * way).sum(-1) / np.maximum(length, 1e-6), 0, 1)
    # A filter never quite gets to 0 and 1, nor does a shadow at the hairline.
    share = np.clip((share - _FAINT) / (1 - 2 * _FAINT), 0, 1)
    # Where both have about the same colour the cut alone tells.
    told = np.clip(length / _TELLING**2, 0, 1)
    soft = cv2.GaussianBlur(hard, (0, 0), radius / 3)
    share = soft + told * (share - soft)
    edge = np.clip(4 * depth, 0, 1)
    share = np.where(surely > 0, 1.0, share * edge).astype(np.float32)
    # What is hair through and through shows its own strands up to the edge, where what is brighter
    # than they are is beside them.
    whole = np.clip((share - _WHOLE) / (1 - _WHOLE), 0, 1)[..., None]
    alone = cv2.GaussianBlur(surely, (0, 0), 1.0)[..., None]
    own = own + whole * (np.minimum(light, _STRAND * own) - own)
    return share, (own + alone * (light - own)).astype(np.float32)


def _nearby(light: Floats, sure: Floats, radius: int) -> Floats:
    """The mean light of what is sure, as near as there is some."""
    found, weight = np.zeros_like(light), np.zeros_like(sure)
    for times in (2, 5, 12):
        size = (2 * times * radius + 1,) * 2
        seen = cv2.blur(sure, size)
        mean = cv2.blur(light * sure[..., None], size) / (seen[..., None] + 1e-6)
        free = np.clip(1 - weight, 0, 1) * np.clip(20 * seen, 0, 1)
        found += free[..., None] * mean
        weight += free
    near: Floats = found / np.maximum(weight, 1e-4)[..., None]
    return near
