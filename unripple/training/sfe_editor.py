"""Phase 2 of StyleFeatureEditor: the editor of features, on top of a frozen inverter.

Every batch has photos that are to stay as they are, and edits with a known outcome. There are two
kinds of those, mixed at will:

- as published (`generator`): the photo is drawn by its guide's codes, and its target by the edited
  ones. Directions and their powers are a table.
- true pairs (`true`), which only a rendered world has: the codes of one photo are turned to the
  pose of the person's other photo, which is the target. What the person hid in the first one
  cannot be known and counts 0.

Generator, e4e and inverter stay in evaluation mode, norms included (in the source, those drift).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor

from unripple.conventions import Photo
from unripple.models import sfe
from unripple.models.e4e import Encoder
from unripple.models.flow import Flow
from unripple.models.sfe_flow import FlowMixer, Led
from unripple.models.stylegan2 import Generator
from unripple.training import grids, losses, sfe_nets, true_pairs
from unripple.training.flow import DISOCCLUSION_WEIGHT, FLOW_WEIGHT, endpoint_error_px
from unripple.training.loop import Batch
from unripple.training.precision import autocast
from unripple.training.sfe_losses import shown
from unripple.training.sfe_task import PhaseStep, SfeOptions, SfeTask
from unripple.training.shards import FaceShards, FolderPhotos

PART = 16  # held-out faces at a time
SHOWN_EDITS = 4
DRAWN = "drawn_"  # prefix of the fields of photos that are drawn again before they are edited


class Edits(NamedTuple):
    """Photos, what shall become of them, and the codes that lead there.

    Attributes:
        photo, target, observed: see `true_pairs.PairedBatch`.
        person: where a discriminator looks at the target, [B, 1, S, S] in [0, 1].
        guide, edited: e4e's codes before and after, [B, L, W].
    """

    photo: Tensor
    target: Tensor
    observed: Tensor
    person: Tensor
    guide: Tensor
    edited: Tensor


class EditorTask(SfeTask[sfe.FeatureMixer | FlowMixer]):
    """The feature editor; see `loop.Task`.

    Args:
        data, held_out: photos; shards with `training.flow.FIELDS` where true pairs are asked for.
        generator: frozen.
        encoder: frozen e4e, which guides edits, and the mean w of its codes.
        inverter: frozen.
        kind: see `sfe_nets.small_editor`.
        real: share of a batch that is to stay as it is, in [0, 1].
        pairs: share of the edits that are true pairs, likewise.
        table: what the other edits add to every code, [style_dim] each.
        options: see `SfeOptions`.
    """

    role = "sfe_editor"

    def __init__(
        self,
        data: FaceShards | FolderPhotos,
        held_out: FaceShards | FolderPhotos,
        generator: Generator,
        encoder: tuple[Encoder, Tensor],
        inverter: sfe.Inverter,
        *,
        kind: str = "flow",
        real: float = 0.375,
        pairs: float = 1.0,
        table: Sequence[Tensor] = (),
        **options: Unpack[SfeOptions],
    ) -> None:
        net = sfe_nets.small_editor(kind)
        super().__init__(net, data, held_out, generator, encoder, **options)
        self.arch = "sfe_flow.FlowMixer" if kind == "flow" else "sfe.FeatureMixer"
        self.inverter, self.kind = inverter, kind
        self.real, self.pairs, self.table = real, pairs, list(table)

    def draw(self, rng: torch.Generator) -> Batch:
        """Photos that stay, then true pairs; and those that are drawn again, with their edits."""
        n_real = round(self.real * self.batch_size)
        n_true = round(self.pairs * (self.batch_size - n_real))
        n_drawn = self.batch_size - n_real - n_true
        same = self.data.batch(n_real, rng) if n_real else None
        batch = same or {}
        if n_true:
            assert isinstance(self.data, FaceShards)
            batch = true_pairs.with_pairs(same, *self.data.pairs(n_true, rng))
        if n_drawn:
            batch = batch | {DRAWN + "photo": self.data.batch(n_drawn, rng)["photo"]}
            batch[DRAWN + "edit"] = torch.randint(len(self.table), (n_drawn,), generator=rng)
        return batch

    def edits(self, batch: Batch) -> Edits:
        """What a batch asks for: photos that stay, true pairs, the generator's pairs."""
        parts = []
        if "photo" in batch:
            case = true_pairs.PairedBatch.of(batch, self.device)
            guide = self.codes(case.photo)
            person = shown(batch, case.photo)
            if case.factors is not None:
                alpha = batch[true_pairs.TARGET + "alpha"].to(self.device).float() / 255
                person = torch.cat((person[: case.n], alpha[:, None]))
            edited = self.turned(guide, case)
            parts.append(Edits(case.photo, case.target, case.observed, person, guide, edited))
        if DRAWN + "photo" in batch:
            guide = self.codes(grids.from_uint8(batch[DRAWN + "photo"].to(self.device)))
            chosen = torch.stack([self.table[n] for n in batch[DRAWN + "edit"].tolist()])
            edited = guide + chosen.to(guide)[:, None]
            photo, target = self._drawn(guide), self._drawn(edited)
            whole = torch.ones_like(photo[:, :1])
            parts.append(Edits(photo, target, whole, whole, guide, edited))
        return Edits(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def drawn_after(
        self, net: sfe.FeatureMixer | FlowMixer, photo: Tensor, guide: Tensor, edited: Tensor
    ) -> tuple[Tensor, Flow | None]:
        """Draw photos after an edit, as the stages do.

        Args:
            net: the editor that learns, or its average.
            photo: [B, 3, S, S] in [-1, 1].
            guide, edited: see `Edits`; the inverter's codes move as the guide does.

        Returns:
            pictures [B, 3, S, S], and the flow at the side of the features, where there is one.
        """
        with autocast(self.device):
            with torch.no_grad():
                codes, predicted = self.inverter(photo)
                w_plus, side = codes + self.latent_avg, predicted.shape[-1]
                _, own = self._lower(w_plus, side)
                features = self.inverter.fuser(predicted, own)
                guides = [self._lower(one, side)[1] for one in (guide, edited)]
                moved_codes = w_plus + (edited - guide)
                picture, after = self._lower(moved_codes, side)
                styles = self.generator.styles(moved_codes)
            change, flow = guides[0] - guides[1], None
            if isinstance(net, FlowMixer):
                flow = net.found(change, guides[0])
                moved = net.carried(features, change, Led(guides[0], after), flow)
            else:
                moved = net(features, change)
            return sfe_nets.upper(self.generator, styles, moved, picture), flow

    def _lower(self, w_plus: Tensor, side_px: int) -> tuple[Tensor, Tensor]:
        features, picture = sfe_nets.lower(self.generator, self.generator.styles(w_plus), side_px)
        return picture, features

    def take(self, batch: Batch, step: int) -> PhaseStep:  # noqa: ARG002
        """Draw each target from what is known of its photo."""
        edits = self.edits(batch)
        drawn, flow = self.drawn_after(self.net, edits.photo, edits.guide, edits.edited)
        seen = edits.target + (drawn - edits.target) * edits.observed
        figures = {**self.auxiliary(seen, edits.target), **flow_losses(batch, flow)}
        weights = {"flow_px": FLOW_WEIGHT, "left": DISOCCLUSION_WEIGHT, **self.auxiliary.weights}
        return PhaseStep(figures, weights, drawn, edits.target, edits.person)

    @torch.no_grad()
    def judged(self, edits: Edits) -> tuple[Tensor, Flow | None]:
        """What the averaged net makes of edits, a few at a time."""
        columns = (edits.photo, edits.guide, edits.edited)
        parts = zip(*(torch.split(column, PART) for column in columns), strict=True)
        pictures, flows = zip(
            *(self.drawn_after(self.average, *part) for part in parts), strict=True
        )
        flow = None
        if flows[0] is not None:
            flow = Flow(*(torch.cat(column) for column in zip(*flows, strict=True)))
        return torch.cat(pictures), flow

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR of inversions, and nearness to true edits, on held-out people."""
        still = self.edits({"photo": self.held_out["photo"]})
        figures = {"psnr_db": losses.psnr(self.judged(still)[0], still.photo)}
        if has_pairs(self.held_out):
            batch = true_pairs.swapped(self.held_out)
            edits = self.edits(batch)
            drawn, flow = self.judged(edits)
            figures |= true_pairs.figures(self.held_out, drawn)
            plain = true_pairs.figures(self.held_out, self._drawn(edits.edited))
            figures["edit_psnr_e4e_db"] = plain["edit_psnr_db"]
            figures |= {name: float(value) for name, value in flow_losses(batch, flow).items()}
        return figures

    @torch.no_grad()
    def sample(self) -> Photo:
        """Photos and their inversions; their partners, and edits to them by e4e and by us.

        Special pictures have no partners; they are edited by some of the table.
        """
        few = self.looked_at()
        still = self.edits({"photo": few["photo"]})
        strips = [still.photo, self.judged(still)[0]]
        if has_pairs(few):
            edits = self.edits(true_pairs.swapped(few))
            strips += [edits.target, self._drawn(edits.edited), self.judged(edits)[0]]
        if self.special is not None:
            for move in self.table[:: max(1, len(self.table) // SHOWN_EDITS)]:
                edited = still.guide + move.to(still.guide)
                strips += [self._drawn(edited), self.judged(still._replace(edited=edited))[0]]
        return grids.rows(*strips)

    def notes(self) -> str:
        """For the card."""
        kind = "which carries them by a flow" if self.kind == "flow" else "as published"
        return (
            f"StyleFeatureEditor's editor of features of {sfe_nets.SIZE // 2} px, {kind}. "
            f"{self.real:.0%} of the training were photos that stay; {self.pairs:.0%} of the edits "
            "were true pairs."
        )


def has_pairs(faces: Batch) -> bool:
    """Whether photos are true pairs."""
    return set(true_pairs.FIELDS) <= set(faces)


def flow_losses(batch: Batch, flow: Flow | None) -> dict[str, Tensor]:
    """How far the flow of true pairs is off, and how much of the person it leaves behind.

    Args:
        batch: see `EditorTask.draw`.
        flow: of all its rows, at the side of the features; None without one.

    Returns:
        px of the photo, and a mean share; nothing without flow or pairs.
    """
    if flow is None or true_pairs.TARGET + "photo" not in batch:
        return {}
    case = true_pairs.PairedBatch.of(batch, flow.offsets.device)
    size = case.photo.shape[2:]
    offsets, visibility = (
        F.interpolate(part[: len(case.photo)], size=size, mode="bilinear")
        for part in (flow.offsets, flow.visibility)
    )
    return {
        "flow_px": endpoint_error_px(batch, offsets[case.n :]),
        "left": true_pairs.disocclusion_loss(visibility, case),
    }
