"""A prefix spares renderings of the same codes what they have in common, and not a bit more."""

from __future__ import annotations

import pytest
import torch

from tests.models.test_enter import codes, net
from unripple.models.layers.prefix import Prefix
from unripple.models.stylegan2 import Generator

__all__ = ["net"]


@torch.no_grad()
@pytest.mark.parametrize("after", [0, 1, 2, 5, 6, 8])
def test_what_goes_on_from_a_prefix_is_drawn_as_from_the_start(net: Generator, after: int) -> None:
    w_plus = codes(net, 1)
    inject = {after: lambda features: 2 * features + 1}
    plain, injected = net.synthesize(w_plus), net.synthesize(w_plus, inject=inject)
    prefix = Prefix(after)
    assert torch.equal(net.synthesize(w_plus, prefix=prefix), plain)
    assert torch.equal(net.synthesize(w_plus, inject=inject, prefix=prefix), injected)
    assert torch.equal(net.synthesize(w_plus, prefix=prefix), plain)


@torch.no_grad()
def test_the_first_rendering_may_inject_or_stop_early(net: Generator) -> None:
    w_plus = codes(net)
    inject = {5: lambda features: features - 1}
    for first in ({"inject": inject}, {"resolution": 32}):
        prefix = Prefix(5)
        net.synthesize(w_plus, prefix=prefix, **first)
        assert torch.equal(net.synthesize(w_plus, prefix=prefix), net.synthesize(w_plus))


@torch.no_grad()
def test_no_layer_of_it_is_computed_again(net: Generator) -> None:
    w_plus, prefix = codes(net, 1), Prefix(5)
    net.synthesize(w_plus, prefix=prefix)
    computed: list[str] = []
    layers = {f"styled {i}": net.styled(i) for i in range(7)}
    layers |= {f"rgb {level}": net.rgb(level) for level in range(4)}
    hooks = [
        layer.register_forward_hook(lambda *_, name=name: computed.append(name))
        for name, layer in layers.items()
    ]
    net.synthesize(w_plus, prefix=prefix, resolution=32)
    for hook in hooks:
        hook.remove()
    assert computed == ["styled 6", "rgb 3"]


@torch.no_grad()
def test_other_codes_are_refused(net: Generator) -> None:
    prefix = Prefix(5)
    net.synthesize(codes(net, 1), prefix=prefix)
    with pytest.raises(ValueError, match="other styles"):
        net.synthesize(-codes(net, 1), prefix=prefix)
