"""The two discriminators of training: one looks at patches of a picture, one at a latent code."""

from __future__ import annotations

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """Tells real from generated patches, which overlap; also gives its features, for matching.

    Source: Isola et al. 2017, Wang et al. 2018; layout and key names of the discriminator in
    advimman/lama (Apache-2.0), whose published model uses ndf 64 and 4 layers.

    Args:
        ndf: channels of the first layer; each further one doubles them, up to 512.
        n_layers: convolutions of stride 2; a patch is 16, 34, 70 and 142 px wide for 1 to 4.
        channels: of the pictures.
    """

    def __init__(self, ndf: int = 64, n_layers: int = 4, *, channels: int = 3) -> None:
        super().__init__()
        widths = [min(ndf * 2**level, 512) for level in range(n_layers + 1)]
        layers = [nn.Sequential(_conv(channels, widths[0], stride=2), nn.LeakyReLU(0.2))]
        for level in range(1, n_layers + 1):
            stride = 2 if level < n_layers else 1
            layers.append(
                nn.Sequential(
                    _conv(widths[level - 1], widths[level], stride=stride),
                    nn.BatchNorm2d(widths[level]),
                    nn.LeakyReLU(0.2),
                )
            )
        layers.append(nn.Sequential(_conv(widths[-1], 1, stride=1)))
        self.n_stages = len(layers)
        for level, layer in enumerate(layers):
            self.add_module(f"model{level}", layer)

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Score pictures.

        Args:
            picture: float [B, channels, H, W].

        Returns:
            Logits per patch, float32 [B, 1, h, w], positive for real; and the features of every
            layer before, finest first.
        """
        x, features = picture, []
        for level in range(self.n_stages):
            x = self.get_submodule(f"model{level}")(x)
            features.append(x)
        return features.pop().float(), features


class LatentDiscriminator(nn.Module):
    """Tells codes of the mapping network from codes of an encoder.

    Source: Nitzan et al. 2020; Tov et al. 2021, section 4.2; layout of omertov/encoder4editing.

    Args:
        style_dim: size of a code.
        n_mlp: linear layers.
    """

    def __init__(self, style_dim: int = 512, n_mlp: int = 4) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(n_mlp - 1):
            layers.extend([nn.Linear(style_dim, style_dim), nn.LeakyReLU(0.2)])
        self.mlp = nn.Sequential(*layers, nn.Linear(style_dim, 1))

    def forward(self, codes: Tensor) -> Tensor:
        """Return a logit per code, float32 [..., 1], positive for real; codes [..., style_dim]."""
        logits: Tensor = self.mlp(codes)
        return logits.float()


def _conv(fan_in: int, width: int, *, stride: int) -> nn.Conv2d:
    # 2 px of padding around a 4x4 kernel, as published: a map at stride 1 grows by a pixel.
    return nn.Conv2d(fan_in, width, 4, stride, padding=2)
