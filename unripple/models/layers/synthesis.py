"""StyleGAN2's way from codes to a picture, for every layout of keys that holds its layers.

Source: Karras et al. 2020; the cuts of `resolution` and `widths` are those of Lin et al. 2021
(Anycost GANs), `weight_offsets` those of Alaluf et al. 2022 (HyperStyle), `enter` the feature
insertion of Bobkov et al. 2024 (StyleFeatureEditor).

Codes and layers: the styled convolution number i uses code i of w+, and the RGB layer of a
resolution uses the code after its last convolution, which it shares with the next resolution.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

from unripple.models.layers.modulated import ModulatedConv2d, StyledConv, ToRGB
from unripple.models.layers.precision import exactly
from unripple.models.layers.prefix import Prefix

Noise = Literal["stored", "random", "none"]
Inject: TypeAlias = Mapping[int, Callable[[Tensor], Tensor]]
Enter: TypeAlias = Mapping[int, Tensor]
WeightOffsets: TypeAlias = Mapping[int, Tensor]
OnResolution: TypeAlias = Callable[[int, Tensor], object]


@dataclass(frozen=True)
class _Plan:
    """What one rendering does at every layer; the arguments of `Synthesis.render`, checked."""

    styles: Sequence[Tensor]
    noise: Sequence[Tensor | None]
    inject: Inject
    enter: Enter
    widths: Sequence[int | None]
    offsets: WeightOffsets
    on_resolution: OnResolution | None
    prefix: Prefix | None

    def of_sample(self, n: int) -> _Plan:
        """The same for sample n alone."""

        def one(maps: Tensor) -> Tensor:
            return maps if len(maps) == 1 else maps[n : n + 1]

        return replace(
            self,
            styles=[style[n : n + 1] for style in self.styles],
            noise=[None if maps is None else one(maps) for maps in self.noise],
            enter={number: one(features) for number, features in self.enter.items()},
            offsets={number: one(offset) for number, offset in self.offsets.items()},
        )


def _style_of_convolution(i: int) -> int:
    """Where styled convolution i stands in style space; each resolution ends with its RGB layer."""
    # Convolutions 0, 1, 2, 3, 4 have styles 0, 2, 3, 5, 6; 1, 4, 7 are RGB.
    return 3 * i // 2 if i % 2 == 0 else 3 * (i + 1) // 2 - 1


class Synthesis(nn.Module, ABC):
    """A pile of styled convolutions and RGB layers from 4 px to `size`.

    A subclass owns the layers under its published names and hands them out by number.

    Attributes:
        exact_px: under autocast, layers whose features come in at up to this side, and all RGB
            layers, compute in float32. They are a small part of the work at 1024 px, and bf16 in
            them costs 1.8% of error instead of 0.7%. Trainings, which want speed, set 0.
        apart_px: on a CPU, resolutions from this side on are drawn sample by sample.
    """

    exact_px = 64
    apart_px = 128

    def __init__(self, size: int, style_dim: int) -> None:
        super().__init__()
        self.size, self.style_dim = size, style_dim

    @property
    @abstractmethod
    def constant(self) -> Tensor:
        """The features [1, C, 4, 4] that every picture starts from."""

    @abstractmethod
    def styled(self, i: int) -> StyledConv:
        """Styled convolution i: 0 at 4 px, then two per resolution, the first one doubling."""

    @abstractmethod
    def rgb(self, level: int) -> ToRGB:
        """The RGB layer of side 4 * 2 ** level."""

    @abstractmethod
    def stored_noise(self, i: int) -> Tensor:
        """The noise map [1, 1, H, W] of styled convolution i that is kept with the weights."""

    @property
    def n_codes(self) -> int:
        """Codes of w+: 18 at 1024 px, 12 at 128 px."""
        return 2 * self.size.bit_length() - 4

    def synthesize(
        self,
        w_plus: Tensor,
        *,
        noise: Noise = "stored",
        inject: Inject | None = None,
        enter: Enter | None = None,
        rng: torch.Generator | None = None,
        resolution: int | None = None,
        widths: Sequence[int] | None = None,
        weight_offsets: WeightOffsets | None = None,
        on_resolution: OnResolution | None = None,
        prefix: Prefix | None = None,
    ) -> Tensor:
        """Render codes.

        Args:
            w_plus: [B, n_codes, style_dim], used as they are (no truncation).
            noise: "stored" adds the maps kept with the weights, "random" fresh ones per sample,
                "none" nothing.
            inject: number of a styled convolution (0 to n_codes - 2) -> function of its output
                [B, C, H, W], which goes on with what the function returns. A function that keeps
                its argument and returns it is a feature tap.
            enter: number of a styled convolution -> features [B or 1, C, H, W] that enter it in
                place of what the one before gave. The RGB layer between the two still sees what it
                gave, and so does an injected function.
            rng: stream of the random noise, on the weights' device; torch's global one if absent.
            resolution: stop when the picture has this side, px; codes, widths and offsets of what
                would follow are not used. None is `size`.
            widths: channels to compute, of the constant and then of each styled convolution: the
                first so many of each. None is all of them.
            weight_offsets: number of a modulated convolution in the order of `styles` -> offset
                that broadcasts to [B, out, in, k, k] (B may be 1): the weight becomes
                weight * (1 + offset) before scaling and demodulation.
            on_resolution: called with the side and the picture so far, float32 [B, 3, side, side],
                after each resolution; the `__setitem__` of a dict keeps them all.
            prefix: is filled in, or gone on from if it was: of the same codes, with all else that
                comes before its end the same as well.

        Returns:
            float32 [B, 3, resolution, resolution], about [-1, 1], not clamped.

        Raises:
            ValueError: codes, features, widths or offsets of another shape, an unknown `noise`, or
                a side or layer that is not there.
        """
        return self.render(
            self.styles(w_plus),
            noise=noise,
            inject=inject,
            enter=enter,
            rng=rng,
            resolution=resolution,
            widths=widths,
            weight_offsets=weight_offsets,
            on_resolution=on_resolution,
            prefix=prefix,
        )

    def styles(self, w_plus: Tensor) -> list[Tensor]:
        """Turn codes into style space: float32 [B, channels], one per modulated convolution.

        The order is that of computation: 4 px convolution, 4 px RGB, then per resolution the
        upsampling convolution, the plain one, the RGB layer (26 entries at 1024 px).

        Raises:
            ValueError: `w_plus` is not [B, n_codes, style_dim].
        """
        if w_plus.dim() != 3 or tuple(w_plus.shape[1:]) != (self.n_codes, self.style_dim):
            raise ValueError(
                f"w_plus: got {tuple(w_plus.shape)}, wanted [B, {self.n_codes}, {self.style_dim}]"
                f" for this {self.size} px generator"
            )
        return [conv.modulation(w_plus[:, code]) for code, conv in self._modulated()]

    def render(
        self,
        styles: Sequence[Tensor],
        *,
        noise: Noise = "stored",
        inject: Inject | None = None,
        enter: Enter | None = None,
        rng: torch.Generator | None = None,
        resolution: int | None = None,
        widths: Sequence[int] | None = None,
        weight_offsets: WeightOffsets | None = None,
        on_resolution: OnResolution | None = None,
        prefix: Prefix | None = None,
    ) -> Tensor:
        """Render style space as `styles` gives it; everything else as `synthesize`."""
        batch = len(styles[0])
        levels = self._levels(resolution)
        plan = _Plan(
            styles=styles,
            noise=self._noise_maps(batch, noise, rng, levels),
            inject=self._checked_inject(inject, levels),
            enter=self._checked_enter(enter, levels, batch),
            widths=self._checked_widths(widths, levels),
            offsets=self._checked_offsets(weight_offsets, batch),
            on_resolution=on_resolution,
            prefix=prefix,
        )
        if prefix is not None:
            prefix.begin(styles[: _style_of_convolution(prefix.after) + 1])
        # A view of one constant has no layout of its own; the convolutions want channels last.
        start = self.constant[:, : plan.widths[0]].expand(batch, -1, -1, -1)
        x = self._styled(0, start.contiguous(memory_format=torch.channels_last), plan)
        picture = self._rgb(0, x, None, plan)
        apart = self._apart_from(levels, plan, batch, x.device)
        x, picture = self._upsampled(x, picture, range(1, apart), plan)
        if apart == levels:
            return picture
        singles = [
            self._upsampled(
                x[n : n + 1], picture[n : n + 1], range(apart, levels), plan.of_sample(n)
            )
            for n in range(batch)
        ]
        return torch.cat([finished for _, finished in singles])

    def _upsampled(
        self, x: Tensor, picture: Tensor, levels: range, plan: _Plan
    ) -> tuple[Tensor, Tensor]:
        """Double features and picture once for each of the levels."""
        for level in levels:
            x = self._styled(2 * level, self._styled(2 * level - 1, x, plan), plan)
            picture = self._rgb(level, x, picture, plan)
        return x, picture

    def _styled(self, i: int, x: Tensor, plan: _Plan) -> Tensor:
        prefix = plan.prefix
        if prefix is not None and prefix.is_past(i):
            return x
        if prefix is not None and i == prefix.after:
            if prefix.features is None:
                prefix.features = self._convolved(i, x, plan)
            x = prefix.features
        else:
            x = self._convolved(i, x, plan)
        return plan.inject[i](x) if i in plan.inject else x

    def _convolved(self, i: int, x: Tensor, plan: _Plan) -> Tensor:
        if i in plan.enter:
            x = plan.enter[i].to(x.dtype).expand(len(x), -1, -1, -1)
        # Styles are counted over all modulated layers, RGB layers included; noise and injected
        # functions over the styled convolutions alone.
        number = _style_of_convolution(i)
        style, noise = plan.styles[number], plan.noise[i]
        options = {"width": plan.widths[i + 1], "offset": plan.offsets.get(number)}
        # Errors of the first layers pass through all others, and these are the cheap ones.
        layer = partial(self.styled(i), style=style, noise=noise, **options)
        return exactly(layer, x, when=x.shape[-1] <= self.exact_px)

    def _rgb(self, level: int, x: Tensor, below: Tensor | None, plan: _Plan) -> Tensor:
        prefix = plan.prefix
        if prefix is not None and prefix.is_past(2 * level):
            assert prefix.picture is not None
            return prefix.picture
        number = 3 * level + 1
        options = {"style": plan.styles[number], "offset": plan.offsets.get(number)}
        layer = partial(self.rgb(level), below=below, **options)
        # RGB layers add up to the picture: a rounded one would show as a step of colour.
        picture: Tensor = exactly(layer, x, when=bool(self.exact_px))
        if prefix is not None and prefix.features is None:
            prefix.picture = picture
        if plan.on_resolution is not None:
            plan.on_resolution(picture.shape[-1], picture)
        return picture

    def _apart_from(self, levels: int, plan: _Plan, batch: int, device: torch.device) -> int:
        """The level from which the samples of a batch are drawn one by one; `levels`: none is.

        A CPU gains from a batch where weights are large and maps small. Further up it is the other
        way round: one sample's maps stay in its caches, those of eight do not. Functions from
        outside are promised the batch, and training keeps every map anyway.
        """
        kept_together = (
            batch == 1
            or device.type != "cpu"
            or torch.is_grad_enabled()
            or plan.on_resolution is not None
            or plan.prefix is not None
        )
        if kept_together:
            return levels
        last = max(plan.inject, default=0)
        # Not below the level of the last injected function, which is promised the batch.
        apart = max(self.apart_px.bit_length() - 2, last // 2 + last % 2 + 1)
        return min(levels, apart)

    def _modulated(self) -> list[tuple[int, ModulatedConv2d]]:
        """(code, convolution) in the order of computation."""
        layers = [(0, self.styled(0).modulated), (1, self.rgb(0).modulated)]
        for level in range(1, self._levels(None)):
            layers += [(i, self.styled(i).modulated) for i in (2 * level - 1, 2 * level)]
            layers += [(2 * level + 1, self.rgb(level).modulated)]
        return layers

    def _levels(self, resolution: int | None) -> int:
        """How many resolutions lie from 4 px to this one."""
        side = self.size if resolution is None else resolution
        if not 4 <= side <= self.size or side & (side - 1):
            raise ValueError(f"resolution: got {side}, wanted a power of 2 from 4 to {self.size}")
        return side.bit_length() - 2

    def _noise_maps(
        self, batch: int, noise: Noise, rng: torch.Generator | None, levels: int
    ) -> list[Tensor | None]:
        stored = [self.stored_noise(i) for i in range(2 * levels - 1)]
        if noise == "stored":
            return list(stored)
        if noise == "none":
            return [None] * len(stored)
        if noise == "random":
            shapes = [(batch, *kept.shape[1:]) for kept in stored]
            return [torch.randn(s, generator=rng, device=stored[0].device) for s in shapes]
        raise ValueError(f"noise: got {noise!r}, wanted one of {get_args(Noise)}")

    def _checked_inject(self, inject: Inject | None, levels: int) -> Inject:
        last = 2 * levels - 2
        odd = [i for i in inject or () if not 0 <= i <= last]
        if odd:
            raise ValueError(f"inject: no styled convolution {odd}, wanted 0 to {last}")
        return inject or {}

    def _checked_enter(self, enter: Enter | None, levels: int, batch: int) -> Enter:
        last = 2 * levels - 2
        for i, features in (enter or {}).items():
            if not 0 <= i <= last:
                raise ValueError(f"enter: no styled convolution {i}, wanted 0 to {last}")
            side = 4 * 2 ** (i // 2)
            shape = (self.styled(i).modulated.weight.shape[2], side, side)
            if len(features) not in (1, batch) or tuple(features.shape[1:]) != shape:
                got = tuple(features.shape)
                raise ValueError(f"enter[{i}]: got {got}, wanted {(batch, *shape)}")
        return enter or {}

    def _checked_widths(self, widths: Sequence[int] | None, levels: int) -> Sequence[int | None]:
        full = [self.styled(i).modulated.weight.shape[1] for i in range(2 * levels - 1)]
        full.insert(0, self.constant.shape[1])
        if widths is None:
            return [None] * len(full)
        if len(widths) < len(full):
            raise ValueError(f"widths: got {len(widths)} numbers, wanted {len(full)}")
        for n, (width, most) in enumerate(zip(widths, full, strict=False)):
            if not 1 <= width <= most:
                raise ValueError(f"widths[{n}]: got {width}, wanted 1 to {most}")
        return widths

    def _checked_offsets(self, offsets: WeightOffsets | None, batch: int) -> WeightOffsets:
        if not offsets:
            return {}
        convolutions = [conv for _, conv in self._modulated()]
        for number, offset in offsets.items():
            if not 0 <= number < len(convolutions):
                last = len(convolutions) - 1
                raise ValueError(f"weight_offsets: no convolution {number}, wanted 0 to {last}")
            expected = (batch, *convolutions[number].weight.shape[1:])
            fits = offset.dim() == 5 and all(
                got in (1, most) for got, most in zip(offset.shape, expected, strict=True)
            )
            if not fits:
                raise ValueError(
                    f"weight_offsets[{number}]: got {tuple(offset.shape)}, wanted {expected}"
                    " or ones in their place"
                )
        return offsets
