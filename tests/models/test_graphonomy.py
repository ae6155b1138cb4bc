"""Laws of the body parser that hold for any weights, and its tables."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.conventions import Face
from unripple.models.body_parts import NEIGHBOURS_CIHP, NEIGHBOURS_PASCAL, PASCAL_TO_CIHP
from unripple.models.graphonomy import (
    FACE_OF_BODY,
    FLIP_SWAPS,
    UNUSED,
    Body,
    Graphonomy,
    faces_of,
    sizes_from_state,
)
from unripple.models.layers.graph import (
    GraphConv,
    NodesToPixels,
    PixelsToNodes,
    normalised_adjacency,
    similar,
)
from unripple.models.layers.xception import DetailBlock, SeparableConv, Xception, XceptionBlock

SLIM = {
    "widths": (4, 8, 12, 16, 24, 32, 40, 36, 48),
    "n_middle": 2,
    "context": 20,
    "low_level": 6,
    "hidden": 10,
}


def pictures(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture
def net() -> Graphonomy:
    """A net whose norms have seen pictures: in a fresh one the signal dies out on its way."""
    torch.manual_seed(0)
    net = Graphonomy(**SLIM)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        net.train()(pictures(8, 3, 64, 64) + 2 * pictures(8, 3, 1, 1))
    return net.eval()


def test_sizes_are_read_from_the_weights(net: Graphonomy) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    Graphonomy(**sizes).load_state_dict(net.state_dict(), strict=True)


def test_weights_for_other_classes_are_refused(net: Graphonomy) -> None:
    state = net.state_dict() | {"semantic.weight": torch.zeros(7, 20, 1, 1)}
    with pytest.raises(ValueError, match=r"got \(7, 7\), wanted \(20, 7\)"):
        sizes_from_state(state)


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 64), (65, 49), (33, 90), (7, 5)])
def test_every_pixel_gets_logits_at_any_size(net: Graphonomy, size: tuple[int, int]) -> None:
    logits = net(pictures(2, 3, *size))
    assert logits.shape == (2, len(Body), *size)
    assert torch.isfinite(logits).all()


@torch.no_grad()
def test_a_batch_is_parsed_as_its_pictures_alone(net: Graphonomy) -> None:
    x = pictures(3, 3, 65, 49)
    alone = torch.cat([net(picture[None]) for picture in x])
    assert float((net(x) - alone).norm() / alone.norm()) < 1e-5


@torch.no_grad()
def test_unused_weights_have_no_effect_and_all_others_have(net: Graphonomy) -> None:
    x = pictures(1, 3, 40, 56)
    before = net(x)
    for key, weight in net.named_parameters():
        kept = weight.clone()
        weight.copy_(torch.randn_like(weight))
        assert torch.equal(net(x), before) == (key in UNUSED), key
        weight.copy_(kept)
    assert torch.equal(net(x), before)


@torch.no_grad()
def test_autocast_rounds_the_middle_blocks_mixing_and_nothing_else(net: Graphonomy) -> None:
    x, rounded = pictures(2, 3, 64, 48), set()
    exact = net(x)
    for name, layer in net.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d)):
            layer.register_forward_hook(
                lambda _, arguments, result, name=name: (
                    rounded.add(name) if result.dtype == torch.bfloat16 else None
                )
            )
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(x)
    middle = [f"xception_features.block{n}.rep.{unit}" for n in (4, 5) for unit in (1, 3, 5)]
    assert rounded == {f"{unit}.pointwise" for unit in middle}
    assert rough.dtype == torch.float32 and not torch.equal(rough, exact)


def test_builds_on_meta_and_takes_the_weights_as_they_are(net: Graphonomy) -> None:
    """The graphs' tables are no buffers, which the meta device would swallow."""
    with torch.device("meta"):
        empty = Graphonomy(**SLIM)
    empty.load_state_dict(net.state_dict(), strict=True, assign=True)
    x = pictures(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(empty.eval()(x), net(x))


@torch.no_grad()
@pytest.mark.parametrize(("relu_first", "seen"), [(True, 0.0), (False, -1.0)])
def test_the_skip_sees_what_the_first_relu_leaves(relu_first: bool, seen: float) -> None:
    block = XceptionBlock(4, (4, 4, 4), relu_first=relu_first).eval()
    assert block.skip is None
    torch.nn.init.zeros_(block.rep[-1].pointwise_bn.weight)
    torch.testing.assert_close(
        block(torch.full((1, 4, 5, 5), -1.0)), torch.full((1, 4, 5, 5), seen)
    )


@torch.no_grad()
def test_details_come_before_any_relu_and_the_block_halves_once() -> None:
    torch.manual_seed(0)
    detail, x = DetailBlock(4, 6).eval().split(torch.randn(1, 4, 9, 12))
    assert detail.shape == (1, 6, 9, 12) and x.shape == (1, 6, 5, 6)
    assert float(detail.min()) < 0


@torch.no_grad()
def test_a_separable_unit_without_relu_is_linear() -> None:
    torch.manual_seed(0)
    unit = SeparableConv(3, 5, stride=2, dilation=2).eval()
    a, b = torch.randn(2, 1, 3, 11, 8)
    torch.testing.assert_close(unit(a + b), unit(a) + unit(b), atol=1e-5, rtol=1e-5)
    assert unit(a).shape == (1, 5, 6, 4)


def test_trunk_wants_nine_widths() -> None:
    with pytest.raises(ValueError, match="wanted 9 numbers"):
        Xception((8, 8, 16))


def test_adjacency_is_the_published_one() -> None:
    """A node listed among its own neighbours counts itself twice: 2 / (2 + 1) on the diagonal."""
    body = normalised_adjacency(NEIGHBOURS_CIHP, like=torch.zeros(1))
    coarse = normalised_adjacency(NEIGHBOURS_PASCAL, like=torch.zeros(1))
    for adjacency in (body, coarse):
        torch.testing.assert_close(adjacency, adjacency.T)
    assert float(body[Body.BACKGROUND, Body.BACKGROUND]) == 1
    hat = {int(part): float(body[Body.HAT, part]) for part in body[Body.HAT].nonzero()}
    assert hat == pytest.approx({1: 1 / 3, 2: 1 / 3, 13: 0.235702}, abs=1e-6)
    row = [0, 0.258199, 0.4, 0.223607, 0, 0.223607, 0]
    torch.testing.assert_close(coarse[2], torch.tensor(row), atol=1e-6, rtol=0)
    assert [len(row) for row in PASCAL_TO_CIHP] == [len(Body)] * len(NEIGHBOURS_PASCAL)


@torch.no_grad()
def test_nodes_sum_over_pixels_and_forget_where_they_were() -> None:
    torch.manual_seed(0)
    gather, x = PixelsToNodes(6, 4, 3), torch.randn(2, 6, 5, 7)
    nodes = gather(x)
    assert nodes.shape == (2, 3, 4)
    torch.testing.assert_close(gather(x.flip(3)), nodes, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gather(torch.cat([x, x], dim=2)), 2 * nodes, atol=1e-5, rtol=1e-5)
    pixels = x.flatten(2).transpose(1, 2)
    share = F.softmax(pixels @ gather.pre_fea, dim=-1)
    published = F.relu(share.transpose(1, 2) @ (pixels @ gather.weight))
    torch.testing.assert_close(nodes, published, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_pixels_own_term_cancels_in_the_softmax_over_nodes() -> None:
    torch.manual_seed(0)
    spread, nodes, pixels = NodesToPixels(4, 6), torch.randn(2, 3, 4), torch.randn(2, 35, 6)
    own = pixels @ spread.node_fea_for_res  # [B, pixels, 1]
    heard = (nodes @ spread.node_fea_for_hidden).transpose(1, 2)  # [B, 1, nodes]
    published = F.relu((own + heard).softmax(2) @ (nodes @ spread.weight))  # [B, pixels, width]
    ours = spread(nodes).flatten(2).transpose(1, 2).expand_as(published)
    torch.testing.assert_close(ours, published, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_nodes_hear_their_likes_most_and_alone_without_a_graph() -> None:
    others = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    heard = similar(torch.tensor([[[5.0, 0.0], [1.0, 1.0]]]), others)
    e = float(torch.e)
    torch.testing.assert_close(heard, torch.tensor([[[e, 1], [0.5 * (e + 1)] * 2]]) / (e + 1))
    conv = GraphConv(2, 3)
    torch.testing.assert_close(conv(others, torch.eye(2)), conv(others))


def test_every_body_part_has_its_face_part() -> None:
    assert set(FACE_OF_BODY) == set(Body) and len(Body) == 20
    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    faces = faces_of(labels)
    assert faces.dtype == np.uint8 and faces.shape == (4, 5)
    assert faces.ravel().tolist() == [FACE_OF_BODY[part] for part in Body]
    bare = {part for part in Body if FACE_OF_BODY[part] == Face.NECK}
    assert {part.name for part in bare} == {
        "TORSO_SKIN", "LEFT_ARM", "RIGHT_ARM", "LEFT_LEG", "RIGHT_LEG"
    }  # fmt: skip
    assert [part for part in Body if not FACE_OF_BODY[part]] == [Body.BACKGROUND]


@pytest.mark.parametrize("label", [20, 255, -1])
def test_a_label_that_is_no_body_part_is_an_error(label: int) -> None:
    with pytest.raises(ValueError, match="wanted 0 to 19"):
        faces_of(np.array([0, label]))


def test_swaps_are_left_and_right_of_one_thing() -> None:
    for left, right in FLIP_SWAPS:
        assert left.name.removeprefix("LEFT") == right.name.removeprefix("RIGHT")
        assert FACE_OF_BODY[left] == FACE_OF_BODY[right]
    swapped = {part for pair in FLIP_SWAPS for part in pair}
    assert {part for part in Body if part.name.startswith(("LEFT", "RIGHT"))} == swapped
