"""LPIPS 0.1: how different two pictures look, as people judged.

Source: Zhang et al. 2018, equation 1; weights of richzhang/PerceptualSimilarity (BSD-2-Clause) on
torchvision's AlexNet or VGG16 (BSD-3-Clause). The trunks load strictly from torchvision's files
without their classifiers, `Weights` from `weights/v0.1/alex.pth` and `vgg.pth` of the package
`lpips`.

The package was considered, and drags its own loading of weights along: its networks can only be
had with a download, or with random trunks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unripple.models.layers.precision import full_precision

TINY = 1e-10
"""Added to the length of features, outside the root."""


class Taps(nn.Module):
    """The convolutions of a classifier, of which some activations are looked at.

    Args:
        layers: its `features`, numbered as in torchvision.
        taps: numbers of the layers whose results count.
    """

    def __init__(self, layers: Sequence[nn.Module], taps: Sequence[int]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.taps = tuple(taps)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Turn normalised pictures [B, 3, H, W] into activations, finest first."""
        levels, x = [], picture
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                levels.append(x)
        return levels


class AlexNet(Taps):
    """AlexNet's convolutions, after Krizhevsky 2014 ("one weird trick").

    Args:
        widths: channels of its five convolutions.
    """

    def __init__(self, widths: Sequence[int] = (64, 192, 384, 256, 256)) -> None:
        one, two, three, four, five = widths
        pool = nn.MaxPool2d(3, 2)
        layers = [
            *(nn.Conv2d(3, one, 11, 4, 2), nn.ReLU(), pool),
            *(nn.Conv2d(one, two, 5, 1, 2), nn.ReLU(), pool),
            *(nn.Conv2d(two, three, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(three, four, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(four, five, 3, 1, 1), nn.ReLU()),
        ]
        super().__init__(layers, (1, 4, 7, 9, 11))


class VGG16(Taps):
    """VGG16's convolutions, after Simonyan and Zisserman 2015, configuration D.

    Args:
        widths: channels of its five groups, of 2, 2, 3, 3 and 3 convolutions.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512, 512)) -> None:
        layers: list[nn.Module] = []
        taps, before = [], 3
        for width, count in zip(widths, (2, 2, 3, 3, 3), strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(before, width, 3, 1, 1), nn.ReLU()]
                before = width
            taps.append(len(layers) - 1)
            layers.append(nn.MaxPool2d(2, 2))
        super().__init__(layers, taps)


class _Linear(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(width, 1, 1, bias=False))


class Weights(nn.Module):
    """How much each channel of each tap counts; fitted to people's judgements, not negative.

    Args:
        widths: channels of the taps.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.n_levels = len(widths)
        for level, width in enumerate(widths):
            self.add_module(f"lin{level}", _Linear(width))

    def level(self, level: int) -> Tensor:
        """Those of one tap, [1, C, 1, 1]."""
        return self.get_parameter(f"lin{level}.model.1.weight")


class LPIPS(nn.Module):
    """The distance.

    Args:
        trunk: AlexNet or VGG16.
        weights: those that were fitted to it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, trunk: Taps, weights: Weights) -> None:
        super().__init__()
        self.trunk, self.weights = trunk, weights
        self.register_buffer("mean", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("std", torch.tensor([0.458, 0.448, 0.450])[:, None, None])

    def features(self, picture: Tensor) -> list[Tensor]:
        """The taps of pictures [B, 3, H, W] in [-1, 1], of length 1 over the channels."""
        with full_precision(picture):
            taps = self.trunk((picture.float() - self.mean) / self.std)
        return [tap / (tap.norm(dim=1, keepdim=True) + TINY) for tap in taps]

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Measure each pair of pictures [B, 3, H, W] in [-1, 1]; the metric gives them at 256 px.

        Returns:
            float32 [B], 0 for the same picture. The published code divides the sum by the batch.
        """
        pairs = zip(self.features(one), self.features(other), strict=True)
        distances = [
            ((x - y).square() * self.weights.level(level)).sum(1).mean((1, 2))
            for level, (x, y) in enumerate(pairs)
        ]
        return torch.stack(distances).sum(0)


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of a trunk, or of `Weights`, from a state dict of that one."""
    if "lin0.model.1.weight" in state:
        return {
            "widths": tuple(state[f"lin{n}.model.1.weight"].shape[1] for n in range(len(state)))
        }
    numbers = sorted(int(key.split(".")[1]) for key in state if key.endswith(".weight"))
    widths = [state[f"features.{number}.weight"].shape[0] for number in numbers]
    if len(widths) > 5:  # VGG: the last convolution of each group
        widths = [widths[n] for n in (1, 3, 6, 9, 12)]
    return {"widths": tuple(widths)}
