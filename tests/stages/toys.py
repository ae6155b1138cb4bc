"""Networks small enough to foresee what they answer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unripple.models.flow import Flow

L, W, S = 4, 3, 8


class ToyGenerator(nn.Module):
    """Paints a plain colour, the mean of the codes; injections act on that picture."""

    def __init__(self, size: int = S) -> None:
        super().__init__()
        self.size = size
        self.calls: list[tuple[str, bool]] = []

    def synthesize(self, w_plus: Tensor, *, noise="stored", inject=None, prefix=None) -> Tensor:
        self.calls.append((noise, bool(inject)))
        assert not torch.is_grad_enabled()
        picture = w_plus.mean(1)[:, :, None, None].repeat(1, 1, self.size, self.size)
        for index, act in (inject or {}).items():
            assert index == 2
            picture = act(picture)
        return picture


class ToyAligner(nn.Module):
    """Remembers what it saw and passes the residual on."""

    def __init__(self) -> None:
        super().__init__()
        self.saw: list[tuple[Tensor, Tensor]] = []

    def forward(self, residual: Tensor, picture: Tensor) -> Tensor:
        self.saw.append((residual, picture))
        return residual


class ToyResidualEncoder(nn.Module):
    """No scale; the shift is the residual itself, so that consultation repairs the picture."""

    def forward(self, residual: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(residual), residual


class ToyMotion(nn.Module):
    """Everything comes from a few pixels further right, and is seen to a known share.

    Every second look is at mirror images, where right is left.
    """

    def __init__(self, px: int = 0, seen: float = 1.0, same: float = 0.0) -> None:
        super().__init__()
        self.px, self.share, self.fault = px, seen, same
        self.saw: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(self, photo: Tensor, before: Tensor, after: Tensor) -> Flow:
        self.saw.append((photo, before, after))
        offsets = torch.zeros_like(photo[:, :2])
        right = 1 if len(self.saw) % 2 else -1
        offsets[:, 0] = right * 2 * self.px / photo.shape[-1]
        seen = torch.full_like(photo[:, :1], self.share)
        return Flow(offsets, seen, torch.full_like(seen, self.fault))
