"""The feature editor that carries features by a flow."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.models.test_batch_invariance import require_same, stirred
from unripple.models import sfe, sfe_flow
from unripple.models.sfe_flow import FeatureFlow, FlowMixer, Led

SLIM = {"width": 8, "blocks": 1, "described": 6, "hidden": 10}
SIDE = 32


def editor() -> FlowMixer:
    torch.manual_seed(0)
    made: FlowMixer = stirred(FlowMixer(**SLIM))
    return made


def matching() -> FeatureFlow:
    """A net that compares alone, all with all, without its correction."""
    torch.manual_seed(0)
    net = FeatureFlow(8).eval()
    nn.init.constant_(net.sharpness, 5.0)
    nn.init.constant_(net.reach, -5.0)
    nn.init.zeros_(net.correct.weight)
    return net


def test_sizes_are_read_from_the_weights() -> None:
    assert sfe_flow.sizes_from_state(editor().state_dict()) == SLIM


@torch.no_grad()
def test_of_no_change_nothing_is_carried_nor_hidden() -> None:
    net = editor()
    features, before, own = torch.randn(3, 3, 8, SIDE, SIDE).unbind(0)
    still = torch.zeros_like(before)
    flow = net.found(still, before)
    assert not flow.offsets.any() and torch.equal(flow.visibility, torch.ones_like(flow.visibility))
    carried = net.carried(features, still, Led(before, own), flow)
    assert torch.allclose(carried, net.mixer(features, own), atol=1e-4)
    assert torch.equal(carried, net(features, still, Led(before, own)))
    moved = net.found(torch.randn_like(before), before)
    assert moved.offsets.any() and float(moved.visibility.min()) < 1


@torch.no_grad()
def test_what_moved_is_found_where_it_was() -> None:
    """8 of 32 px to the right."""
    before = torch.randn(1, 8, SIDE, SIDE)
    found = matching()(before, before.roll(8, dims=3))
    inside = found.offsets[0, :, 8:24, 12:28]
    assert torch.allclose(inside[0], torch.tensor(-8 * 2 / SIDE), atol=0.05)
    assert torch.allclose(inside[1], torch.tensor(0.0), atol=0.05)


def edited(features: Tensor, change: Tensor, *led: Tensor) -> Tensor:
    return sfe_flow.edited(editor(), features, change, lambda: Led(*led))


def test_an_edit_takes_any_batch() -> None:
    torch.manual_seed(2)
    require_same(edited, *torch.randn(4, 3, 8, SIDE, SIDE).unbind(0))


@torch.no_grad()
def test_the_published_editor_is_not_asked_for_the_guide() -> None:
    net = sfe.FeatureMixer(8, 1).eval()
    features, change = torch.randn(2, 1, 8, SIDE, SIDE).unbind(0)

    def refused() -> Led:
        pytest.fail("drawn for nothing")

    assert torch.equal(sfe_flow.edited(net, features, change, refused), net(features, change))
