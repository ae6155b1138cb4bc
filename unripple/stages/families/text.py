"""text: a direction that a sentence points out, of which a degree is one deviation of the codes.

Where pictures fit a text better is told by CLIP. Of a small generator some hundred faces are drawn
once, and what CLIP sees of them is fitted to their codes: then every text points out a direction in
no time. Of a large one that takes minutes; there it is the mean gradient of the likeness over a few
faces, shaped by the spread of the codes. Neither is a photo's work, so both are kept as artifacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unripple.conventions import BadText, Floats, WPlus
from unripple.stages.families import Family
from unripple.stages.interface import Direction, Work
from unripple.stages.translate import translate

if TYPE_CHECKING:
    from torch import Tensor

    from unripple.models.text_leads import Reader
    from unripple.ops.style_directions import Sight
    from unripple.stages.texts import TextSettings

VERSION = 2
"""Raise it when the same text shall give another direction."""

FACEWORLD = "faceworld"  # whose factors z of the generator that comes along holds
CODES = 4096  # whose spread shapes it
DRAWN = 384  # of whose faces CLIP sees the pictures
DRAWN_PX = 256  # by generators up to this size
DRAWN_AT_ONCE = 16
SEED = 20


_sights: dict[tuple[Any, Any, str], dict[str, Any]] = {}
"""Of the last networks, by themselves."""


@dataclass(frozen=True)
class TextDirection:
    """Where a text leads; see `stages.interface.Direction`."""

    vector: Floats
    family: str = "text"
    component: Any = None
    codes: tuple[int, int] | None = None


def move(
    w_plus: WPlus, direction: Direction, degree: float, *, first_code: int, end_code: int | None
) -> WPlus:
    """See `Family`; 0 changes nothing."""
    return translate(w_plus, direction.vector, degree, first_code=first_code, end_code=end_code)


def direction_of(work: Work, asked: TextSettings) -> tuple[TextDirection, dict[str, float]]:
    """The direction of a text, and how much better 16 faces fit it after one degree."""
    made_from = {
        "version": VERSION,
        "text": asked.text,
        "neutral": asked.neutral,
        "templates": asked.templates,
        "faces": asked.faces,
    }
    found = work.shared(
        "text direction", made_from, lambda: _make(work, asked), ("clip", "generator")
    )
    vector: Any = found["vector"]
    about: Any = found["about"]
    return TextDirection(vector), dict(about)


def _make(work: Work, asked: TextSettings) -> dict[str, Any]:
    import torch

    from unripple.models.text_leads import FACES, likeness
    from unripple.ops.style_directions import led, shaped

    generator = work.load("generator").net
    reader = reader_of(work)
    with torch.no_grad():
        change = change_of(reader, asked)
        codes = codes_of_faces(generator, CODES, faces=asked.faces)
        some = codes[:FACES]
        if generator.size <= DRAWN_PX:
            vector = led(_sight_of(work, codes, asked.faces), change)
        else:
            vector = shaped(likeness(generator, reader, some, change)[1], codes)
        if not bool(torch.isfinite(vector).all()) or float(vector.norm()) == 0:
            raise BadText(f"text: {asked.text!r} moves nothing that this generator draws")
        before, after = (
            seen_of(generator, reader, part) @ change for part in (some, some + vector)
        )
    about = {"similarity": float(before.mean()), "similarity_after": float(after.mean())}
    return {"vector": vector.cpu().numpy(), "about": about}


def _sight_of(work: Work, codes: Tensor, faces: str) -> Sight:
    """What CLIP sees of codes, for all texts."""
    import torch

    from unripple.ops.style_directions import Sight, sight

    def make() -> dict[str, Any]:
        generator, reader = work.load("generator").net, reader_of(work)
        of = generator, reader.net, faces
        if of not in _sights:  # 384 pictures, which every session of the page would draw anew
            seen = seen_of(generator, reader, codes[:DRAWN])
            parts = sight(codes, seen)._asdict()
            _sights.clear()
            _sights[of] = {name: part.cpu().numpy() for name, part in parts.items()}
        return _sights[of]

    made_from = {"version": VERSION, "faces": faces}
    kept = work.shared("sight of codes", made_from, make, ("clip", "generator"))
    parts: list[Any] = [kept[name] for name in Sight._fields]
    return Sight(*(torch.from_numpy(part).to(codes.device) for part in parts))


def warm_up(work: Work, faces: str) -> None:
    """Draw what the first text of some networks needs, before anybody waits for it."""
    generator = work.load("generator").net
    if generator.size <= DRAWN_PX:
        import torch

        with torch.no_grad():
            _sight_of(work, codes_of_faces(generator, CODES, faces=faces), faces)


def seen_of(generator: Any, reader: Reader, codes: Tensor) -> Tensor:
    """CLIP's vectors of the pictures of codes w [N, W], of length 1, [N, D]."""
    import torch

    return torch.cat(
        [
            reader.see(generator.synthesize(generator.rows(part[:, None])))
            for part in torch.split(codes, DRAWN_AT_ONCE)
        ]
    )


def reader_of(work: Work) -> Reader:
    """The CLIP of the models chosen."""
    from unripple.models.text_leads import Reader

    clip = work.load("clip")
    return Reader(clip.net, clip.metadata)


def change_of(reader: Reader, asked: TextSettings) -> Tensor:
    """From the neutral text to the other, of length 1."""
    from unripple.models.clip_text import templates_of
    from unripple.ops.style_directions import mean_text, text_change

    templates = templates_of(asked.templates)
    target = reader.read(asked.text, templates, said_by="text")
    neutral = reader.read(asked.neutral, templates, said_by="neutral")
    return text_change(mean_text(target), mean_text(neutral))


def codes_of_faces(generator: Any, count: int, *, faces: str) -> Tensor:
    """Codes w [N, W] of random faces, as the generator maps them, the same ones every time.

    Args:
        generator: maps z.
        count: N.
        faces: `faceworld`, where z holds the factors of our faces, or `normal`.
    """
    import torch

    from unripple import faceworld

    if faces == FACEWORLD and generator.style_dim > faceworld.EMBED_WIDTH:
        z = faceworld.code(faceworld.sample_factors(count, SEED), generator.style_dim)
    else:
        z = torch.randn(count, generator.style_dim, generator=torch.Generator().manual_seed(SEED))
    w: Tensor = generator.map(z.to(next(generator.parameters()).device)).float()
    return w


METHOD = Family(name="text", help="one deviation of the codes towards a text", move=move)
