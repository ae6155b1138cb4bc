"""CurricularFace, the identity network of the published metrics: an aligned face to a unit vector.

Source: Huang et al. 2020; weights of HuangYG123/CurricularFace in the layout and key names of
TreB1eN/InsightFace_Pytorch (MIT), as HyperStyle and StyleFeatureEditor carry them. Their
`CurricularFace_Backbone.pth` loads strictly into `CurricularFace()`.
"""

from __future__ import annotations

from unripple.models.irse import Backbone, sizes_from_state
from unripple.models.layers.irse import WIDTHS_50

__all__ = ["UNITS_101", "CurricularFace", "sizes_from_state"]

UNITS_101 = (3, 13, 30, 3)
"""Units per group of the published 101-layer trunk, as wide as the 50-layer one."""


class CurricularFace(Backbone):
    """IR-101: the trunk of the IR-SE net, deeper, plain units, a last norm without weights.

    Takes faces whose five landmarks lie at ArcFace's reference points, and calls like `Backbone`.

    Args:
        input_size, widths, units, embedding, dropout: as in `Backbone`.
    """

    def __init__(
        self,
        input_size: int = 112,
        widths: tuple[int, ...] = WIDTHS_50,
        units: tuple[int, ...] = UNITS_101,
        embedding: int = 512,
        *,
        dropout: float = 0.4,
    ) -> None:
        super().__init__(
            input_size, widths, units, embedding, dropout=dropout, squeeze=False, affine=False
        )
