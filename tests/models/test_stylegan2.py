"""The generator's laws: equal to the plain per-sample formulas, whatever the batch or layout."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.layers.modulated import ModulatedConv2d
from unripple.models.layers.upsampling import Upsample
from unripple.models.stylegan2 import Generator, sizes_from_state, truncated

SLIM = {"size": 32, "style_dim": 24, "n_mlp": 3, "channels": {4: 20, 8: 16, 16: 12, 32: 8}}


@pytest.fixture
def net() -> Generator:
    torch.manual_seed(0)
    return Generator(**SLIM)


@pytest.fixture
def w_plus(net: Generator) -> Tensor:
    return torch.randn(3, net.n_codes, net.style_dim)


def zeros_inserted(x: Tensor) -> Tensor:
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def filtered(x: Tensor) -> Tensor:
    """Convolve every channel with [1, 3, 3, 1] x [1, 3, 3, 1] / 16, no padding."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    planes = x.reshape(-1, 1, *x.shape[2:])
    planes = F.conv2d(planes, torch.outer(taps, taps)[None, None] / 16)
    return planes.reshape(*x.shape[:2], *planes.shape[2:])


def per_sample(conv: ModulatedConv2d, x: Tensor, style: Tensor) -> Tensor:
    """The published way: a weight per sample, one convolution each."""
    out = []
    for features, scale in zip(x, style, strict=True):
        weight = conv.weight[0] * conv.scale * scale[None, :, None, None]
        if conv.demodulate:
            weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if conv.blur is None:
            out.append(F.conv2d(features[None], weight, padding=conv.padding))
        else:
            big = F.conv_transpose2d(features[None], weight.transpose(0, 1), stride=2)
            out.append(filtered(F.pad(big, (1, 1, 1, 1))))
    return torch.cat(out)


@pytest.mark.parametrize(
    "kind", [{}, {"upsample": True}, {"kernel": 1, "demodulate": False}], ids=str
)
def test_modulated_convolution_equals_a_weight_per_sample(kind: dict[str, bool]) -> None:
    torch.manual_seed(1)
    conv = ModulatedConv2d(10, 7, 5, **kind)
    x = torch.randn(4, 10, 9, 9)
    style = conv.modulation(torch.randn(4, 5))
    torch.testing.assert_close(conv(x, style), per_sample(conv, x, style), atol=2e-5, rtol=1e-5)


@torch.no_grad()
def test_demodulated_output_has_unit_variance_whatever_the_style() -> None:
    torch.manual_seed(2)
    conv = ModulatedConv2d(64, 64, 5)
    y = conv(torch.randn(4, 64, 16, 16), 100 * torch.rand(4, 64))
    assert 0.8 < float(y.std()) < 1.2


def test_gain_multiplies_the_result() -> None:
    torch.manual_seed(3)
    for demodulate in (True, False):
        conv = ModulatedConv2d(6, 5, 4, demodulate=demodulate)
        x, style = torch.randn(2, 6, 8, 8), torch.rand(2, 6)
        torch.testing.assert_close(conv(x, style, gain=3.0), 3.0 * conv(x, style))


def test_upsample_equals_zero_insertion_and_filter() -> None:
    x = torch.randn(2, 3, 6, 6)
    wanted = filtered(F.pad(zeros_inserted(x), (2, 1, 2, 1)))
    torch.testing.assert_close(Upsample()(x), wanted)
    assert torch.allclose(Upsample()(torch.ones(1, 1, 8, 8))[..., 1:-1, 1:-1], torch.tensor(1.0))


def test_sizes_are_read_from_the_weights(net: Generator) -> None:
    sizes = sizes_from_state(net.state_dict())
    assert sizes == SLIM
    Generator(**sizes).load_state_dict(net.state_dict(), strict=True)


def test_embedded_size_builds() -> None:
    channels = {4: 160, 8: 160, 16: 128, 32: 96, 64: 64, 128: 32}
    net = Generator(size=128, style_dim=256, n_mlp=4, channels=channels)
    assert net.n_codes == 12
    assert net.synthesize(torch.randn(1, 12, 256)).shape == (1, 3, 128, 128)


@torch.no_grad()
def test_fresh_weights_keep_scale() -> None:
    torch.manual_seed(5)
    net = Generator(size=32, style_dim=64, n_mlp=3, channels=dict.fromkeys((4, 8, 16, 32), 96))
    w = net.map(torch.randn(8, 64))
    seen: list[Tensor] = []
    taps = {i: lambda x: (seen.append(x), x)[1] for i in range(net.n_codes - 1)}
    picture = net.synthesize(w[:, None].expand(-1, net.n_codes, -1), inject=taps)
    assert len(seen) == 7
    assert all(0.4 < float(x.square().mean().sqrt()) < 1.6 for x in [w, *seen])
    assert 0.4 < float(picture.std()) < 4.0


def test_mapping_is_independent_of_the_multiplier_at_birth() -> None:
    z = torch.randn(5, 24)
    codes = []
    for lr_mlp in (0.01, 1.0):
        torch.manual_seed(4)
        codes.append(Generator(**SLIM, lr_mlp=lr_mlp).map(z))
    torch.testing.assert_close(codes[0], codes[1])


def test_z_counts_by_direction_only(net: Generator) -> None:
    z = torch.randn(2, net.style_dim)
    torch.testing.assert_close(net.map(z), net.map(5 * z))


def test_batch_gives_the_pictures_of_its_members(net: Generator, w_plus: Tensor) -> None:
    alone = torch.cat([net.synthesize(code[None]) for code in w_plus])
    torch.testing.assert_close(net.synthesize(w_plus), alone, atol=1e-4, rtol=1e-4)


def test_noise_modes(net: Generator, w_plus: Tensor) -> None:
    silent = net.synthesize(w_plus, noise="none")
    for layer in (net.conv1, *net.convs):
        torch.nn.init.constant_(layer.noise.weight, 0.3)
    assert torch.equal(net.synthesize(w_plus, noise="none"), silent)
    assert torch.equal(net.synthesize(w_plus), net.synthesize(w_plus))
    assert not torch.equal(net.synthesize(w_plus), silent)

    def random(seed: int) -> Tensor:
        rng = torch.Generator().manual_seed(seed)
        return net.synthesize(w_plus, noise="random", rng=rng)

    assert torch.equal(random(1), random(1))
    assert not torch.equal(random(1), random(2))
    twins = net.synthesize(w_plus[:1].expand(2, -1, -1), noise="random")
    assert not torch.equal(twins[0], twins[1]), "every sample has noise of its own"


def test_codes_and_layers_meet_as_published(net: Generator, w_plus: Tensor) -> None:
    """A change of code c leaves all features before convolution c as they are."""
    for code in range(net.n_codes):
        other = w_plus.clone()
        other[:, code] += 1.0
        before, after = ([], [])
        for seen, codes in ((before, w_plus), (after, other)):
            taps = {i: lambda x, s=seen: (s.append(x), x)[1] for i in range(net.n_codes - 1)}
            net.synthesize(codes, inject=taps)
        equal = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        assert equal == [i < code for i in range(net.n_codes - 1)]


def test_injection_changes_what_follows(net: Generator, w_plus: Tensor) -> None:
    plain = net.synthesize(w_plus)
    assert torch.equal(net.synthesize(w_plus, inject={3: lambda x: x}), plain)
    silenced = net.synthesize(w_plus, inject={net.n_codes - 2: torch.zeros_like})
    assert not torch.allclose(silenced, plain)


def test_style_space_renders_the_same(net: Generator, w_plus: Tensor) -> None:
    styles = net.styles(w_plus)
    channels = [20, 20, 20, 16, 16, 16, 12, 12, 12, 8, 8]
    assert [style.shape[1] for style in styles] == channels
    assert torch.equal(net.render(styles), net.synthesize(w_plus))


@torch.no_grad()
def test_bfloat16_channels_last_stays_close(net: Generator, w_plus: Tensor) -> None:
    exact = net.synthesize(w_plus)
    net.to(memory_format=torch.channels_last)
    assert net.conv1.conv.weight.shape == (1, 20, 20, 3, 3)
    with torch.autocast("cpu", torch.bfloat16):
        fast = net.synthesize(w_plus)
        styles = net.styles(w_plus)
    assert fast.dtype == torch.float32
    assert all(style.dtype == torch.float32 for style in styles)
    assert float((fast - exact).std() / exact.std()) < 0.02


def test_every_weight_learns(net: Generator) -> None:
    w = net.map(torch.randn(2, net.style_dim))
    picture = net.synthesize(w[:, None].expand(-1, net.n_codes, -1))
    picture.square().mean().backward()
    idle = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def relative(got: Tensor, wanted: Tensor) -> float:
    return float((got - wanted).abs().max() / wanted.abs().max())


@torch.no_grad()
def test_stopping_early_gives_the_running_picture(net: Generator, w_plus: Tensor) -> None:
    """One sample: whether a batch is watched decides how its sums are grouped."""
    seen: dict[int, Tensor] = {}
    w_plus = w_plus[:1]
    last = net.synthesize(w_plus, on_resolution=seen.__setitem__)
    assert list(seen) == [4, 8, 16, 32]
    assert torch.equal(seen[32], last)
    for side, picture in seen.items():
        assert torch.equal(net.synthesize(w_plus, resolution=side), picture)


@torch.no_grad()
def test_stopping_early_draws_the_same_noise(net: Generator, w_plus: Tensor) -> None:
    for layer in (net.conv1, *net.convs):
        torch.nn.init.constant_(layer.noise.weight, 0.3)
    seen: dict[int, Tensor] = {}
    rng = torch.Generator().manual_seed(7)
    net.synthesize(w_plus, noise="random", rng=rng, on_resolution=seen.__setitem__)
    early = net.synthesize(w_plus, noise="random", rng=rng.manual_seed(7), resolution=16)
    assert torch.equal(early, seen[16])


WIDTHS = (10, 10, 7, 7, 12, 12, 3, 3)


def sliced(net: Generator) -> Generator:
    """A network of its own with the first channels of every layer, as `WIDTHS` says."""
    small = Generator(**{**SLIM, "channels": {4: 10, 8: 7, 16: 12, 32: 3}})
    state = {}
    for name, wanted in small.state_dict().items():
        full = net.state_dict()[name]
        part = full[tuple(slice(n) for n in wanted.shape)].clone()
        if part.dim() == 5:  # both divide by the root of their own fan-in
            part *= (part.shape[2] / full.shape[2]) ** 0.5
        state[name] = part
    small.load_state_dict(state, strict=True)
    return small


@pytest.mark.parametrize("resolution", [8, 32])
@torch.no_grad()
def test_slicing_equals_a_sliced_network(net: Generator, w_plus: Tensor, resolution: int) -> None:
    for layer in (net.conv1, *net.convs):
        torch.nn.init.constant_(layer.noise.weight, 0.3)
        torch.nn.init.normal_(layer.activate.bias)
    wanted = sliced(net).synthesize(w_plus, resolution=resolution)
    cut = {"widths": WIDTHS, "resolution": resolution}
    assert relative(net.synthesize(w_plus, **cut), wanted) < 1e-5
    alone = torch.cat([net.synthesize(code[None], **cut) for code in w_plus])
    assert relative(net.synthesize(w_plus, **cut), alone) < 1e-5
    net.to(memory_format=torch.channels_last)
    assert relative(net.synthesize(w_plus, **cut), wanted) < 1e-5


@torch.no_grad()
def test_convolutions_of_one_resolution_may_differ_in_width(net: Generator, w_plus: Tensor) -> None:
    seen: list[int] = []
    taps = {i: lambda x: (seen.append(x.shape[1]), x)[1] for i in range(net.n_codes - 1)}
    widths = (5, 20, 16, 2, 1, 9, 8, 4)
    net.synthesize(w_plus, widths=widths, inject=taps)
    assert tuple(seen) == widths[1:]
    every = (20, 20, 16, 16, 12, 12, 8, 8)
    assert torch.equal(net.synthesize(w_plus, widths=every), net.synthesize(w_plus))


def with_offsets(net: Generator, offsets: dict[int, Tensor], sample: int) -> Generator:
    """A copy whose weights are those of one sample."""
    own = copy.deepcopy(net)
    convs = [own.conv1.conv, own.to_rgb1.conv]
    for k, to_rgb in enumerate(own.to_rgbs):
        convs += [own.convs[2 * k].conv, own.convs[2 * k + 1].conv, to_rgb.conv]
    for number, offset in offsets.items():
        chosen = offset[sample if len(offset) > 1 else 0]
        convs[number].weight.copy_(convs[number].weight * (1 + chosen))
    return own


@pytest.mark.parametrize("cut", [{}, {"widths": WIDTHS, "resolution": 16}], ids=["whole", "cut"])
@torch.no_grad()
def test_weight_offsets_equal_a_network_per_sample(
    net: Generator, w_plus: Tensor, cut: dict[str, object]
) -> None:
    torch.manual_seed(6)
    offsets = {
        0: 0.3 * torch.randn(3, 20, 20, 3, 3),
        1: 0.3 * torch.randn(3, 3, 20, 1, 1),
        2: 0.3 * torch.randn(3, 16, 20, 1, 1),  # one per pair of channels
        5: 0.3 * torch.randn(1, 12, 16, 3, 3),  # one for all samples
        9: 0.3 * torch.randn(3, 8, 8, 3, 3),
    }
    got = net.synthesize(w_plus, weight_offsets=offsets, **cut)
    wanted = torch.cat(
        [
            with_offsets(net, offsets, i).synthesize(w_plus[i, None], **cut)
            for i in range(len(w_plus))
        ]
    )
    assert relative(got, wanted) < 1e-5
    assert relative(got, net.synthesize(w_plus, **cut)) > 1e-2


def test_offsets_of_zero_change_nothing_and_learn(net: Generator, w_plus: Tensor) -> None:
    offset = torch.zeros(3, 16, 16, 3, 3, requires_grad=True)
    picture = net.synthesize(w_plus, weight_offsets={3: offset})
    assert relative(picture.detach(), net.synthesize(w_plus).detach()) < 1e-5
    picture.square().mean().backward()
    assert offset.grad is not None
    assert offset.grad.flatten(1).any(dim=1).all()


def test_rows_lay_codes_out(net: Generator) -> None:
    one, two = torch.randn(2, 1, 24), torch.randn(2, 2, 24)
    assert torch.equal(net.rows(one), one.repeat(1, 8, 1))
    mixed = net.rows(two, crossover=3)
    assert torch.equal(mixed[:, :3], two[:, :1].repeat(1, 3, 1))
    assert torch.equal(mixed[:, 3:], two[:, 1:].repeat(1, 5, 1))
    assert net.rows(mixed) is mixed
    with pytest.raises(ValueError, match="crossover: got None, wanted 1 to 7"):
        net.rows(two)
    with pytest.raises(ValueError, match=r"w: got \(2, 3, 24\)"):
        net.rows(torch.zeros(2, 3, 24))


def test_truncation_moves_towards_the_mean() -> None:
    w, mean = torch.randn(3, 5), torch.randn(5)
    assert torch.equal(truncated(w, mean, psi=1.0), w)
    assert torch.equal(truncated(w, mean, psi=0.0), mean.expand(3, 5))
    torch.testing.assert_close(truncated(w, mean, psi=0.5), (w + mean) / 2)


def test_cuts_that_cannot_be_are_refused(net: Generator) -> None:
    codes = torch.zeros(2, 8, 24)
    for side in (2, 24, 64):
        with pytest.raises(ValueError, match=f"resolution: got {side}, wanted a power of 2 from 4"):
            net.synthesize(codes, resolution=side)
    with pytest.raises(ValueError, match="widths: got 2 numbers, wanted 8"):
        net.synthesize(codes, widths=(4, 4))
    with pytest.raises(ValueError, match=r"widths\[2\]: got 17, wanted 1 to 16"):
        net.synthesize(codes, widths=(20, 20, 17, 16, 12, 12, 8, 8))
    with pytest.raises(ValueError, match=r"no styled convolution \[3\], wanted 0 to 2"):
        net.synthesize(codes, inject={3: lambda x: x}, resolution=8)
    with pytest.raises(ValueError, match="weight_offsets: no convolution 11, wanted 0 to 10"):
        net.synthesize(codes, weight_offsets={11: torch.zeros(1)})
    with pytest.raises(ValueError, match=r"weight_offsets\[0\]: got \(3, 20, 20, 3, 3\)"):
        net.synthesize(codes, weight_offsets={0: torch.zeros(3, 20, 20, 3, 3)})


def test_errors_say_what_was_wanted(net: Generator) -> None:
    with pytest.raises(ValueError, match=r"w_plus: got \(2, 9, 24\), wanted \[B, 8, 24\]"):
        net.synthesize(torch.zeros(2, 9, 24))
    with pytest.raises(ValueError, match=r"no styled convolution \[7\], wanted 0 to 6"):
        net.synthesize(torch.zeros(2, 8, 24), inject={7: lambda x: x})
    with pytest.raises(ValueError, match="noise: got 'loud'"):
        net.synthesize(torch.zeros(2, 8, 24), noise="loud")
    with pytest.raises(ValueError, match="size: got 96"):
        Generator(size=96)
    with pytest.raises(ValueError, match=r"nothing for resolutions \[64\]"):
        Generator(size=64, channels=SLIM["channels"])


def test_half_the_bits_stay_out_of_the_small_layers(net: Generator, w_plus: Tensor) -> None:
    def halved(exact_px: int) -> Tensor:
        net.exact_px = exact_px
        with torch.autocast("cpu", torch.bfloat16):
            return net.synthesize(w_plus)

    with torch.no_grad():
        exact = net.synthesize(w_plus)
        styles_alone, careful, loose = (halved(px) - exact for px in (net.size, 8, 0))
    assert styles_alone.norm() < careful.norm() < loose.norm()
