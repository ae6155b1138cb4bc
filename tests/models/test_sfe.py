"""StyleFeatureEditor: its networks, and the way of its features through the generator."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.test_batch_invariance import generator, require_same, stirred
from unripple.models import sfe

SLIM: dict[str, Any] = {
    "widths": (8, 8, 12, 16, 20),
    "units": (2, 1, 2, 1),
    "style_dim": 16,
    "n_codes": 10,
    "features": 8,
    "blocks": 2,
}


def inverter() -> sfe.Inverter:
    torch.manual_seed(0)
    made: sfe.Inverter = stirred(sfe.Inverter(**SLIM))
    return made


def mixer() -> sfe.FeatureMixer:
    torch.manual_seed(1)
    made: sfe.FeatureMixer = stirred(sfe.FeatureMixer(8, 2))
    return made


def test_sizes_are_read_from_the_weights() -> None:
    assert sfe.sizes_from_state(inverter().state_dict()) == SLIM
    assert sfe.sizes_from_state(mixer().state_dict()) == {"width": 8, "blocks": 2}


def test_defaults_are_the_published_sizes() -> None:
    with torch.device("meta"):
        net = sfe.Inverter()
    millions = [sum(w.numel() for w in part.parameters()) / 1e6 for part in (net, net.fuser)]
    assert [round(number) for number in millions] == [138, 24]
    assert sfe.entered(64) == 9
    assert net.fs_backbone.styles[0].weight.shape == (512, 8640)


def test_features_have_a_quarter_of_the_photos_side() -> None:
    codes, features = inverter()(torch.randn(2, 3, 64, 64))
    assert codes.shape == (2, 10, 16) and features.shape == (2, 8, 16, 16)


def test_a_small_inverter_has_strides_of_its_own_and_heads_that_share() -> None:
    net = sfe.Inverter(**SLIM, strides=(2, 1, 1, 4), rank=3).eval()
    codes, features = net(torch.randn(1, 3, 64, 64))
    assert codes.shape == (1, 10, 16) and features.shape == (1, 8, 32, 32)
    assert sfe.sizes_from_state(net.state_dict()) == {**SLIM, "rank": 3}
    with pytest.raises(ValueError, match="wanted 5, 4 and 4 numbers"):
        sfe.Inverter(**SLIM, strides=(2, 1, 1))


def test_heads_that_read_something_else_are_refused() -> None:
    state = inverter().state_dict()
    state["fs_backbone.styles.0.weight"] = torch.zeros(16, 56 * 4)
    with pytest.raises(ValueError, match="heads read 224 numbers"):
        sfe.sizes_from_state(state)


def edited(photo: Tensor, guide: Tensor, step: Tensor, background: Tensor) -> Tensor:
    """One edit from photo to picture, in a generator of 64 px whose features enter at 32."""
    net, editor = inverter(), mixer()
    drawing = stirred(generator())
    codes, predicted = net(photo)
    features = sfe.fused(net, drawing, codes, predicted)
    delta = sfe.change(
        drawing,
        drawing.styles(guide),
        drawing.styles(guide + step),
        features.shape[-1],
        background=background,
    )
    return sfe.rendered(drawing, drawing.styles(codes + step), editor(features, delta))


def test_an_edit_takes_any_batch() -> None:
    torch.manual_seed(2)
    require_same(
        edited,
        torch.randn(3, 3, 128, 128),
        torch.randn(3, 10, 16),
        0.5 * torch.randn(3, 10, 16),
        torch.rand(3, 1, 40, 24),
    )


@torch.no_grad()
def test_background_stills_the_features_and_not_the_finer_layers() -> None:
    """The published mask acts on the features alone: a masked picture still changes."""
    torch.manual_seed(3)
    drawing = stirred(generator())
    guide, step = torch.randn(1, 10, 16), torch.randn(1, 10, 16)
    before, after = drawing.styles(guide), drawing.styles(guide + step)
    everywhere = torch.ones(1, 1, 5, 5)
    still = sfe.change(drawing, before, after, 32, background=everywhere)
    assert not still.any()
    moving = sfe.change(drawing, before, after, 32)
    halfway = sfe.change(drawing, before, after, 32, background=0.5 * everywhere)
    torch.testing.assert_close(halfway, 0.5 * moving)
    features = torch.randn(1, 8, 32, 32)
    one, other = (sfe.rendered(drawing, styles, features) for styles in (before, after))
    assert not torch.equal(one, other)


def test_training_does_not_move_what_is_frozen() -> None:
    """The published training of the editor leaves the frozen inverter's norms in training mode."""
    net = inverter()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    net(torch.randn(2, 3, 64, 64))
    assert not net.training
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
