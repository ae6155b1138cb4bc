"""hyperstyle: a hypernetwork tunes the generator to the photo, in a few looks.

What an edit needs of a photo is 17 codes of 512 numbers, from which the offsets of all weights
follow. The codes that are drawn stay as they are: they are best those of the hypernetwork's own W
encoder (`project.method: w`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unripple.conventions import BadConfig, Floats, Photo, WPlus
from unripple.stages.align import Aligned
from unripple.stages.edit import Edited, EditSettings, edit_plainly
from unripple.stages.interface import Progress, Settings, Work, knob
from unripple.stages.invert import Inverted, Synthesizer, codes_of, down, restyled
from unripple.stages.inverters import Inverter
from unripple.stages.project import Projected
from unripple.stages.translate import Translated

if TYPE_CHECKING:
    from unripple.models.hyperstyle import Hypernet
    from unripple.models.layers.synthesis import Noise
    from unripple.models.stylegan2 import Generator


@dataclass(frozen=True, kw_only=True)
class HyperstyleSettings(Settings):
    """How long the hypernetwork looks."""

    iterations: int = knob(
        5, "how often it looks at what it drew (published: 5)", minimum=1, maximum=20
    )


def tune(
    photo: Photo,
    w_plus: WPlus,
    generator: Generator,
    hypernet: Hypernet,
    *,
    iterations: int,
    net_size_px: int,
    tell: Progress | None = None,
) -> Inverted:
    """Tune a generator to a photo.

    Args:
        photo: the aligned picture, uint8 [S, S, 3].
        w_plus: its codes, float32 [L, W]; they stay as they are.
        generator: the one that the hypernetwork was trained for; it stays as it is.
        hypernet: gives the codes of layers.
        iterations: how often to look.
        net_size_px: side at which the hypernetwork looks (256 in the published one).
        tell: whom to tell of every iteration, with the mean square difference of what it drew.

    Returns:
        The picture of the last iteration, drawn from the `layer_codes` that are kept, and a view
        of every iteration.
    """
    import torch

    from unripple.models.hyperstyle import refined
    from unripple.models.layers.framing import pooled
    from unripple.ops.tensors import resized, to_photo, to_tensor

    views = []
    with torch.inference_mode():
        codes = codes_of(w_plus, generator)
        shown = to_tensor(resized(photo, net_size_px), device=codes.device)
        view = (net_size_px, net_size_px)
        for n, step in enumerate(refined(hypernet, generator, shown, codes, iterations=iterations)):
            drawn = pooled(step.picture, view)
            views.append(to_photo(drawn))
            if tell is not None:
                tell(n + 1, iterations, float((drawn - shown).square().mean()))
        kept = hypernet.summary(step.codes)[0].float().cpu().numpy().astype(np.float32)
        picture = to_photo(down(step.picture, photo.shape[0]))
    return Inverted(picture, None, layer_codes=kept, views=np.concatenate(views, axis=1))


def tuned(
    layer_codes: Floats, generator: Generator, hypernet: Hypernet, *, iterations: int
) -> Synthesizer:
    """The generator of one photo; what it shares with the others stays as it is.

    Args:
        layer_codes: what `tune` kept, float32 [1 or iterations, layers, code].
        generator, hypernet, iterations: those of `tune`.
    """
    import torch

    from unripple.models.layers.offset import OffsetSynthesis
    from unripple.ops.tensors import device_of

    codes = torch.from_numpy(np.array(layer_codes, np.float32))[None].to(device_of(hypernet))
    with torch.inference_mode():
        return OffsetSynthesis(generator, hypernet.offsets(codes, iterations))


def adapted(
    layer_codes: Floats,
    w_plus: WPlus,
    generator: Generator,
    hypernet: Hypernet,
    *,
    iterations: int,
    first_layer: int,
    noise: Noise,
    seed: int,
) -> Photo:
    """Draw a photo by a generator of another domain, tuned as the photo's own one was.

    Args:
        layer_codes: what `tune` kept of the photo.
        w_plus: codes to draw, float32 [L, W].
        generator: one that was fine-tuned from that which the hypernetwork was trained for.
        hypernet, iterations: those of `tune`.
        first_layer: offsets of the layers before it are left out, in the order of styles: shapes
            are the domain's, colours and textures the photo's. From 0 on all are taken.
        noise: what the generator adds to its features, see `Synthesis.synthesize`.
        seed: of random noise.

    Returns:
        uint8 [S, S, 3], of the generator's side.

    Source: Alaluf et al. 2022, section 5 (domain adaptation).
    """
    import torch

    from unripple.ops.tensors import device_of, to_photo

    device = device_of(generator)
    kept = torch.from_numpy(np.array(layer_codes, np.float32))[None].to(device_of(hypernet))
    with torch.inference_mode():
        offsets = {
            number: offset
            for number, offset in hypernet.offsets(kept, iterations).items()
            if number >= first_layer
        }
        rng = torch.Generator(device).manual_seed(seed)
        codes = codes_of(w_plus, generator)
        return to_photo(generator.synthesize(codes, noise=noise, rng=rng, weight_offsets=offsets))


def tuned_generator(work: Work) -> Synthesizer:
    """The photo's own generator, for every kind of edit, those of style space too."""
    kept = work.input(Inverted, "invert").layer_codes
    assert kept is not None
    generator, hypernet = work.load("generator").net, work.load("hypernet").net
    return tuned(kept, generator, hypernet, iterations=METHOD.own(work.settings).iterations)


def invert(work: Work) -> Inverted:
    """See `tune`.

    Raises:
        BadConfig: the hypernetwork was trained for a larger generator.
    """
    hypernet, generator = work.load("hypernet"), work.load("generator")
    last = 3 * (generator.net.n_codes // 2) - 2
    if max(hypernet.net.layers) > last:
        raise BadConfig(
            f"models.hypernet: {hypernet.path} tunes layer {max(hypernet.net.layers)}, and this "
            f"generator's last one is {last}; choose its own generator under models.generator"
        )
    return tune(
        work.input(Aligned, "align").picture,
        work.input(Projected, "project").w_plus,
        generator.net,
        hypernet.net,
        iterations=METHOD.own(work.settings).iterations,
        net_size_px=hypernet.size_px,
        tell=work.on_progress,
    )


def edit(work: Work, settings: EditSettings) -> Edited:  # noqa: ARG001
    """Draw the edited codes by the photo's own generator."""
    size_px = work.input(Aligned, "align").picture.shape[0]
    moved = work.input(Translated, "translate")
    generator = restyled(tuned_generator(work), moved.styles)
    return Edited(edit_plainly(moved.w_plus, generator, size_px=size_px))


METHOD = Inverter(
    name="hyperstyle",
    help="a generator that a hypernetwork tuned to the photo",
    roles=("generator", "hypernet"),
    settings=HyperstyleSettings,
    invert=invert,
    edit=edit,
    rank=4,
)
