"""The embedded architectures, made so slim that a training step takes milliseconds."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from unripple.training import encoders, flow, hfgi, latents, sfe_nets, sfe_task

SIZE = 64


def slim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the sizes of generator, encoder and what is trained on top of them."""
    channels = {4: 8, 8: 8, 16: 8, 32: 8, 64: 8}
    for module in (latents, hfgi, sfe_nets):
        monkeypatch.setattr(module, "CHANNELS", channels)
    monkeypatch.setattr(encoders, "WIDTHS", (8, 12, 16, 20, 24))
    monkeypatch.setattr(encoders, "UNITS", (1, 1, 1, 1))
    monkeypatch.setattr(encoders, "SIZE", SIZE)
    monkeypatch.setattr(encoders, "N_CODES", 10)
    monkeypatch.setattr(hfgi, "SIZE", SIZE)
    monkeypatch.setattr(hfgi, "STRIDES", (1, 1))  # 64 px pictures, 64 px features
    monkeypatch.setattr(hfgi, "ALIGNER_WIDTHS", (4, 6, 8, 8))
    monkeypatch.setattr(hfgi, "RESIDUAL_WIDTHS", (6, 8, 8))
    monkeypatch.setattr(hfgi, "VALIDATION_FACES", 4)
    monkeypatch.setattr(flow, "WIDTHS", (6, 8, 8))
    monkeypatch.setattr(flow, "VALIDATION_FACES", 4)
    monkeypatch.setattr(sfe_nets, "SIZE", SIZE)
    monkeypatch.setattr(sfe_nets, "N_CODES", 10)
    monkeypatch.setattr(sfe_nets, "WIDTHS", (6, 6, 8, 8, 8))
    monkeypatch.setattr(sfe_nets, "RANK", 4)
    monkeypatch.setattr(sfe_nets, "FUSER_BLOCKS", 1)
    monkeypatch.setattr(sfe_nets, "EDITOR_BLOCKS", {"plain": 1, "flow": 1})
    monkeypatch.setattr(sfe_task, "VALIDATION_FACES", 4)


def moving_down(net: Any, pixels: int) -> None:
    """Let a motion net find every point so far below itself, all seen, and no drawing to agree."""
    for part in (net.coarsest, net.gates, *net.correct):
        torch.nn.init.zeros_(part.weight)
        torch.nn.init.zeros_(part.bias)
    with torch.no_grad():
        net.coarsest.bias.view(2, -1)[1] = pixels * 2 / SIZE
        net.gates.bias.copy_(torch.tensor([20.0, -20.0]))
