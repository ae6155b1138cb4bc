"""Fast Fourier convolution: a local branch beside one that sees the whole picture at once.

Source: Chi et al. 2020; Suvorov et al. 2022, section 2.1; layout and key names of advimman/lama
(Apache-2.0), without the local Fourier unit, which its published model does not use.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.layers.threads import OneThread


def real_spectrum(x: Tensor) -> Tensor:
    """Take the orthonormal real FFT of a map, in float32 whatever the autocast says.

    Args:
        x: maps [B, C, H, W].

    Returns:
        float32 [B, 2C, H, W // 2 + 1]: channel 2c is the real part of c, 2c + 1 the imaginary one.
    """
    batch, channels, height, width = x.shape
    bins = torch.fft.rfft2(x.float(), norm="ortho")
    parts = torch.view_as_real(bins).permute(0, 1, 4, 2, 3)  # [B, C, 2, H, W // 2 + 1]
    return parts.reshape(batch, 2 * channels, height, width // 2 + 1)


def from_real_spectrum(spectrum: Tensor, size: torch.Size) -> Tensor:
    """Invert `real_spectrum` to float32 maps [B, C, *size]."""
    batch, channels, height, bins = spectrum.shape
    parts = spectrum.float().reshape(batch, channels // 2, 2, height, bins)
    parts = parts.permute(0, 1, 3, 4, 2).contiguous()  # [B, C, H, W // 2 + 1, 2]
    return torch.fft.irfft2(torch.view_as_complex(parts), s=tuple(size), norm="ortho")


class Pointwise(OneThread, nn.Conv2d):
    """A 1x1 convolution without bias."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__(fan_in, width, 1, bias=False)


class FourierUnit(nn.Module):
    """A 1x1 convolution over the spectrum: every output pixel sees every input pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_layer = Pointwise(2 * width, 2 * width)
        self.bn = nn.BatchNorm2d(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = real_spectrum(x).to(x.dtype).contiguous(memory_format=torch.channels_last)
        # One frequency at a time: a pointwise layer on the spectrum is a filter as wide as the
        # picture.
        mixed = F.relu(self.bn(self.conv_layer(spectrum)), inplace=True)
        maps = from_real_spectrum(mixed, x.shape[2:])
        return maps.to(x.dtype).contiguous(memory_format=torch.channels_last)


class SpectralTransform(nn.Module):
    """Narrow, add the Fourier unit's answer, widen."""

    def __init__(self, fan_in: int, width: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1 = nn.Sequential(
            Pointwise(fan_in, half), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
        )
        self.fu = FourierUnit(half)
        self.conv2 = Pointwise(half, width)

    def forward(self, x: Tensor) -> Tensor:
        narrow: Tensor = self.conv1(x)
        return self.conv2(narrow + self.fu(narrow))


class FFC(nn.Module):
    """The four paths between the local and the global branch.

    Args:
        local_in, global_in, local_out, global_out: channels of the branches; 0 leaves one out.
        kernel, stride: of the three spatial convolutions; borders are reflected.
    """

    def __init__(
        self,
        local_in: int,
        global_in: int,
        local_out: int,
        global_out: int,
        *,
        kernel: int = 3,
        stride: int = 1,
    ) -> None:
        super().__init__()

        def spatial(fan_in: int, width: int) -> nn.Conv2d | None:
            if not fan_in or not width:
                return None
            return nn.Conv2d(
                fan_in, width, kernel, stride, kernel // 2, bias=False, padding_mode="reflect"
            )

        self.convl2l = spatial(local_in, local_out)
        self.convl2g = spatial(local_in, global_out)
        self.convg2l = spatial(global_in, local_out)
        self.convg2g = (
            SpectralTransform(global_in, global_out) if global_in and global_out else None
        )

    def forward(self, local: Tensor, globe: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Mix the two branches; the global one is None where it has no channels."""
        to_local = _summed((self.convl2l, local), (self.convg2l, globe))
        to_global = _summed((self.convl2g, local), (self.convg2g, globe))
        if to_local is None:
            raise ValueError("FFC: the local branch needs at least one output channel")
        return to_local, to_global


class FFCBNReLU(nn.Module):
    """FFC, then batch norm and ReLU on each branch; arguments as `FFC`."""

    def __init__(
        self,
        local_in: int,
        global_in: int,
        local_out: int,
        global_out: int,
        *,
        kernel: int = 3,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.ffc = FFC(local_in, global_in, local_out, global_out, kernel=kernel, stride=stride)
        self.bn_l = nn.BatchNorm2d(local_out)
        self.bn_g = nn.BatchNorm2d(global_out) if global_out else None

    def forward(self, local: Tensor, globe: Tensor | None) -> tuple[Tensor, Tensor | None]:
        local, globe = self.ffc(local, globe)
        if globe is not None and self.bn_g is not None:
            globe = F.relu(self.bn_g(globe), inplace=True)
        return F.relu(self.bn_l(local), inplace=True), globe


class FFCResBlock(nn.Module):
    """Two FFC layers beside a shortcut, with nothing after the sum."""

    def __init__(self, local_width: int, global_width: int) -> None:
        super().__init__()
        widths = (local_width, global_width, local_width, global_width)
        self.conv1 = FFCBNReLU(*widths)
        self.conv2 = FFCBNReLU(*widths)

    def forward(self, local: Tensor, globe: Tensor | None) -> tuple[Tensor, Tensor | None]:
        y_local, y_global = self.conv2(*self.conv1(local, globe))
        return local + y_local, None if globe is None else globe + y_global


def _summed(*paths: tuple[Callable[[Tensor], Tensor] | None, Tensor | None]) -> Tensor | None:
    parts = [path(x) for path, x in paths if path is not None and x is not None]
    return sum(parts[1:], start=parts[0]) if parts else None
