"""A light adversarial term on the person alone.

On whole pictures it painted stripes into the background, whose detail no code can know; so the
discriminator sees real and generated pictures with everything but the person blanked.

Source: Goodfellow et al. 2014 (non-saturating), Mescheder et al. 2018 (R1), Wang et al. 2018
(feature matching).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.models.discriminator import PatchDiscriminator
from unripple.training.loop import adam, optimizer_step, parameters, to_device
from unripple.training.precision import autocast

R1_EVERY = 16
R1_WEIGHT = 1.0
MATCHING_WEIGHT = 2.0


class PersonDiscriminator:
    """A patch discriminator that learns beside a generator.

    Args:
        device: where it lives.
        width: channels of its first layer.
    """

    def __init__(self, device: str, width: int = 24) -> None:
        self.device = device
        self.net = to_device(PatchDiscriminator(width, n_layers=3), device)
        self.optimizer = adam(parameters(self.net), 1e-3, (0.0, 0.99))

    def generator_loss(self, picture: Tensor, target: Tensor, person: Tensor) -> Tensor:
        """What the generator minimises: fool the discriminator, match its true features.

        Args:
            picture: generated, [B, 3, S, S].
            target: the true picture of the same face.
            person: [B, 1, S, S] in [0, 1].
        """
        with autocast(self.device):
            logits, features = self.net(picture * person)
            with torch.no_grad():
                _, true_features = self.net(target * person)
        pairs = zip(features, true_features, strict=True)
        feature_matching = torch.stack(
            [(a.float() - b.float()).abs().mean() for a, b in pairs]
        ).mean()
        return F.softplus(-logits).mean() + MATCHING_WEIGHT * feature_matching

    def train_step(self, picture: Tensor, target: Tensor, person: Tensor, step: int) -> Tensor:
        """One step of the discriminator, with R1 now and then; its loss."""
        fake, real = (picture.detach() * person), (target * person)
        with autocast(self.device):
            fake_logits, real_logits = self.net(fake)[0], self.net(real)[0]
        loss = F.softplus(fake_logits).mean() + F.softplus(-real_logits).mean()
        total = loss
        if step % R1_EVERY == 0:
            # R1 on the truth alone, every so many steps and as many times as heavy (lazy
            # regularisation, Karras et al. 2020, section 3.1).
            real = real.requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.net(real)[0].mean(), real, create_graph=True)
            total = loss + R1_EVERY * R1_WEIGHT / 2 * gradient.square().sum((1, 2, 3)).mean()
        optimizer_step(total, self.optimizer)
        return loss.detach()
