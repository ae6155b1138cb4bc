"""HyperStyle: a hypernetwork tunes the generator to a photo, by an offset of each of its weights.

Source: Alaluf et al. 2022; layout and key names of yuval-alaluf/hyperstyle (MIT). The part
`hypernet.` of its `hyperstyle_ffhq.pt` loads strictly into `Hypernet()`; the nine further names
under which that file repeats the shared hypernetwork die at the door.

The photo and what the generator draws of its codes go through a ResNet-34, and a refinement block
per tuned convolution reads 512 values from its features: the code of that layer. Codes become
offsets, which the synthesis takes as `weight_offsets`; the picture drawn with them is looked at
again, and the next iteration's offsets are added.

All that lies between a code and its offset is affine, except in the separable blocks. So the
offsets accumulated over n iterations follow from the sum of the codes and from n: 17 x 512 numbers,
34.8 kB in place of 94.3 MB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unripple.models.layers.framing import pooled
from unripple.models.layers.precision import Exact, full_precision
from unripple.models.layers.refinement import (
    TAPS,
    Layer,
    PairBlock,
    SeparableBlock,
    SharedBlock,
    SharedHypernetwork,
    layer,
    side_of,
)
from unripple.models.layers.resnet34 import UNITS_34, WIDTHS_34, ResNet34, trunk_sizes
from unripple.models.layers.synthesis import Synthesis, WeightOffsets
from unripple.models.stylegan2 import CHANNELS_1024

TUNED = (0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24)
"""Published: all convolutions of a 1024 px generator but those to RGB, in the order of styles."""


class Hypernet(Exact, ResNet34):
    """The hypernetwork.

    Args:
        layers: which modulated convolutions it tunes, in the order of styles; those to RGB may be
            among them.
        channels: side -> channels of the generator.
        separable: the layers that share no hypernetwork get a `SeparableBlock`, not a `PairBlock`.
        widths, units: of the trunk.
        code: length of a layer's code.
        shared_inner, inner: channels within the blocks.
        halvings: log2 of the features' side: 4 for pictures of 256 px.
    """

    def __init__(
        self,
        layers: Sequence[int] = TUNED,
        channels: Mapping[int, int] = CHANNELS_1024,
        *,
        separable: bool = False,
        widths: Sequence[int] = WIDTHS_34,
        units: Sequence[int] = UNITS_34,
        code: int = 512,
        shared_inner: int = 128,
        inner: int = 256,
        halvings: int = 4,
    ) -> None:
        super().__init__(6, widths, units)
        self.layers, self.separable = tuple(sorted(layers)), separable
        alike = Layer(channels[4], channels[4], 3)
        sizes = {number: layer(number, channels) for number in self.layers}
        self.shared = frozenset(number for number in self.layers if sizes[number] == alike)
        if self.shared:
            self.shared_weight_hypernet = SharedHypernetwork(alike, code)
        blocks: dict[str, nn.Module] = {}
        for number in self.layers:
            if number in self.shared:
                blocks[str(number)] = SharedBlock(widths[-1], shared_inner, code, halvings)
            elif separable:
                own = (sizes[number], widths[-1], inner, code, halvings)
                blocks[str(number)] = SeparableBlock(*own)
            else:
                own = (sizes[number], widths[-1], inner, code, halvings - 1)
                blocks[str(number)] = PairBlock(*own)
        self.refinement_blocks = nn.ModuleDict(blocks)

    @property
    def affine(self) -> bool:
        """Whether the sum of its codes tells the sum of its offsets."""
        return not self.separable or self.shared == set(self.layers)

    def forward(self, photo: Tensor, drawn: Tensor) -> Tensor:
        """Look at a photo and at what is drawn of it so far, both [B, 3, H, W] in about [-1, 1].

        Returns:
            The codes of the tuned layers, float32 [B, layers, code].
        """
        return self.exactly(self._codes, torch.cat([photo, drawn], dim=1))

    def _codes(self, pair: Tensor) -> Tensor:
        features = self.features(pair)
        return torch.stack(
            [self.refinement_blocks[str(number)](features).float() for number in self.layers], dim=1
        )

    def summary(self, codes: Tensor) -> Tensor:
        """What must be kept of the codes of n iterations [B, n, layers, code].

        Returns:
            Their sum [B, 1, layers, code] where that tells all, else the codes themselves.
        """
        return codes.sum(1, keepdim=True) if self.affine else codes

    def offsets(self, codes: Tensor, iterations: int) -> dict[int, Tensor]:
        """The offsets of all iterations together.

        Args:
            codes: of every iteration, [B, iterations, layers, code], or their `summary`.
            iterations: how many there were.

        Returns:
            For `Synthesis.synthesize` (`weight_offsets`): [B, out, in, 3, 3], or [B, out, in, 1, 1]
            where the offset is the same for all taps.

        Raises:
            ValueError: other layers, or codes of another number of iterations.
        """
        kept = (1, iterations) if self.affine else (iterations,)
        if codes.dim() != 4 or codes.shape[1] not in kept or codes.shape[2] != len(self.layers):
            raise ValueError(
                f"codes: got {tuple(codes.shape)}, wanted [B, {' or '.join(map(str, kept))}, "
                f"{len(self.layers)}, code] for {iterations} iterations"
            )
        with full_precision(codes):
            return {
                number: self._offset(number, codes[:, :, n].float(), iterations)
                for n, number in enumerate(self.layers)
            }

    def _offset(self, number: int, codes: Tensor, iterations: int) -> Tensor:
        if number in self.shared:
            return self.shared_weight_hypernet(codes.sum(1), iterations)
        block = self.refinement_blocks[str(number)]
        if isinstance(block, SeparableBlock):
            return block.offset(codes)
        assert isinstance(block, PairBlock)
        return block.offset(codes.sum(1), iterations)


@dataclass(frozen=True)
class Step:
    """What an iteration has come to.

    Attributes:
        codes: of all iterations so far, [B, n, layers, code].
        offsets: of all iterations together, see `Hypernet.offsets`.
        picture: drawn with them, float32 [B, 3, size, size].
    """

    codes: Tensor
    offsets: WeightOffsets
    picture: Tensor


def refined(
    hypernet: Hypernet, generator: Synthesis, photo: Tensor, w_plus: Tensor, *, iterations: int
) -> Iterator[Step]:
    """Tune the generator to photos, iteration by iteration (5 are published).

    Args:
        hypernet: the hypernetwork.
        generator: that it was trained for.
        photo: [B, 3, H, W] in [-1, 1], of the shape that the hypernetwork was trained on.
        w_plus: codes to start from, [B, n_codes, style_dim]; they stay as they are.
        iterations: how often to look.

    Yields:
        One step per iteration. The offsets of the last one serve every edit of `w_plus`.
    """
    size = (photo.shape[2], photo.shape[3])
    picture = generator.synthesize(w_plus)
    codes_so_far: list[Tensor] = []
    for n in range(1, iterations + 1):
        codes_so_far.append(hypernet(photo, pooled(picture, size)))
        codes = torch.stack(codes_so_far, dim=1)
        # By way of what is kept, so that an artifact draws the very same picture.
        offsets = hypernet.offsets(hypernet.summary(codes), n)
        picture = generator.synthesize(w_plus, weight_offsets=offsets)
        yield Step(codes, offsets, picture)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `Hypernet` from a state dict with its key names.

    Channels that no weight tells (a `PairBlock` alone tells a product) are the published ones.
    """
    _, widths, units = trunk_sizes(state)
    prefix = "refinement_blocks."
    layers = sorted({int(key.split(".")[1]) for key in state if key.startswith(prefix)})
    convs = {
        number: [
            tensor
            for key, tensor in state.items()
            if key.startswith(f"{prefix}{number}.convs.") and key.endswith(".weight")
        ]
        for number in layers
    }
    separable = any(key.endswith(".make_kernel_in.weight") for key in state)
    shared = {number for number in layers if f"{prefix}{number}.linear.weight" in state}
    own = [number for number in layers if number not in shared]
    sizes: dict[str, Any] = {
        "layers": tuple(layers),
        "channels": _channels(state, own, separable=separable),
        "separable": separable,
        "widths": widths,
        "units": units,
        "code": convs[layers[0]][-1].shape[0],
    }
    if shared:
        first = convs[min(shared)]
        sizes |= {"shared_inner": first[0].shape[0], "halvings": len(first) - 1}
    if own:
        first = convs[own[0]]
        sizes |= {"inner": first[0].shape[0], "halvings": len(first) + (0 if separable else 1)}
    return sizes


def _channels(
    state: Mapping[str, Tensor], own: Sequence[int], *, separable: bool
) -> dict[int, int]:
    """Side -> channels of the generator, as far as blocks that are not shared tell them."""
    channels = dict(CHANNELS_1024)
    if "shared_weight_hypernet.w1" in state:
        width = state["shared_weight_hypernet.w1"].shape[1] // TAPS
        channels = {side: min(width, most) for side, most in channels.items()}
    for number in sorted(own, key=lambda number: number % 3 == 2):  # doubling layers come last
        name = f"refinement_blocks.{number}.output."
        side = side_of(number)
        if separable:
            below = side // 2 if number % 3 == 2 else side
            channels[below] = state[f"{name}0.kernel_linear_in.weight"].shape[0]
            if number % 3 != 1:
                channels[side] = state[f"{name}0.kernel_linear_out.weight"].shape[0]
        else:
            pairs = state[f"{name}1.weight"].shape[0]
            if number % 3 == 0:
                channels[side] = math.isqrt(pairs)
            elif number % 3 == 1:
                channels[side] = pairs // 3
            elif number + 1 in own:
                channels[side // 2] = pairs // channels[side]
            else:
                channels[side] = pairs // channels[side // 2]
    return channels
