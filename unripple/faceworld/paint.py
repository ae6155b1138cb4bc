"""What is painted on the solids: skin with its wrinkles and make-up, eyes, hair, clothes.

All coordinates are in the frame of the unturned head, [B, N]; factors enter as [B, 1]. Colours are
linear light [B, N, 3].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from unripple.faceworld.accessories import hat_height
from unripple.faceworld.anatomy import Eyelids, Mouth, beard_zone, eyelids, mouth, nose_tip_y
from unripple.faceworld.colour import hair_tone, hsv, iris_tone, linear, rgb, skin_tone, value_noise
from unripple.faceworld.sdf import bump, smoothstep
from unripple.faceworld.shape import Shape

Factors = Callable[[str], Tensor]
IRIS = 0.50  # radius of the iris in units of the eyeball's
BROW_REACH = 0.20  # half of a brow's length


class Skin(NamedTuple):
    """Painted skin, and where its labelled parts are ([B, N], 0 to 1)."""

    colour: Tensor
    brow: Tensor
    upper_lip: Tensor
    lower_lip: Tensor
    mouth: Tensor


def skin(x: Tensor, y: Tensor, z: Tensor, f: Factors, k: Shape) -> Skin:
    """Complexion, wrinkles, brows, lips, mouth, beard, and make-up around the eyes."""
    abs_x, seed = x.abs(), k["noise_seed"]
    tone = skin_tone(f("melanin"), f("redness"))
    # Blotches and pores: skin of one colour looks like plastic.
    grain = value_noise(x * 9 + 3, y * 9 + z * 5, seed)
    fine = value_noise(x * 26, y * 26 + z * 17, seed + 1.7)
    colour = tone * (1 + 0.05 * (grain - 0.5) + 0.05 * (fine - 0.5))[..., None]
    colour = _complexion(colour, x, y, z, f, k)
    colour = _darken(colour, _wrinkles(x, y, z, f, k), rgb(x, 0.42, 0.52, 0.52))
    # Brows and beards are darker than the hair of the head.
    hair_colour = hair_tone(f("hair_light") * 0.8, f("hair_warmth"), f("grey"))
    brow = _brow(abs_x, y, z, k)
    stroke = 0.75 + 0.25 * torch.sin(abs_x * 80 - y * 60 + seed)
    colour = _towards(colour, hair_colour * 0.75 + tone * 0.02, brow * stroke * 0.92)
    lips = mouth(x, y, k)
    colour, upper, lower, inside = _mouth(colour, x, y, z, lips, tone, f, k)
    # No beard on the lips.
    bare = 1 - torch.maximum(upper, torch.maximum(lower, inside))
    colour = _beard(colour, x, y, z, lips, upper, bare, grain, hair_colour, f, seed)
    colour = _around_eyes(colour, y, z, eyelids(abs_x, y, k), f)
    # Bald heads show where hair would grow, at the forehead's top and at the sides.
    shaved = (1 - k["has_hair"]) * (
        smoothstep(0.35, 0.75, y) * smoothstep(0.6, 0.2, z) * 0.10
        + smoothstep(0.1, -0.2, z) * smoothstep(-0.3, -0.1, y) * 0.25
    )
    return Skin(_towards(colour, hair_colour, shaved), brow, upper, lower, inside)


def _darken(colour: Tensor, amount: Tensor, per_channel: Tensor) -> Tensor:
    return colour * (1 - amount[..., None] * per_channel)


def _towards(colour: Tensor, target: Tensor, amount: Tensor) -> Tensor:
    return colour + (target - colour) * amount[..., None]


def _complexion(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, f: Factors, k: Shape) -> Tensor:
    """Blush, shadows under the eyes, freckles, nostrils."""
    abs_x, melanin = x.abs(), f("melanin")
    # Blood shows on cheeks, nose tip and ears, less so through dark skin.
    cheeks = torch.exp(-(((abs_x - 0.36) / 0.17) ** 2) - ((y + 0.25) / 0.14) ** 2)
    tip = torch.exp(-((x / 0.11) ** 2) - ((y + 0.33) / 0.11) ** 2)
    blush = 0.8 * cheeks + 0.6 * tip + 0.5 * bump(abs_x - 0.78, 0.1)
    blush = blush * (0.42 + 0.25 * f("redness")) * (1 - 0.5 * melanin) * (z > -0.3).float()
    colour = _darken(colour, blush, rgb(x, 0.02, 0.28, 0.26))
    # The thin skin under the eyes is darker, with age more so.
    below_eye = torch.exp(
        -(((abs_x - k["eye_x"] + 0.02) / 0.13) ** 2) - ((y - k["eye_y"] + 0.155) / 0.05) ** 2
    )
    colour = _darken(colour, below_eye * (0.12 + 0.30 * f("age")), rgb(x, 0.27, 0.33, 0.27))
    # The peaks of a fine noise make spots of irregular size.
    spots = smoothstep(0.70, 0.80, value_noise(x * 34 + 7, y * 34, k["noise_seed"] + 4))
    spots = spots * bump(y + 0.2, 0.22) * (abs_x < 0.55).float() * f("freckles") * (1 - melanin)
    colour = _darken(colour, spots, rgb(x, 0.35, 0.5, 0.55))
    # The holes of the relief are too shallow to be dark by themselves.
    nostril = torch.exp(
        -(((abs_x - 0.056 * k["nose_width"]) / 0.03) ** 2)
        - ((y - nose_tip_y(k) + 0.075 - k["nose_up"] * 0.5) / 0.022) ** 2
    )
    return colour * (1 - 0.72 * nostril * (z > 0.6).float())[..., None]


def _wrinkles(x: Tensor, y: Tensor, z: Tensor, f: Factors, k: Shape) -> Tensor:
    """Forehead lines, nasolabial folds, crow's feet and bags; the folds also come with a smile."""
    abs_x = x.abs()
    # Forehead: parallel lines, bent a little and not alike in two people.
    waves = torch.remainder((y + 0.02 * torch.sin(x * 6 + k["noise_seed"])) * 13, 1.0) - 0.5
    fore = smoothstep(0.33, 0.40, y) * smoothstep(0.62, 0.55, y) * smoothstep(0.45, 0.2, abs_x)
    forehead = 0.8 * fore * bump(waves, 0.11)
    # Nasolabial fold: from the wings of the nose outwards as it goes down.
    down = (y + 0.36) / -0.30
    fold_x = abs_x - (0.165 + 0.13 * down)
    fold_range = smoothstep(-0.05, 0.15, down) * smoothstep(1.15, 0.75, down)
    # Crow's feet: rays in polar coordinates about the outer corner of the eye.
    cx, cy = abs_x - k["eye_x"] - 0.185, y - k["eye_y"]
    radius, angle = torch.sqrt(cx * cx + cy * cy + 1e-6), torch.atan2(cy, cx)
    rays = bump(torch.remainder(angle * 2.2 + 0.5, 1.0) - 0.5, 0.16) * (angle.abs() < 0.75).float()
    feet = 0.8 * rays * smoothstep(0.0, 0.04, radius) * smoothstep(0.17, 0.09, radius)
    bag_y = y - k["eye_y"] + 0.165 + 0.25 * (abs_x - 0.3) ** 2
    bags = 0.7 * bump(bag_y, 0.012) * smoothstep(0.17, 0.1, (abs_x - k["eye_x"]).abs())
    aged = (forehead + bump(fold_x, 0.018) * fold_range + feet + bags) * (
        smoothstep(0.15, 0.8, f("age")) * 0.75
    )
    # A smile folds young skin, too, but at the mouth alone.
    smiling = bump(fold_x, 0.02) * fold_range * f("smile").clamp(min=0) * 0.35
    return (aged + smiling) * (z > 0.0).float()


def brow_line(along: Tensor, k: Shape) -> tuple[Tensor, Tensor]:
    """Height of a brow's middle and half its thickness at places along it, -1 to 1 outwards."""
    middle = k["brow_y"] + k["eye_y"] - 0.14 * k["brow_slope"] * along
    middle = middle - 0.055 * (along - 0.15) ** 2 + 0.012
    # Thinner outwards, tapered at both ends.
    half = k["brow_half"] * (1 - 0.45 * smoothstep(0.1, 1.0, along))
    half = half * smoothstep(1.12, 0.85, along) * smoothstep(-1.12, -0.9, along)
    return middle, half


def _brow(abs_x: Tensor, y: Tensor, z: Tensor, k: Shape) -> Tensor:
    along = (abs_x - k["eye_x"] - 0.005) / BROW_REACH
    middle, half = brow_line(along, k)
    inside = smoothstep(-0.012, 0.010, half - (y - middle).abs())
    return inside * (z > 0.1).float() * (along.abs() < 1.15).float()


def _mouth(
    colour: Tensor, x: Tensor, y: Tensor, z: Tensor, lips: Mouth, tone: Tensor, f: Factors, k: Shape
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Lips with or without lipstick, the seam between them, teeth and the dark behind."""
    front = (z > 0.25).float() * (x.abs() < k["mouth_half"]).float()
    upper = smoothstep(-0.006, 0.006, lips.upper) * front
    lower = smoothstep(-0.006, 0.006, lips.lower) * front
    inside = smoothstep(-0.004, 0.006, lips.inside) * front
    lip = tone * rgb(x, 0.88, 0.50, 0.48) + rgb(x, 0.05, 0.0, 0.0)
    stick = linear(rgb(x, 0.74, 0.07, 0.14)) * (1 - 0.3 * f("melanin"))[..., None]
    lip = _towards(lip, stick, f("lipstick") ** 2)
    colour = _towards(colour, lip * 0.90, upper)
    colour = _towards(colour, lip * 1.06, lower)
    # Closed lips need a dark line; an open mouth has its own darkness.
    seam = bump(y - lips.line_y, 0.009) * front * (1 - inside) * smoothstep(0.0, 0.1, lips.envelope)
    colour = colour * (1 - 0.65 * seam[..., None])
    # Upper teeth only: the lower ones are hardly ever seen.
    teeth = (y > lips.line_y - 0.030 * k["mouth_open"]).float()[..., None]
    gaps = (0.86 + 0.14 * torch.cos(x / 0.031 * 3.1416) ** 2)[..., None]
    within = teeth * linear(rgb(x, 0.96, 0.94, 0.89)) * gaps
    within = within + (1 - teeth) * linear(rgb(x, 0.36, 0.10, 0.10))
    return _towards(colour, within, inside), upper, lower, inside


def _beard(
    colour: Tensor, x: Tensor, y: Tensor, z: Tensor, lips: Mouth, upper: Tensor, bare: Tensor,
    grain: Tensor, hair_colour: Tensor, f: Factors, seed: Tensor,
) -> Tensor:  # fmt: skip
    """Beard and moustache, and the stubble's shadow of a masculine face."""
    abs_x = x.abs()
    soul_patch = torch.exp(-((x / 0.10) ** 2) - ((y - lips.line_y + 0.125) / 0.03) ** 2)
    # The noise frays the edge.
    chin = beard_zone(abs_x, y + 0.05 * (grain - 0.5), z) * bare * (1 - 0.8 * soul_patch)
    moustache_y = y - lips.line_y - 0.115 + 1.25 * abs_x**2
    moustache = bump(moustache_y, 0.042) * smoothstep(0.30, 0.22, abs_x) * (1 - upper)
    moustache = moustache * (z > 0.3).float()
    grown = torch.maximum((chin * f("beard")).clamp(0, 1), (moustache * f("moustache")).clamp(0, 1))
    # Finer across than along, as hairs lie.
    texture = (0.55 + 0.9 * value_noise(x * 60, y * 22, seed + 9))[..., None]
    colour = _towards(colour, hair_colour * texture, smoothstep(0.0, 0.65, grown) * 0.9)
    # A shaven chin is bluish grey, which dark skin hides.
    stubble = chin * smoothstep(0.2, 0.9, f("masculinity")) * 0.16 * (1 - f("melanin"))
    return _darken(colour, stubble, rgb(x, 0.9, 0.75, 0.6))


def _around_eyes(colour: Tensor, y: Tensor, z: Tensor, lids: Eyelids, f: Factors) -> Tensor:
    """Lashes, the crease of the lid, eye shadow."""
    feminine = 1 - smoothstep(-0.3, 0.3, f("masculinity"))
    near = (lids.along.abs() < 1.12).float() * (z > 0.3).float()
    width = 0.055 + 0.02 * feminine
    lash = bump(lids.across - lids.upper - 0.035, width) * near
    lash = lash * smoothstep(1.1, 0.9, lids.along.abs())
    colour = colour * (1 - (0.62 + 0.30 * feminine) * lash)[..., None]
    colour = colour * (1 - 0.25 * bump(lids.across - lids.lower + 0.03, 0.05) * near)[..., None]
    crease = bump(lids.across - lids.upper - 0.25, 0.045) * near
    crease = crease * smoothstep(1.0, 0.7, lids.along.abs())
    colour = _darken(colour, crease, rgb(y, 0.30, 0.38, 0.38))
    painted = (1 - smoothstep(-0.3, 0.1, f("masculinity"))) * f("lipstick") * near
    painted = painted * smoothstep(lids.upper, lids.upper + 0.1, lids.across)
    painted = painted * smoothstep(lids.upper + 0.55, lids.upper + 0.2, lids.across)
    return _darken(colour, painted, rgb(y, 0.175, 0.35, 0.245))


class Eye(NamedTuple):
    """Painted eyeball and where its catch light may sit, in tangent units from the pupil."""

    colour: Tensor
    from_pupil_x: Tensor
    from_pupil_y: Tensor


def eye(x: Tensor, y: Tensor, z: Tensor, f: Factors, k: Shape) -> Eye:
    """Iris, pupil, white of the eye, shadow of the upper lid. Both eyes look the same way."""
    side, radius = torch.sign(x), k["eye_radius"]
    ux = (x - side * k["eye_x"]) / radius
    uy = (y - k["eye_y"]) / radius
    uz = (z - 0.475) / radius
    # Hits lie on the eyeball up to the march's precision: put onto the unit sphere.
    norm = torch.rsqrt(ux * ux + uy * uy + uz * uz + 1e-9)
    ux, uy = ux * norm, uy * norm
    # The eyes converge a little, as on a camera two arm's lengths away.
    gaze_x = torch.sin(0.32 * f("gaze_x") - 0.015 * side)
    gaze_y = torch.sin(0.17 * f("gaze_y") + 0.03)
    dx, dy = ux - gaze_x, uy - gaze_y
    from_pupil = torch.sqrt(dx * dx + dy * dy + 1e-6)
    # Radial fibres, the brighter the farther out, up to the dark limbus.
    fibres = value_noise(torch.atan2(dy, dx) * 7 + 20, from_pupil * 4, k["noise_seed"] + 3)
    glow = (0.75 + 0.35 * fibres) * (0.72 + 0.6 * smoothstep(0.15, 0.45, from_pupil))
    iris = linear(iris_tone(f("iris_hue"), f("melanin"))) * 1.3 * glow[..., None]
    iris = iris * (1 - 0.75 * smoothstep(IRIS * 0.80, IRIS, from_pupil))[..., None]
    white = linear(rgb(x, 0.95, 0.93, 0.92))
    pink = 0.10 * (ux.abs() > 0.6).float()[..., None] * rgb(x, 0.2, 1.0, 1.0)
    white = white * (1 - pink)
    colour = _towards(iris, white, smoothstep(IRIS - 0.03, IRIS + 0.03, from_pupil))
    colour = colour * smoothstep(0.19, 0.23, from_pupil)[..., None]
    lids = eyelids(x.abs(), y, k)
    # The upper lid and its lashes shade the ball; the soft shadow is too coarse for that.
    lid_shadow = 0.42 + 0.58 * smoothstep(0.0, 0.33, lids.upper - lids.across)
    return Eye(colour * lid_shadow[..., None], dx, dy)


def hair(x: Tensor, y: Tensor, z: Tensor, f: Factors, k: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Hair with strands along the meridians, and clumps where it curls.

    Returns:
        colour, plain hair tone [B, 1, 3], fine strands [B, N] in [0, 1] for the highlight.
    """
    seed, curl = k["noise_seed"], f("hair_curl")
    px, pz = x - 0.22 * f("hair_part"), z + 0.25
    warp = 0.6 * value_noise(x * 3, y * 3 + z * 2, seed + 2)
    # The meridians meet at the axis; close to it strands would turn into specks, so they fade.
    away = smoothstep(0.22, 0.55, torch.sqrt(px * px + pz * pz + 1e-6))
    azimuth = torch.atan2(px, pz) + warp * 0.25
    # Strands: noise that varies across the meridians and hardly along them.
    coarse = value_noise(azimuth * 22 + 50, y * 1.2 + 3, seed + 5)
    fine = value_noise(azimuth * 60 + 90, y * 2.0 + 5, seed + 6)
    coarse, fine = 0.5 + (coarse - 0.5) * away, 0.5 + (fine - 0.5) * away
    clumps = value_noise(x * 14 + warp * 3, y * 14 + z * 9, seed + 8)
    texture = (0.62 + 0.48 * coarse + 0.35 * (fine - 0.5)) * (1 - curl)
    texture = texture + curl * (0.45 + 0.9 * clumps)
    tone = hair_tone(f("hair_light"), f("hair_warmth"), f("grey"))
    # Light does not reach into hair from below.
    shade = 0.75 + 0.25 * smoothstep(-0.2, 0.7, y + 0.4)
    return tone * (texture * shade)[..., None] * 1.15, tone, fine


def hat(x: Tensor, y: Tensor, z: Tensor, f: Factors, k: Shape) -> Tensor:
    """Felt with a ribbon, or a knitted beanie."""
    height, around = hat_height(y, z), torch.atan2(x, z + 0.13)
    ribs = 0.8 + 0.2 * torch.sin(around * 46)
    knit = 0.86 + 0.14 * torch.sin(height * 70) * torch.sin(around * 60)
    ribbon = torch.where((height > 0.46) & (height < 0.60), 0.35, 1.0)
    weave = torch.where(k["has_brim"] > 0.5, ribbon, torch.where(height < 0.55, ribs, knit))
    hue = f("hat_hue")
    felt = linear(hsv(hue, torch.full_like(hue, 0.55), 0.25 + 0.6 * f("cloth_value")))
    return felt * weave[..., None]


def rims(f: Factors) -> Tensor:
    """Colour of the frame of glasses: dark, tortoise or gold, [B, 1, 3]."""
    shape = f("glasses_shape")[..., None]
    dark, brown = linear(rgb(shape, 0.12, 0.10, 0.10)), linear(rgb(shape, 0.48, 0.26, 0.12))
    gold = linear(rgb(shape, 0.80, 0.66, 0.35))
    return torch.where(shape > 0.6, dark, torch.where(shape > 0.3, brown, gold))


def cloth(x: Tensor, y: Tensor, f: Factors, k: Shape) -> Tensor:
    """Plain, striped, checked, dotted or pinstriped cloth with folds. World coordinates."""
    hue, saturation, value = f("cloth_hue"), f("cloth_saturation"), f("cloth_value")
    base = linear(hsv(hue, saturation * 0.8, 0.15 + 0.8 * value))
    second = linear(hsv((hue + 0.45) % 1, saturation * 0.6, 0.9 - 0.6 * value))
    stripes = (torch.sin(y * 34) > 0.35).float()
    check = 0.4 * (torch.sin(x * 26) > 0.5).float() + 0.4 * (torch.sin(y * 26) > 0.5).float()
    dots = (torch.sin(x * 30) * torch.sin(y * 30) > 0.55).float()
    pins = (torch.sin(x * 40) > 0.6).float()
    kind = f("cloth_pattern")
    # From the rarest to the commonest pattern: each overrides those before in its part of [0, 1].
    pattern = torch.where(kind < 0.85, dots, pins)
    pattern = torch.where(kind < 0.70, check, pattern)
    pattern = torch.where(kind < 0.52, stripes, pattern)
    pattern = torch.where(kind < 0.35, torch.zeros_like(x), pattern)
    folds = 0.85 + 0.3 * value_noise(x * 4 + 9, y * 2.2 + x * 2, k["noise_seed"] + 11)
    weave = 0.93 + 0.14 * value_noise(x * 50, y * 50, k["noise_seed"] + 12)
    return _towards(base, second, pattern * 0.85) * (folds * weave)[..., None]


def necklace(x: Tensor, y: Tensor, z: Tensor, f: Factors) -> Tensor:
    """1 on a chain around the base of the neck, 0 elsewhere. World coordinates."""
    around = torch.sqrt(x * x + (y + 1.12) ** 2 + 1e-6)
    low_front = (y < -1.15).float() * (z > -0.3).float()
    return bump(around - 0.42, 0.018) * low_front * f("necklace")
