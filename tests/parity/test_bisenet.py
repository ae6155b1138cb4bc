"""BiSeNet against the published parser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from unripple.models.bisenet import BiSeNet, normalised, sizes_from_state

from .goldens import Golden, read_golden


def test_bisenet_matches_the_published_parser(shared: Path) -> None:
    golden = read_golden(shared, "bisenet")
    net = BiSeNet(**sizes_from_state(golden.state))
    net.load_state_dict(golden.state, strict=True)
    net.eval()
    with torch.inference_mode():
        main, half, quarter = net(golden.inputs["x"])
        outputs = {"logits_x": main, "logits16_x": half, "logits32_x": quarter}
        outputs["logits"] = net(_published_input(golden))[0]
    outputs["labels"] = outputs["logits"].argmax(1)[0]
    golden.check(outputs)


def test_published_sizes_are_the_defaults(shared: Path) -> None:
    sizes = sizes_from_state(read_golden(shared, "bisenet").state)
    assert sizes == {"n_classes": 19, "widths": (64, 64, 128, 256, 512), "stem_stride": 4}


def _published_input(golden: Golden) -> torch.Tensor:
    image = Image.fromarray(golden.inputs["image"].numpy())
    resized = np.asarray(image.resize((512, 512), Image.Resampling.BILINEAR))
    picture = torch.from_numpy(resized.copy()).permute(2, 0, 1)[None]  # [1, 3, 512, 512]
    return normalised(picture.float() / 127.5 - 1)
