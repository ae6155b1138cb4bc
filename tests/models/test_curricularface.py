"""CurricularFace: the identity trunk with plain units, and its last norm."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unripple.models.curricularface import UNITS_101, CurricularFace, sizes_from_state
from unripple.models.irse import Backbone

SLIM = {"input_size": 48, "widths": (8, 8, 16, 24, 32), "units": (1, 2, 3, 1), "embedding": 20}


@pytest.fixture
def net() -> CurricularFace:
    torch.manual_seed(0)
    return CurricularFace(**SLIM).eval()


def faces(n: int, seed: int = 1) -> Tensor:
    return torch.rand(n, 3, 48, 48, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_sizes_are_read_from_the_weights(net: CurricularFace) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    CurricularFace(**sizes).load_state_dict(net.state_dict(), strict=True)


def test_default_is_the_published_depth() -> None:
    with torch.device("meta"):
        net = CurricularFace()
    assert len(net.body) == sum(UNITS_101) == 49
    assert net.output_layer[3].weight.shape == (512, 512 * 7 * 7)


def test_neither_squeezes_nor_scales_its_last_norm(net: CurricularFace) -> None:
    keys = set(net.state_dict())
    assert not [key for key in keys if ".fc1." in key or ".fc2." in key]
    assert {key for key in keys if key.startswith("output_layer.4.")} == {
        "output_layer.4.running_mean",
        "output_layer.4.running_var",
        "output_layer.4.num_batches_tracked",
    }
    with pytest.raises(RuntimeError, match="Missing key"):
        Backbone(**SLIM).load_state_dict(net.state_dict(), strict=True)


@torch.no_grad()
def test_the_embedding_is_the_vector_brought_to_length_one(net: CurricularFace) -> None:
    x = faces(3)
    vector, embedding = net.before_norm(x), net(x)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(embedding * vector.norm(dim=1, keepdim=True), vector)


@torch.no_grad()
def test_a_batch_is_embedded_as_its_faces_alone(net: CurricularFace) -> None:
    x = faces(4)
    alone = torch.cat([net(face[None]) for face in x])
    torch.testing.assert_close(net(x), alone, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_autocast_gives_float32_within_one_percent(net: CurricularFace) -> None:
    exact = net.before_norm(faces(2))
    with torch.autocast("cpu", torch.bfloat16):
        rough = net.before_norm(faces(2))
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).norm() / exact.norm()) < 0.01


def test_another_crop_size_is_an_error(net: CurricularFace) -> None:
    with pytest.raises(ValueError, match=r"face: got \(1, 3, 112, 112\), wanted"):
        net(torch.zeros(1, 3, 112, 112))
