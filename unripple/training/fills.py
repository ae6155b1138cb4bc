"""How good a fill of a background is, beside Telea's, where a turned head would uncover it."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from unripple.conventions import Mask, Photo
from unripple.metrics import ghost, regions
from unripple.ops.inpainting import telea
from unripple.ops.tensors import to_photos
from unripple.training import holes

GROW_PX = 2  # of the held-out holes around the person


class HeldOutFills:
    """Held-out plates with whole people as holes, and where their other pose uncovers them.

    Attributes:
        plate: float32 [P, 3, S, S] in [0, 1].
        hole: float32 [P, 1, S, S].
        disoccluded: bool [P, S, S].
        baseline: Telea's fill, uint8 [P, S, S, 3].
    """

    def __init__(self, plate: Tensor, hole: Tensor, disoccluded: list[Mask]) -> None:
        self.plate, self.hole, self.disoccluded = plate, hole, disoccluded
        self.truth = photos(plate)
        masked = self.truth * (hole[:, 0, :, :, None] < 0.5).numpy()
        gaps = (hole[:, 0] > 0.5).numpy()
        self.baseline = np.stack([telea(*pair) for pair in zip(masked, gaps, strict=True)])

    @classmethod
    def of(cls, plate: Tensor, alpha: Tensor) -> HeldOutFills:
        """From the rows of a batch in which 2k and 2k+1 are one person."""
        person = (alpha.cpu() > 127).numpy()
        hole = holes.grow((alpha[::2].cpu() > 127).float()[:, None], GROW_PX)
        pairs = zip(person[::2], person[1::2], strict=True)
        disoccluded = [regions.disoccluded(before, after) for before, after in pairs]
        return cls(plate[::2].cpu().float() / 255, hole, disoccluded)

    def figures(self, fill: Photo) -> dict[str, float]:
        """Medians over people of PSNR, L1, texture energy and texture return where disoccluded."""
        rows = [
            fill_figures(picture, truth, place)
            for picture, truth, place in zip(fill, self.truth, self.disoccluded, strict=True)
            if place.sum() >= regions.MIN_PIXELS
        ]
        if not rows:
            return {}
        medians = np.nanmedian(np.array(rows), axis=0)
        return dict(zip(("psnr", "l1", "energy", "beta"), medians.tolist(), strict=True))


def fill_figures(fill: Photo, truth: Photo, place: Mask) -> tuple[float, float, float, float]:
    """PSNR in dB, mean absolute error of range 0 to 1, texture energy, texture return in a place.

    Texture is what is finer than a Gaussian of 1.5 px at 128 px; its energy is an rms over the
    truth's, its return the least-squares share of the truth's.
    """
    error = (fill[place].astype(np.float64) - truth[place]) / 255
    fill_fine, true_fine = (
        regions.fine(picture)[place].astype(np.float64) for picture in (fill, truth)
    )
    size = regions.rms(true_fine)
    faint = size < ghost.FAINT
    return (
        float(-10 * np.log10(np.maximum(np.mean(error**2), 1e-10))),
        float(np.abs(error).mean()),
        np.nan if faint else regions.rms(fill_fine) / size,
        np.nan if faint else float((fill_fine * true_fine).sum() / (true_fine * true_fine).sum()),
    )


def photos(pictures: Tensor) -> Photo:
    """Pictures [B, 3, S, S] in [0, 1] -> uint8 [B, S, S, 3]."""
    return to_photos(2 * pictures - 1)
