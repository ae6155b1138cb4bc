"""Ranger: rectified Adam on centred gradients, whose weights every few steps go half way back.

The rectified Adam is torch's. pytorch-optimizer and timm have Rangers, too, but none whose first
steps are those of the published trainings (no rectification up to the fifth).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import RAdam

BETAS, EPSILON = (0.95, 0.999), 1e-5
EVERY, SHARE = 6, 0.5
"""Every so many steps the weights move by that share from the slow copy to the fast one."""


class Ranger(RAdam):
    """Source: Liu et al. 2020 (RAdam), Zhang et al. 2019 (Lookahead), Yong et al. 2020 (gradient
    centralisation), put together by Less Wright; constants as in StyleCLIP's trainings.

    Args:
        parameters: what is trained.
        lr: learning rate.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, lr=lr, betas=BETAS, eps=EPSILON)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step."""
        learned = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        slow = {p: self.state[p].get("slow", p.clone()) for p in learned}
        for p in learned:
            p.grad = centred(p.grad)
        loss = super().step(closure)
        for p in learned:
            state = self.state[p]
            state["slow"] = slow[p]
            if int(state["step"]) % EVERY == 0:
                slow[p].lerp_(p, SHARE)
                p.copy_(slow[p])
        return loss


def centred(gradient: Tensor) -> Tensor:
    """A gradient without its mean over all axes but the first; that of a vector as it is."""
    if gradient.dim() < 2:
        return gradient
    return gradient - gradient.mean(dim=tuple(range(1, gradient.dim())), keepdim=True)
