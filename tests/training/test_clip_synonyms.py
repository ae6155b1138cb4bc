"""Teaching a CLIP further phrases: they mean what known ones mean, and nothing else moves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from unripple.conventions import BadConfig
from unripple.models.clip import encode_text
from unripple.training import cards, clip, clip_synonyms, latents
from unripple.training.clip_synonyms import SynonymTask, in_known_words
from unripple.training.clip_words import PREDICATES, SYNONYMS
from unripple.training.shards import FaceShards

from .factor_faces import write_factor_shards

SIZES = {"embed": 16, "width": 8, "layers": (1, 1, 1, 1), "text_width": 64, "text_layers": 1}


def test_synonyms_are_phrases_of_what_they_mean() -> None:
    for phrase, known in SYNONYMS.items():
        assert any({phrase, known} <= {*one.yes, *one.no} for one in PREDICATES)
        assert all(phrase != one.unseen for one in PREDICATES)
    assert in_known_words("a man with hair down the forehead") == "a man with a fringe"


def task(tmp_path: Path) -> SynonymTask:
    write_factor_shards(tmp_path / "data", size=32)
    data = [FaceShards(tmp_path / "data", clip.FIELDS, split) for split in ("train", "val")]
    torch.manual_seed(0)
    return SynonymTask(*data, latents.small_generator(32), batch_size=16, lr=2e-3, sizes=SIZES)


def test_new_phrases_are_learned_and_pictures_are_seen_as_before(tmp_path: Path) -> None:
    made = task(tmp_path)
    batch = made.draw(torch.Generator().manual_seed(0))
    with pytest.raises(BadConfig, match="--init"):
        made.losses(batch)
    path = tmp_path / "clip.safetensors"
    cards.save_half(path, made.net.state_dict(), role="clip", **made.metadata())
    made.start_from(path)
    before = {name: value.clone() for name, value in made.net.state_dict().items()}
    assert not torch.equal(batch["tokens"], batch["known"])
    first = float(made.losses(batch)["loss"].detach())
    for step in range(12):
        made.train_step(batch, step)
    assert float(made.losses(batch)["loss"].detach()) < 0.5 * first
    after = made.net.state_dict()
    assert all(torch.equal(after[n], before[n]) for n in before if n.startswith("visual."))
    new, known = (made.cut([text]) for text in ("hair down the forehead", "a fringe"))
    with torch.no_grad():
        near = F.cosine_similarity(encode_text(made.net, new), encode_text(made.known, known))
        start = F.cosine_similarity(encode_text(made.known, new), encode_text(made.known, known))
    assert float(near) > float(start)


def test_without_a_teacher_nothing_begins(capsys: pytest.CaptureFixture[str]) -> None:
    from unripple.training.__main__ import parser_for

    chosen = parser_for("clip_synonyms").parse_args([])
    with pytest.raises(BadConfig, match="--init"):
        clip_synonyms.build(chosen)
