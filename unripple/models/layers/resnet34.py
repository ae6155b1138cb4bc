"""ResNet-34 as HyperStyle and ReStyle cut it: a PReLU stem without pooling, one row of blocks.

Source: He et al. 2016, table 1 (34 layers); key names of yuval-alaluf/hyperstyle (MIT), whose
blocks are torchvision's (BSD-3-Clause), numbered through. torchvision's own network would serve for
the blocks alone, and takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from unripple.models.layers.resnet18 import BasicBlock

WIDTHS_34 = (64, 64, 128, 256, 512)
UNITS_34 = (3, 4, 6, 3)


class ResNet34(nn.Module):
    """The trunk: pictures to features at 1/16 of their side.

    Args:
        fan_in: channels of the pictures; 6 for two of them.
        widths: channels of the stem and of the four groups; from the first group on, neighbours
            differ (that is how the groups are found again in a state dict).
        units: blocks of every group.
    """

    def __init__(
        self,
        fan_in: int = 6,
        widths: Sequence[int] = WIDTHS_34,
        units: Sequence[int] = UNITS_34,
    ) -> None:
        super().__init__()
        if len(widths) != 5 or len(units) != 4:
            raise ValueError(f"got widths {widths} and units {units}, wanted 5 and 4 numbers")
        self.conv1 = nn.Conv2d(fan_in, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.PReLU(widths[0])
        blocks: list[nn.Module] = []
        for n, (before, width, count) in enumerate(
            zip(widths[:-1], widths[1:], units, strict=True)
        ):
            blocks.append(BasicBlock(before, width, stride=1 if n == 0 else 2))
            blocks += [BasicBlock(width, width) for _ in range(count - 1)]
        self.body = nn.Sequential(*blocks)

    def features(self, pictures: Tensor) -> Tensor:
        """Turn [B, fan_in, H, W] into [B, widths[-1], H / 16, W / 16]."""
        return self.body(self.relu(self.bn1(self.conv1(pictures))))


def trunk_sizes(state: Mapping[str, Tensor]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Read (fan_in, widths, units) of a trunk."""
    stem, fan_in = state["conv1.weight"].shape[:2]
    widths, units = [stem], [0]
    while (key := f"body.{sum(units)}.conv1.weight") in state:
        width = state[key].shape[0]
        if len(widths) == 1 or width != widths[-1]:
            widths.append(width)
            units.append(0)
        units[-1] += 1
    return fan_in, tuple(widths), tuple(units[1:])
