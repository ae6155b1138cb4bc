"""Laws of the landmark, pose and attribute nets, the discriminators and the perceptual distance."""

from __future__ import annotations

import pytest
import torch

from unripple.models import attributes, landmarks, pose
from unripple.models.attributes import AttributeNet
from unripple.models.bisenet import BiSeNet
from unripple.models.discriminator import (
    LatentDiscriminator,
    PatchDiscriminator,
)
from unripple.models.landmarks import LandmarkNet, soft_argmax
from unripple.models.perceptual import FeatureDistance
from unripple.models.pose import PoseNet


def test_a_sharp_peak_is_found_at_its_cells_centre() -> None:
    heatmaps = torch.zeros(1, 2, 4, 8)
    heatmaps[0, 0, 1, 6] = 100
    heatmaps[0, 1, 3, 0] = 100
    expected = torch.tensor([[[6.5 / 8, 1.5 / 4], [0.5 / 8, 3.5 / 4]]])
    torch.testing.assert_close(soft_argmax(heatmaps), expected)


def test_two_equal_peaks_are_found_halfway() -> None:
    heatmaps = torch.zeros(1, 1, 4, 4)
    heatmaps[0, 0, 2, 1] = heatmaps[0, 0, 2, 2] = 100
    torch.testing.assert_close(soft_argmax(heatmaps), torch.tensor([[[0.5, 2.5 / 4]]]))


def test_landmarks_lie_in_the_picture_and_are_precise_under_autocast() -> None:
    torch.manual_seed(0)
    net = LandmarkNet((8, 8, 16, 16), head=8).eval()
    picture = torch.rand(3, 3, 64, 64) * 2 - 1
    assert net.heatmaps(picture).shape == (3, 5, 16, 16)
    exact = net(picture)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = net(picture)
    assert exact.shape == (3, 5, 2)
    assert 0 < exact.min() < exact.max() < 1
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.004, rtol=0)


def test_pose_is_three_float32_angles_at_any_size() -> None:
    net = PoseNet((8, 8, 16), hidden=8).eval()
    for size in (64, 128):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            angles = net(torch.randn(2, 3, size, size))
        assert angles.shape == (2, 3)
        assert angles.dtype == torch.float32


def test_attributes_have_their_units_and_switches_are_chances() -> None:
    torch.manual_seed(0)
    net = AttributeNet((8, 8, 16), hidden=8, n_factors=3).eval()
    net.switch[1] = True
    net.mean[0], net.spread[0] = 5.0, 2.0
    pictures = torch.randn(4, 3, 64, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores, seen = net.scores(pictures), net(pictures)
    assert seen.dtype == scores.dtype == torch.float32
    torch.testing.assert_close(seen[:, 0], 5 + 2 * scores[:, 0])
    torch.testing.assert_close(seen[:, 1], scores[:, 1].sigmoid())
    torch.testing.assert_close(seen[:, 2], scores[:, 2])


@pytest.mark.parametrize(
    ("module", "net"),
    [
        (landmarks, LandmarkNet((8, 8, 16, 24), head=12, n_points=7)),
        (pose, PoseNet((8, 8, 16), hidden=24)),
        (attributes, AttributeNet((8, 8, 16), hidden=24, n_factors=5)),
    ],
    ids=["landmarks", "pose", "attributes"],
)
def test_sizes_are_read_from_the_state(module: object, net: torch.nn.Module) -> None:
    sizes = module.sizes_from_state(net.state_dict())  # type: ignore[attr-defined]
    type(net)(**sizes).load_state_dict(net.state_dict(), strict=True)


@pytest.mark.parametrize(
    "net",
    [
        LandmarkNet((8, 8, 16), head=8),
        PoseNet((8, 8, 16), hidden=8),
        AttributeNet((8, 8, 16), hidden=8),
        PatchDiscriminator(8, 2),
    ],
    ids=["landmarks", "pose", "attributes", "patches"],
)
def test_all_weights_learn(net: torch.nn.Module) -> None:
    torch.manual_seed(0)
    out = net(torch.randn(2, 3, 64, 64))
    (out[0] if isinstance(out, tuple) else out).square().sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ("net", "widths"), [(LandmarkNet, (8, 8)), (PoseNet, (8,)), (AttributeNet, (8,))]
)
def test_too_few_widths_are_named(net: type[torch.nn.Module], widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least"):
        net(widths)


@pytest.mark.parametrize(("n_layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_patch_logit_sees_its_patch_and_no_more(n_layers: int, patch: int) -> None:
    torch.manual_seed(0)
    net = PatchDiscriminator(4, n_layers).eval()
    picture = torch.randn(1, 3, 160, 160, requires_grad=True)
    logits, features = net(picture)
    assert len(features) == n_layers + 1
    middle = logits.shape[2] // 2
    logits[0, 0, middle, middle].backward()
    assert picture.grad is not None
    seen = picture.grad.abs().sum((0, 1, 2)).nonzero()
    assert int(seen.max() - seen.min()) + 1 == patch


def test_patch_discriminator_keeps_the_published_keys_and_sizes() -> None:
    net = PatchDiscriminator(8, 3)
    convolutions = [key for key in net.state_dict() if key.endswith(".0.weight")]
    assert convolutions == [f"model{level}.0.weight" for level in range(5)]


def test_latent_discriminator_judges_every_code() -> None:
    net = LatentDiscriminator(16, n_mlp=3)
    assert net(torch.randn(4, 6, 16)).shape == (4, 6, 1)


@pytest.fixture
def distance() -> FeatureDistance:
    torch.manual_seed(0)
    return FeatureDistance(BiSeNet(19, (8, 8, 16, 24, 32), stem_stride=2))


def test_distance_is_nothing_to_itself_symmetric_and_bounded(distance: FeatureDistance) -> None:
    a, b = torch.rand(2, 3, 3, 64, 64) * 2 - 1
    assert distance(a, a).tolist() == [0.0] * 3
    torch.testing.assert_close(distance(a, b), distance(b, a))
    assert 0 < distance(a, b).min() < distance(a, b).max() < 2


def test_distance_grows_with_the_disturbance(distance: FeatureDistance) -> None:
    a, noise = torch.rand(1, 3, 64, 64) - 0.5, torch.randn(1, 3, 64, 64)
    steps = [float(distance(a, a + amount * noise)) for amount in (0.05, 0.1, 0.2)]
    assert steps == sorted(steps)
    assert steps[0] < steps[-1]


def test_distance_teaches_the_picture_and_never_the_trunk(distance: FeatureDistance) -> None:
    distance.train()
    assert not any(module.training for module in distance.modules())
    picture = torch.rand(1, 3, 64, 64, requires_grad=True)
    distance(picture, torch.rand(1, 3, 64, 64)).sum().backward()
    assert picture.grad is not None and bool(picture.grad.isfinite().all())
    assert picture.grad.abs().sum() > 0
    assert all(p.grad is None for p in distance.parameters())


def test_distance_does_not_touch_the_parser_it_was_made_from() -> None:
    parser = BiSeNet(19, (8, 8, 16, 24, 32))
    FeatureDistance(parser)
    assert parser.training
    assert all(p.requires_grad for p in parser.parameters())


def test_weights_choose_where_the_distance_looks(distance: FeatureDistance) -> None:
    fine = FeatureDistance(_parser_of(distance), levels=(0,))
    a = torch.rand(1, 3, 64, 64)
    b = a.clone()
    b[:, :, :, 48:] = 0
    left, right = torch.zeros(2, 1, 1, 64, 64)
    left[..., :32], right[..., 48:] = 1, 1
    assert float(fine(a, b, left)) == 0
    assert float(fine(a, b, right)) > float(fine(a, b)) > 0
    assert float(fine(a, b, torch.zeros(1, 1, 64, 64))) == 0


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="levels"):
        FeatureDistance(BiSeNet(19, (8, 8, 16, 24, 32)), levels=(0, 5))


def _parser_of(distance: FeatureDistance) -> BiSeNet:
    parser = BiSeNet(19, (8, 8, 16, 24, 32), stem_stride=2)
    parser.cp.resnet.load_state_dict(distance.trunk.state_dict())
    return parser
