"""pSp: each row of codes on its own, relative to a mean that its file holds."""

from __future__ import annotations

from unripple.stages.encoders import Encoder
from unripple.stages.encoders.e4e import codes

METHOD = Encoder(name="psp", help="rows of codes on their own, relative to a mean", codes=codes)
