"""A feature editor of ours for StyleFeatureEditor: features are carried to where the edit has them.

The published editor redraws features by convolutions, which see a few of them around. A head that
turns moves its features by a quarter of the picture, so what they leave behind shows as a second
pair of eyes. Here the guide's features before and after the edit are matched all with all, which
tells where each feature comes from. What the photo's features have beyond the guide's is sampled
there, as far as it is to be seen, and added to the guide's edited ones.

Sources of the idea: Xu et al. 2022 (GMFlow), section 3.1, for the matching; `models.flow` for the
visibility.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unripple.models.flow import Flow, pixel_centres, warp, warped_details
from unripple.models.layers.conv_bn import ConvBNReLU
from unripple.models.layers.precision import Exact, full_precision
from unripple.models.sfe import FeatureMixer

SHARPNESS, REACH = 2.5, 2.5
"""Logarithms, to begin with: of the factor on the cosine of two descriptions, and on the squared
distance of their places, where the side is 2."""


class FeatureFlow(nn.Module):
    """Optical flow between two maps of features, found at half of their side.

    Args:
        width: channels of the maps.
        described: channels by which they are compared.
        hidden: channels of the net that corrects what the comparison says.
    """

    def __init__(self, width: int, described: int = 32, hidden: int = 48) -> None:
        super().__init__()
        self.describe = nn.Sequential(
            ConvBNReLU(width, described, stride=2), nn.Conv2d(described, described, 3, 1, 1)
        )
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS))
        self.reach = nn.Parameter(torch.tensor(REACH))
        self.near = ConvBNReLU(2 * described + 3, hidden)
        self.far = nn.Sequential(
            ConvBNReLU(hidden, hidden, stride=2), ConvBNReLU(hidden, hidden, stride=2)
        )
        self.back = ConvBNReLU(2 * hidden, hidden)
        self.correct = nn.Conv2d(hidden, 4, 3, 1, 1)
        # Small, and not 0: a visibility that is 1 everywhere could not learn to be less.
        nn.init.normal_(self.correct.weight, std=0.01)
        nn.init.zeros_(self.correct.get_parameter("bias"))

    def forward(self, before: Tensor, after: Tensor) -> Flow:
        """Find where the features of an edit come from, [B, width, h, h] each.

        Of no edit at all the flow is 0, and all is visible.
        """
        # One batch, so that norms in training treat both alike.
        old, new = self.describe(torch.cat((before, after))).float().chunk(2)
        # What the net says where nothing was edited is its own fault.
        found = self._found(torch.cat((old, old)), torch.cat((new, old)))
        (offsets, own_offsets), (gates, own_gates) = (part.chunk(2) for part in found)
        # All is visible where the net says what it says of no edit.
        visibility = (gates[:, :1] - own_gates[:, :1]).abs().neg().exp()
        redraw_error = gates[:, 1:].sigmoid()
        size = before.shape[2:]
        parts = (offsets - own_offsets, visibility, redraw_error)
        return Flow(*(F.interpolate(part, size=size, mode="bilinear") for part in parts))

    def _found(self, old: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets [B, 2, n, n], and logits of both gates, likewise."""
        matched, certainty = self._matched(old, new)
        x = self.near(torch.cat((warp(old, matched), new, matched, certainty), dim=1))
        far = F.interpolate(self.far(x), size=x.shape[2:], mode="bilinear")
        correction = self.correct(self.back(torch.cat((x, far), dim=1))).float()
        return matched + correction[:, :2], correction[:, 2:]

    def _matched(self, old: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
        """Mean place of what looks alike, nearer ones preferred; and how sure that is."""
        centres = pixel_centres(old).flatten(0, 1)  # [N, 2]
        with full_precision(old):
            one = F.normalize(new.flatten(2), dim=1).transpose(1, 2)  # [B, N, C]
            other = F.normalize(old.flatten(2), dim=1)  # [B, C, N]
            apart = (centres[:, None] - centres).square().sum(2)  # [N, N]
            likeness = torch.exp(self.sharpness) * (one @ other) - torch.exp(self.reach) * apart
            share = likeness.softmax(dim=2)
            found = share @ centres - centres  # [B, N, 2]
        rows, columns = old.shape[2:]
        offsets = found.transpose(1, 2).reshape(-1, 2, rows, columns)
        return offsets, share.amax(2).reshape(-1, 1, rows, columns)


class Led(NamedTuple):
    """What codes draw by themselves where features enter, [B, width, h, h] each.

    Attributes:
        guide: e4e's codes, before the edit.
        edited: the codes of the features, after it: what stands in the picture that the edited
            features go into.
    """

    guide: Tensor
    edited: Tensor


class FlowMixer(Exact):
    """The feature editor: carries features by a flow, then mixes as the published one.

    Args:
        width: channels of the features.
        blocks: residual units.
        described, hidden: see `FeatureFlow`.
    """

    def __init__(
        self, width: int = 512, blocks: int = 5, described: int = 32, hidden: int = 48
    ) -> None:
        super().__init__()
        self.flow = FeatureFlow(width, described, hidden)
        self.mixer = FeatureMixer(width, blocks)

    def forward(self, features: Tensor, change: Tensor, led: Led) -> Tensor:
        """Edit features.

        Args:
            features: of the photo, [B, width, h, h].
            change: of the guide's features, original minus edited, likewise. Where it is 0
                everywhere, nothing is carried anywhere.
            led: what the codes draw.

        Returns:
            [B, width, h, h].
        """
        parts = torch.stack((features, change, *led))

        def compute(given: Tensor) -> Tensor:
            features, change, *drawn = given
            led = Led(*drawn)
            return self.carried(features, change, led, self.found(change, led.guide))

        return self.exactly(compute, parts)

    def found(self, change: Tensor, guide: Tensor) -> Flow:
        """The flow of an edit, at the side of the features."""
        return self.flow(guide, guide - change)

    def carried(self, features: Tensor, change: Tensor, led: Led, flow: Flow) -> Tensor:
        """Edit features by a flow that was found: what the guide lacks of them goes with it."""
        after = led.guide - change
        details = warped_details(flow, features - led.guide, led.guide, after)
        return self.mixer(after.float() + details.visible, led.edited)


def edited(
    editor: FeatureMixer | FlowMixer, features: Tensor, change: Tensor, led: Callable[[], Led]
) -> Tensor:
    """Edit features by either editor.

    Args:
        editor: the published one, or ours.
        features, change: see `FlowMixer`.
        led: draws what the codes draw, where that is asked for.
    """
    given = (led(),) if isinstance(editor, FlowMixer) else ()
    moved: Tensor = editor(features, change, *given)
    return moved


def sizes_from_state(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the arguments of `FlowMixer` from a state dict."""
    described, width = state["flow.describe.0.conv.weight"].shape[:2]
    names = {key.split(".")[2] for key in state if key.startswith("mixer.body.")}
    return {
        "width": width,
        "blocks": len(names),
        "described": described,
        "hidden": state["flow.near.conv.weight"].shape[0],
    }
