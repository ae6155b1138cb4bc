"""Domain randomisation: rendered faces in light, hair, clothes, places and cameras unlike ours.

A net that has seen rendered faces alone takes what they have in common (brown bobs, smooth cloth,
seven kinds of plate) for what a face is. So a share of the pictures of a training is changed at
random while the labels stay true: what is far from every photograph on all sides teaches what does
not matter (Tobin et al. 2017, section III).

Pictures are float32 [B, 3, S, S] in [-1, 1]; what happens is drawn picture by picture from the
generator that is handed in. Lengths are in 1/128 of the side.
"""

from __future__ import annotations

import io
import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from unripple.conventions import Face
from unripple.ops.tensors import to_photo, to_tensor
from unripple.training.augment import chosen, gaussian_blur, uniform
from unripple.training.patterns import (
    cloth,
    clouds,
    colours,
    mixed,
    places,
    some,
    strands,
    texture,
)

GROWN_CHANCE, BUN_CHANCE, SCARF_CHANCE, CAP_CHANCE = 0.35, 0.15, 0.02, 0.03
PLATE_CHANCE, NEIGHBOUR_CHANCE = 0.7, 0.15
DRESSED_CHANCE = {Face.HAIR: 0.5, Face.CLOTH: 0.7, Face.HAT: 0.5}
BEARD_CHANCE, LIGHT_CHANCE, HAND_CHANCE, THING_CHANCE = 0.2, 0.6, 0.07, 0.07
GREY_CHANCE, TONE_CHANCE, VIGNETTE_CHANCE, SHAKE_CHANCE, JPEG_CHANCE = 0.12, 0.5, 0.2, 0.15, 0.5
HEAD_PARTS = (Face.HAIR, Face.LEFT_EAR, Face.RIGHT_EAR, Face.EARRING)
DARKEST, BRIGHTEST = 0.2, 2.5  # factors of light


class Faces(NamedTuple):
    """What is known of rendered faces.

    Attributes:
        photo: [B, 3, S, S] in [-1, 1].
        plate: what lies behind the person, [B, 3, S, S] in [-1, 1].
        labels: parts, uint8 [B, S, S].
        alpha: of the person, [B, 1, S, S] in [0, 1].
        inverse_depth: 1 / world units, [B, 1, S, S].
    """

    photo: Tensor
    plate: Tensor
    labels: Tensor
    alpha: Tensor
    inverse_depth: Tensor


def randomised(faces: Faces, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures of the faces in other places, hair, clothes and light, and their labels.

    Returns:
        Photos [B, 3, S, S] in [-1, 1], labels uint8 [B, S, S].
    """
    side = faces.photo.shape[-1]
    # What lies behind comes first: all that follows is put before it.
    behind = with_neighbours(other_plates(faces.plate, rng), faces, rng)
    photo = faces.photo + (1 - faces.alpha) * (behind - faces.plate)
    labels = headgear(faces.labels, rng)
    photo, labels = more_hair(photo, labels, rng)
    # Headgear that was hair must not look like hair, or nets learn that hair is headgear.
    put_on = (labels == Face.HAT) & (faces.labels != Face.HAT)
    photo = redressed(photo, put_on, cloth(rng, len(photo), side), 1.0, rng)
    for part, chance in DRESSED_CHANCE.items():
        look = strands if part == Face.HAIR else cloth
        photo = redressed(photo, labels == part, look(rng, len(photo), side), chance, rng)
    photo = bearded(photo, labels, rng)
    person = (labels != Face.BACKGROUND).float()[:, None]
    photo = relit(photo, gaussian_blur(person, 0.7 * side / 128), faces.inverse_depth, rng)
    return occluded(photo, labels, rng)


def partly_randomised(faces: Faces, share: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """`randomised` and `photographed` for a share of a batch whose rows are in random order.

    Args:
        faces: of the batch.
        share: of the rows, from 0 to 1; the rest stays as rendered.
        rng: where the chance comes from.

    Returns:
        Photos [B, 3, S, S] in [-1, 1], labels uint8 [B, S, S].
    """
    count = round(share * len(faces.photo))
    if count == 0:
        return faces.photo, faces.labels
    photo, labels = randomised(Faces(*(layer[:count] for layer in faces)), rng)
    photo = photographed(photo, rng)
    return torch.cat((photo, faces.photo[count:])), torch.cat((labels, faces.labels[count:]))


def other_plates(plate: Tensor, rng: torch.Generator) -> Tensor:
    """Plates of photographs: plain, gradients, out of focus, patterned; some stay.

    Walls, skies and blurred rooms are what stands behind most people, and no rendered plate is one.
    """
    n, _, side, _ = plate.shape
    x, y = places(side)
    one, two = colours(rng, n), colours(rng, n)
    plain = one.expand(n, 3, side, side)
    angle = uniform(rng, 0, 2 * math.pi, n, 1, 1, 1)
    along = (x * angle.cos() + y * angle.sin()) * uniform(rng, 0.1, 0.7, n, 1, 1, 1)
    gradient = torch.lerp(one, two, (0.5 + along).clamp(0, 1))
    unfocused = gaussian_blur(plate, float(uniform(rng, 2, 8, 1)) * side / 128)
    lights = one + (two - one) * clouds(rng, n, side, int(torch.randint(3, 9, (1,), generator=rng)))
    patterned = one + (two - one) * (0.5 + 0.5 * texture(rng, n, side))
    kinds = torch.stack((plain, gradient, unfocused.cpu(), lights, patterned), 1)
    picked = kinds[torch.arange(n), torch.randint(kinds.shape[1], (n,), generator=rng)]
    return mixed(plate, picked.clamp(-1, 1).to(plate), PLATE_CHANCE, rng)


def with_neighbours(behind: Tensor, faces: Faces, rng: torch.Generator) -> Tensor:
    """Put another person of the batch, smaller, behind some: neighbours are background."""
    n = len(behind)
    scale = uniform(rng, 0.35, 0.9, n)
    sideways = uniform(rng, 0.5, 1.1, n) * torch.sign(uniform(rng, -1, 1, n))
    shift = torch.stack((sideways, uniform(rng, -0.4, 0.5, n)), 1)
    # `affine_grid` asks where each pixel comes from.
    back = torch.zeros(n, 2, 3)
    back[:, 0, 0] = back[:, 1, 1] = 1 / scale
    back[:, :, 2] = -shift / scale[:, None]
    layers = torch.cat((faces.photo.roll(1, 0), faces.alpha.roll(1, 0)), 1)
    grid = F.affine_grid(back.to(layers), list(layers.shape), align_corners=False)
    moved = F.grid_sample(layers, grid, padding_mode="zeros", align_corners=False)
    share = moved[:, 3:] * some(rng, NEIGHBOUR_CHANCE, moved)
    return torch.lerp(behind, moved[:, :3], share.expand_as(behind))


def headgear(labels: Tensor, rng: torch.Generator) -> Tensor:
    """Turn the hair of some into a headscarf, and its upper part into a cap, as labels."""
    n = len(labels)
    head = torch.isin(labels.long(), torch.tensor([int(p) for p in HEAD_PARTS]).to(labels.device))
    scarf = head & (chosen(rng, SCARF_CHANCE, n)[:, 0] > 0).to(labels.device)
    hair = labels == Face.HAIR
    rows = torch.arange(labels.shape[1], device=labels.device)[None, :, None]
    top = torch.where(hair, rows, labels.shape[1]).amin((1, 2), keepdim=True)
    brim = top + (uniform(rng, 0.08, 0.25, n, 1, 1) * labels.shape[1]).to(labels.device)
    cap = hair & (rows < brim) & (chosen(rng, CAP_CHANCE, n)[:, 0] > 0).to(labels.device)
    return torch.where(scarf | cap, torch.full_like(labels, int(Face.HAT)), labels)


def more_hair(photo: Tensor, labels: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Let hair or headgear reach farther over the background: curls, volume, buns, stray tufts.

    Returns:
        The pictures, and labels in which the new place is hair, or a hat where that grew.
    """
    n, _, side, _ = photo.shape
    unit = side / 128
    head = ((labels == Face.HAIR) | (labels == Face.HAT)).float()[:, None]
    reach = float(uniform(rng, 2, 9, 1)) * unit
    near = gaussian_blur(head, reach)  # falls off over about twice `reach` from the hair
    lumps = clouds(rng, n, side, int(torch.randint(5, 28, (1,), generator=rng))).to(photo)
    limit = uniform(rng, 0.08, 0.5, n, 1, 1, 1).to(photo)
    grown = (near + 0.25 * lumps > limit) & (near > 0.03)
    grown &= (chosen(rng, GROWN_CHANCE, n) > 0).to(photo.device)
    buns = _buns(head, rng) & (chosen(rng, BUN_CHANCE, n) > 0).to(photo.device)
    new = (grown | buns) & (labels == Face.BACKGROUND)[:, None]
    # It has the colours of the hair beside it, and a grain of its own.
    total = gaussian_blur(head, 6 * unit)
    around = gaussian_blur(photo * head, 6 * unit) / total.clamp_min(1e-3)
    mean = (photo * head).sum((2, 3), keepdim=True) / head.sum((2, 3), keepdim=True).clamp_min(1)
    colour = torch.where(total > 0.02, around, mean)
    grain = texture(rng, n, side).to(photo) * uniform(rng, 0, 0.3, n, 1, 1, 1).to(photo)
    soft = gaussian_blur(new.float(), float(uniform(rng, 0.4, 1.6, 1)) * unit)
    # Only over background: the rim of a face is never veiled, whatever lies behind it.
    soft = soft * (labels == Face.BACKGROUND)[:, None]
    photo = torch.lerp(photo, (colour + grain).clamp(-1, 1), soft.expand_as(photo))
    hats = (labels == Face.HAT).flatten(1).sum(1) > (labels == Face.HAIR).flatten(1).sum(1)
    part = torch.where(hats, int(Face.HAT), int(Face.HAIR)).to(labels)[:, None, None]
    return photo, torch.where(soft[:, 0] > 0.5, part, labels)


def _buns(head: Tensor, rng: torch.Generator) -> Tensor:
    """A round bun at a random place of the upper half of each head's hair, bool [B, 1, S, S]."""
    n, _, side, _ = head.shape
    rows = torch.arange(side, device=head.device)[None, None, :, None]
    top = torch.where(head > 0, rows, side).amin((2, 3), keepdim=True)
    upper = head * (rows < top + 0.25 * side)
    # The largest of random numbers at hair's pixels is a random one of these.
    at = (upper * torch.rand(head.shape, generator=rng).to(head)).flatten(1).argmax(1)
    x, y = places(side)
    across = x.flatten()[at.cpu() % side].view(n, 1, 1, 1)
    down = y.flatten()[at.cpu()].view(n, 1, 1, 1)
    wide, high = (uniform(rng, 0.1, 0.35, n, 1, 1, 1) for _ in range(2))
    inside = ((x - across) / wide) ** 2 + ((y - down) / high) ** 2 < 1
    return inside.to(head.device) & (upper.amax((1, 2, 3), keepdim=True) > 0)


def redressed(
    photo: Tensor, place: Tensor, look: Tensor, chance: float, rng: torch.Generator
) -> Tensor:
    """Give a part of some people another colour and texture, its own light and shade kept in part.

    Args:
        photo: [B, 3, S, S] in [-1, 1].
        place: the part, bool [B, S, S].
        look: what it is made of, [B, 3, S, S].
        chance: share of the pictures.
        rng: where the chance comes from.
    """
    n, _, side, _ = photo.shape
    inside = place.float()[:, None]
    grey = photo.mean(1, keepdim=True)
    mean = (grey * inside).sum((2, 3), keepdim=True) / inside.sum((2, 3), keepdim=True).clamp_min(1)
    shade = (grey - mean) * uniform(rng, 0, 1.2, n, 1, 1, 1).to(photo)
    made = (look.to(photo) + shade).clamp(-1, 1)
    soft = gaussian_blur(inside, 0.6 * side / 128)
    return torch.lerp(photo, made, (soft * some(rng, chance, photo)).expand_as(photo))


def bearded(photo: Tensor, labels: Tensor, rng: torch.Generator) -> Tensor:
    """Darken the skin around some mouths with the grain of a beard; its label stays skin."""
    n, _, side, _ = photo.shape
    rows = torch.arange(side, device=photo.device)[None, :, None].float()
    lips = (labels == Face.UPPER_LIP) | (labels == Face.LOWER_LIP)
    middle = (rows * lips).sum((1, 2)) / lips.sum((1, 2)).clamp_min(1)
    upper = middle - side * uniform(rng, 0.02, 0.12, n).to(photo)
    ramp = ((rows - upper[:, None, None]) / (0.05 * side)).clamp(0, 1)
    seen = (lips.flatten(1).any(1))[:, None, None]
    inside = (ramp * ((labels == Face.SKIN) & seen))[:, None]
    ragged = (inside + 0.3 * clouds(rng, n, side, 12).to(photo)).clamp(0, 1) * inside
    grain = texture(rng, n, side).to(photo) * 0.2
    hair = (colours(rng, n).to(photo) * 0.5 - 0.4 + grain).clamp(-1, 1)
    share = gaussian_blur(ragged, 1.0 * side / 128) * uniform(rng, 0.3, 0.95, n, 1, 1, 1).to(photo)
    return torch.lerp(photo, hair, (share * some(rng, BEARD_CHANCE, photo)).expand_as(photo))


def relit(photo: Tensor, person: Tensor, inverse_depth: Tensor, rng: torch.Generator) -> Tensor:
    """Shine coloured light from random sides on some people.

    Light is a sum of spherical harmonics of second order of the surface's normals, which follow
    from the depth (Ramamoorthi and Hanrahan 2001).
    """
    n, _, side, _ = photo.shape
    depth = gaussian_blur(1 / inverse_depth.float().clamp_min(1e-3), 1.5 * side / 128)
    # A portrait's side spans about as much as one unit of depth times the tangent of the view.
    steep = 0.5 * side
    across = F.pad(depth[..., 1:] - depth[..., :-1], (0, 1)) * steep * 0.1
    down = F.pad(depth[..., 1:, :] - depth[..., :-1, :], (0, 0, 0, 1)) * steep * 0.1
    nz = (across.square() + down.square() + 1).rsqrt()
    nx, ny = across * nz, down * nz
    basis = torch.cat((nx, ny, nz, nx * ny, nx * nz, ny * nz, nx**2 - ny**2, 3 * nz**2 - 1), 1)
    common = torch.randn(n, 1, 8, generator=rng) * 0.4
    tinted = torch.randn(n, 3, 8, generator=rng) * 0.12
    light = 1 + torch.einsum("ncb,nbhw->nchw", (common + tinted).to(basis), basis)
    # The picture is display-coded: light enters by its power 1 / 2.2.
    factor = light.clamp(DARKEST, BRIGHTEST) ** (1 / 2.2)
    lit = ((photo + 1) * factor - 1).clamp(-1, 1)
    return torch.lerp(photo, lit, (person * some(rng, LIGHT_CHANCE, photo)).expand_as(photo))


def occluded(photo: Tensor, labels: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hold hands and things before some people.

    A hand is of the person and not of the head: it counts as clothes. A thing (a microphone, a
    glass) is background, which stays where it is when a head turns.
    """
    n, _, side, _ = photo.shape
    skin = (labels == Face.SKIN).float()[:, None]
    tone = (photo * skin).sum((2, 3), keepdim=True) / skin.sum((2, 3), keepdim=True).clamp_min(1)
    hand = _bars(rng, n, side, 4).to(photo) * some(rng, HAND_CHANCE, photo)
    thing = _bars(rng, n, side, 1).to(photo) * some(rng, THING_CHANCE, photo)
    shade = 0.15 * clouds(rng, n, side, 8).to(photo)
    painted = colours(rng, n) + 0.3 * texture(rng, n, side)
    photo = torch.lerp(photo, (tone + shade).clamp(-1, 1), hand.expand_as(photo))
    photo = torch.lerp(photo, painted.clamp(-1, 1).to(photo), thing.expand_as(photo))
    for share, part in ((hand, Face.CLOTH), (thing, Face.BACKGROUND)):
        labels = torch.where(share[:, 0] > 0.5, torch.full_like(labels, int(part)), labels)
    return photo, labels


def _bars(rng: torch.Generator, n: int, side: int, fingers: int) -> Tensor:
    """Rounded bars side by side that come from below: fingers, or one thing; [n, 1, S, S]."""
    x, y = places(side)
    tip_x, tip_y = uniform(rng, -0.7, 0.7, n, 1, 1, 1), uniform(rng, -0.1, 0.7, n, 1, 1, 1)
    angle = uniform(rng, -0.7, 0.7, n, 1, 1, 1)
    width = uniform(rng, 0.05, 0.1, n, 1, 1, 1) * (1 if fingers > 1 else 2)
    across = (x - tip_x) * angle.cos() + (y - tip_y) * angle.sin()
    along = -(x - tip_x) * angle.sin() + (y - tip_y) * angle.cos()
    covered = torch.zeros(n, 1, side, side)
    for finger in range(fingers):
        start = uniform(rng, 0, 0.15, n, 1, 1, 1)
        # Distance to a half-line that begins at the finger's tip.
        behind = (start - along).clamp_min(0)
        distance = ((across - 2 * width * (finger - (fingers - 1) / 2)) ** 2 + behind**2).sqrt()
        covered = torch.maximum(covered, ((width - distance) * side / 2).clamp(0, 1))
    return covered


def photographed(photo: Tensor, rng: torch.Generator) -> Tensor:
    """What cameras and files do: grey, tone curves, vignettes, shaking hands, JPEG."""
    n, _, side, _ = photo.shape
    grey = photo.mean(1, keepdim=True).expand_as(photo)
    photo = mixed(photo, grey, GREY_CHANCE, rng)
    gamma = torch.exp(uniform(rng, -0.6, 0.6, n, 1, 1, 1)).to(photo)
    curved = ((photo.clamp(-1, 1) + 1) / 2).clamp_min(1e-4) ** gamma * 2 - 1
    photo = mixed(photo, curved, TONE_CHANCE, rng)
    x, y = places(side)
    darker = 1 - uniform(rng, 0.1, 0.4, n, 1, 1, 1) * (x**2 + y**2)
    photo = mixed(photo, (photo + 1) * darker.to(photo) - 1, VIGNETTE_CHANCE, rng)
    photo = mixed(photo, _shaken(photo, rng), SHAKE_CHANCE, rng)
    saved = chosen(rng, JPEG_CHANCE, n).flatten().bool()
    qualities = torch.randint(25, 96, (n,), generator=rng)
    rows = [
        _jpeg(one, int(quality)) if compress else one
        for one, quality, compress in zip(photo, qualities, saved, strict=True)
    ]
    return torch.stack(rows)


def _shaken(photo: Tensor, rng: torch.Generator) -> Tensor:
    """Motion blur along one direction for the batch, up to 6/128 of the side."""
    side = photo.shape[-1]
    angle, length = float(uniform(rng, 0, math.pi, 1)), float(uniform(rng, 1, 6, 1)) * side / 128
    steps = torch.linspace(-0.5, 0.5, 5) * length
    shifted = [
        photo.roll((round(float(s) * math.sin(angle)), round(float(s) * math.cos(angle))), (2, 3))
        for s in steps
    ]
    return torch.stack(shifted).mean(0)


def _jpeg(photo: Tensor, quality: int) -> Tensor:
    """One picture [3, S, S] through a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(to_photo(photo[None])).save(file, "JPEG", quality=quality)
    return to_tensor(np.array(Image.open(file)))[0].to(photo)
