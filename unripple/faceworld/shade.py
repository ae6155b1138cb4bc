"""Light on the painted solids, and the label of what is seen."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor

from unripple.conventions import Face
from unripple.faceworld import paint
from unripple.faceworld.accessories import FRAME_BEND, FRAME_Z, LENS_X, rim_radius_at
from unripple.faceworld.camera import CAMERA_HEIGHT, CAMERA_Z
from unripple.faceworld.colour import linear, rgb, skin_tone, value_noise
from unripple.faceworld.factors import INDEX
from unripple.faceworld.sdf import smoothstep
from unripple.faceworld.shape import Shape, rotate_to_head, to_head
from unripple.faceworld.solid import Person


class Material(IntEnum):
    """The parts in the order of `solid.PartDistances`."""

    SKIN = 0
    EYE = 1
    EAR = 2
    HAIR = 3
    HAT = 4
    GLASSES = 5
    EARRING = 6
    NECK = 7
    CLOTH = 8


class SurfacePoints(NamedTuple):
    """Surface points that rays have hit, all [B, N].

    Attributes:
        x, y, z: world position.
        nx, ny, nz: unit normal.
        dx, dy, dz: unit direction of the ray.
        t: distance along the ray.
        occlusion: 1 in the open, less in creases.
        shadow: 1 in the light, 0 in cast shadow.
    """

    x: Tensor
    y: Tensor
    z: Tensor
    nx: Tensor
    ny: Tensor
    nz: Tensor
    dx: Tensor
    dy: Tensor
    dz: Tensor
    t: Tensor
    occlusion: Tensor
    shadow: Tensor


def light_direction(factors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Unit vector to the key light, each [B, 1]."""
    azimuth = factors[:, INDEX["light_azimuth"]][:, None] * 1.05
    elevation = 0.45 + 0.40 * factors[:, INDEX["light_elevation"]][:, None]
    flat = torch.cos(elevation)
    return torch.sin(azimuth) * flat, torch.sin(elevation), torch.cos(azimuth) * flat


def shade(factors: Tensor, person: Person, p: SurfacePoints) -> tuple[Tensor, Tensor]:
    """Colour and label of surface points.

    Args:
        factors: [B, len(FACTORS)].
        person: the batch of people.
        p: points [B, N].

    Returns:
        linear light [B, N, 3], and `Face` labels int64 [B, N].
    """
    k = person.shape

    def f(name: str) -> Tensor:
        return factors[:, INDEX[name]][:, None]

    x, y, z = to_head(p.x, p.y, p.z, k)
    distances = person.parts(p.x, p.y, p.z)
    # The nearest part; the nose is within the skin and does not compete.
    material = torch.stack(distances[:9]).argmin(dim=0)
    skin = paint.skin(x, y, z, f, k)
    eye = paint.eye(x, y, z, f, k)
    hair_colour, hair_tone, strands = paint.hair(x, y, z, f, k)
    tone = skin_tone(f("melanin"), f("redness"))
    # Body and clothes do not turn with the head: what is painted on them is in world coordinates.
    necklace = paint.necklace(p.x, p.y, p.z, f)
    gold = linear(rgb(x, 0.95, 0.80, 0.45))
    albedo = {
        Material.SKIN: skin.colour,
        Material.EYE: eye.colour,
        Material.EAR: tone * rgb(x, 1.0, 0.86, 0.84),
        Material.HAIR: hair_colour,
        Material.HAT: paint.hat(x, y, z, f, k),
        Material.GLASSES: paint.rims(f),
        Material.EARRING: gold,
        Material.NECK: _neck(x, y, z, tone, hair_tone, necklace, f, k["noise_seed"]),
        Material.CLOTH: paint.cloth(p.x, p.y, f, k),
    }
    base = torch.zeros_like(skin.colour)
    for which, colour in albedo.items():
        base = torch.where((material == which)[..., None], colour, base)
    gloss = skin.upper_lip + skin.lower_lip
    colour = _light(base, material, p, factors, gloss, hair_tone, strands)
    colour = _catch_light(colour, material, eye, factors)
    # Lenses are no solid, which rays could not pass: they tint what lies behind them.
    lens = _lens(p, k, f)
    colour = torch.where(lens[0][..., None], _through_lens(colour, lens, f), colour)
    return colour.clamp(min=0), _labels(
        x, y, z, material, distances.nose, distances.skin, skin, necklace, lens[0]
    )


def _neck(
    x: Tensor, y: Tensor, z: Tensor, tone: Tensor, hair_tone: Tensor, necklace: Tensor,
    f: paint.Factors, seed: Tensor,
) -> Tensor:  # fmt: skip
    grain = value_noise(x * 9 + 3, y * 9 + z * 5, seed)
    colour = tone * (1 + 0.05 * (grain - 0.5))[..., None]
    beard = (0.35 * f("beard") * smoothstep(-1.12, -0.95, y))[..., None]
    colour = colour + (hair_tone - colour) * beard
    chain = linear(rgb(x, 0.9, 0.75, 0.4))
    return torch.where((necklace > 0.4)[..., None], chain, colour)


def _light(
    albedo: Tensor, material: Tensor, p: SurfacePoints, factors: Tensor, gloss: Tensor,
    hair_tone: Tensor, strands: Tensor,
) -> Tensor:  # fmt: skip
    """Key light with wrapped diffuse skin, sky and ground, fill, rim, highlights."""
    lx, ly, lz = light_direction(factors)
    warmth = factors[:, INDEX["light_warmth"]][:, None, None]
    key = rgb(albedo, 1.0, 0.97, 0.93) * (1 + warmth * rgb(albedo, 0.16, 0.0, -0.18))
    ambient = (0.30 + 0.10 * factors[:, INDEX["ambient"]])[:, None, None]
    is_skin = (material == Material.SKIN) | (material == Material.EAR) | (material == Material.NECK)
    # Light bleeds under skin, red furthest: its shadow edge is wide and warm.
    wrap = torch.where(
        is_skin[..., None], rgb(albedo, 0.36, 0.20, 0.13), rgb(albedo, 0.12, 0.12, 0.12)
    )
    bleed = torch.where(is_skin[..., None], rgb(albedo, 0.7, 1.0, 1.15), rgb(albedo, 1.0, 1.0, 1.0))
    shadow = p.shadow[..., None] ** bleed
    # Wrapped Lambert: light reaches round by `wrap`, normalised so that a face towards it is 1.
    facing = (p.nx * lx + p.ny * ly + p.nz * lz)[..., None]
    diffuse = ((facing + wrap) / (1 + wrap)).clamp(min=0) * (0.25 + 0.75 * shadow)
    # A weak light from the other side, as a photographer's reflector, which casts no shadow.
    fill = (-p.nx * lx * 0.8 + p.ny * 0.15 + p.nz * 0.6).clamp(min=0)
    up = (0.5 + 0.5 * p.ny)[..., None]
    # Hemisphere light: bluish from above, brownish from the floor.
    sky = up * rgb(albedo, 0.95, 1.0, 1.08) + (1 - up) * rgb(albedo, 0.75, 0.62, 0.52)
    open_ = p.occlusion[..., None]
    lit = key * diffuse * 1.05 + ambient * open_ * sky * 1.05
    lit = lit + (0.22 * fill * p.occlusion)[..., None] * rgb(albedo, 0.8, 0.92, 1.08)
    colour = albedo * lit * 1.12
    # Highlights by the half vector (Blinn 1977): the exponents are the sharpness of each material.
    hx, hy, hz = lx - p.dx, ly - p.dy, lz - p.dz
    half = torch.rsqrt(hx * hx + hy * hy + hz * hz)
    toward = ((p.nx * hx + p.ny * hy + p.nz * hz) * half).clamp(0, 1)
    is_metal = (material == Material.GLASSES) | (material == Material.EARRING)
    spot = torch.where(
        is_skin, toward**18 * 0.09 * (1 + 2.2 * gloss) + toward**60 * 0.10 * gloss, 0.0
    )
    spot = torch.where(is_metal, toward**30 * 0.9, spot)
    spot = torch.where(material == Material.EYE, toward**90 * 1.6, spot) * p.shadow
    # Hair shines across its strands (Kajiya and Kay 1989); strands run down the meridians.
    tx, ty, tz = -p.ny * p.nx, 1 - p.ny * p.ny, -p.ny * p.nz
    tangent = torch.rsqrt(tx * tx + ty * ty + tz * tz + 1e-6)
    along = (tx * hx + ty * hy + tz * hz) * half * tangent
    curl = factors[:, INDEX["hair_curl"]][:, None]
    sheen = (1 - along * along).clamp(min=0) ** 20 * (0.35 + 0.65 * strands) * 0.32
    sheen = (sheen * (1 - 0.65 * curl) * p.shadow)[..., None] * (hair_tone * 0.9 + 0.06)
    is_hair = (material == Material.HAIR)[..., None]
    colour = colour + torch.where(is_hair, sheen, spot[..., None])
    # Surfaces seen at a grazing angle reflect more (after Schlick 1994, a lower power).
    grazing = (1 - (-(p.nx * p.dx + p.ny * p.dy + p.nz * p.dz)).clamp(0, 1)) ** 3
    return colour + (grazing * p.occlusion)[..., None] * (albedo * 0.30 + 0.03)


def _catch_light(colour: Tensor, material: Tensor, eye: paint.Eye, factors: Tensor) -> Tensor:
    lx, _, _ = light_direction(factors)
    # The key light mirrored in the eye, on its side and a little up. It is drawn and not traced:
    # the cornea is no part of the solid.
    side = 0.17 * torch.sign(lx + 1e-3)
    dx, dy = eye.from_pupil_x - side, eye.from_pupil_y - 0.18
    glint = 0.95 * torch.exp(-(dx * dx + dy * dy) / 0.010)
    return torch.where((material == Material.EYE)[..., None], colour + glint[..., None], colour)


def _lens(p: SurfacePoints, k: Shape, f: paint.Factors) -> tuple[Tensor, Tensor, Tensor]:
    """Where the ray passes a lens before it hits, and where on the lens (head frame)."""

    eye_y = torch.full_like(p.dx, CAMERA_HEIGHT)
    zero = torch.zeros_like(p.dx)
    ox, oy, oz = to_head(zero, eye_y, zero + CAMERA_Z, k)
    rx, ry, rz = rotate_to_head(p.dx, p.dy, p.dz, k)
    # The ray against the frame's plane, in the head's frame; a little behind, where lenses sit.
    t = (FRAME_Z - 0.015 - oz) / rz
    for _ in range(2):  # the frame is slightly bent: refine the hit
        t = (FRAME_Z - FRAME_BEND * (ox + rx * t) ** 2 - oz) / rz
    lens_x, lens_y = ox + rx * t, oy + ry * t
    radius = rim_radius_at(lens_x.abs() - LENS_X, lens_y - k["eye_y"] + 0.01, k)
    worn = f("glasses") > 0.5
    return (radius < 1) & worn & (t < p.t + 0.02) & (rz < 0), lens_x, lens_y


def _through_lens(colour: Tensor, lens: tuple[Tensor, Tensor, Tensor], f: paint.Factors) -> Tensor:
    _, x, y = lens
    dark = f("glasses_dark")[..., None]
    tint = rgb(colour, 0.93, 0.95, 0.95) * (1 - dark) + rgb(colour, 0.07, 0.06, 0.06) * dark
    streak = smoothstep(0.06, 0.0, (x + y * 1.2 + 0.07).abs() - 0.035)
    reflection = 0.05 + 0.35 * streak * (0.25 + dark[..., 0] * 0.5)
    return colour * tint + reflection[..., None] * (0.25 + 0.3 * dark)


def _labels(
    x: Tensor, y: Tensor, z: Tensor, material: Tensor, nose: Tensor, face: Tensor,
    skin: paint.Skin, necklace: Tensor, lens: Tensor,
) -> Tensor:  # fmt: skip
    """`Face` labels; left is the person's own, so it lies at the picture's right."""
    left = x > 0
    on_skin = material == Material.SKIN
    on_nose = (nose < face + 0.02) & (z > 0.5) & (y < 0.05) & (x.abs() < 0.24)

    def sided(left_label: Face, right_label: Face) -> Tensor:
        return torch.where(left, int(left_label), int(right_label))

    # Later rules win: a lens over an eye is glasses, a chain on the neck is a necklace.
    label = torch.full_like(material, int(Face.SKIN))
    rules: list[tuple[Tensor, Tensor | int]] = [
        (on_skin & on_nose, Face.NOSE),
        (on_skin & (skin.brow > 0.5), sided(Face.LEFT_BROW, Face.RIGHT_BROW)),
        (on_skin & (skin.upper_lip > 0.5), Face.UPPER_LIP),
        (on_skin & (skin.lower_lip > 0.5), Face.LOWER_LIP),
        (on_skin & (skin.mouth > 0.5), Face.MOUTH),
        (material == Material.EYE, sided(Face.LEFT_EYE, Face.RIGHT_EYE)),
        (material == Material.EAR, sided(Face.LEFT_EAR, Face.RIGHT_EAR)),
        (material == Material.HAIR, Face.HAIR),
        (material == Material.HAT, Face.HAT),
        ((material == Material.GLASSES) | lens, Face.GLASSES),
        (material == Material.EARRING, Face.EARRING),
        (material == Material.NECK, Face.NECK),
        ((material == Material.NECK) & (necklace > 0.4), Face.NECKLACE),
        (material == Material.CLOTH, Face.CLOTH),
    ]
    for where, value in rules:
        label = torch.where(where, value if isinstance(value, Tensor) else int(value), label)
    return label
