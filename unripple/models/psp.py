"""pSp: e4e's elder, whose heads each give a whole row of w+.

Source: Richardson et al. 2021; layout and key names of eladrich/pixel2style2pixel (MIT). Its
`psp_ffhq_encode.pt` loads strictly into `PSPEncoder()` after the prefix `encoder.` is cut off. Keys
and shapes are e4e's, so no state dict tells the two apart: the options in the file do.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unripple.models.e4e import Encoder, head_level, sizes_from_state

__all__ = ["PSPEncoder", "sizes_from_state"]


class PSPEncoder(Encoder):
    """The encoder; arguments and call are those of `e4e.Encoder`.

    `delta_codes` has no meaning here: it must be left out.
    """

    def _codes(self, picture: Tensor, last: int) -> Tensor:
        if last != self.n_codes - 1:
            raise ValueError(f"delta_codes: got {last}; rows of pSp do not build on each other")
        levels = self.features(picture)
        rows = [head(levels[head_level(i)]) for i, head in enumerate(self.styles)]
        return torch.stack(rows, dim=1)
