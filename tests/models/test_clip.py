"""CLIP: how pictures come to it, how sentences do, and what its loss is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from unripple.conventions import BadText
from unripple.models import clip
from unripple.models.clip_text import PLAIN, imagenet_templates, tokenizer, tokens_of

VOCABULARY = 600


def small(*, residual: bool = True, side: int = 32) -> Any:
    """A CLIP of a few thousand weights."""
    torch.manual_seed(0)
    vision = (
        clip.CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, image_size=side)
        if residual
        else clip.CLIPVisionCfg(layers=1, width=64, patch_size=8, image_size=side)
    )
    text = clip.CLIPTextCfg(vocab_size=VOCABULARY, width=64, heads=1, layers=1)
    return clip.CLIP(16, vision, text, quick_gelu=True).eval()


@pytest.mark.parametrize("residual", [True, False])
def test_sizes_are_read_from_the_weights(residual: bool) -> None:
    net = small(residual=residual, side=64)
    state = net.state_dict()
    built = clip.build(state)
    built.load_state_dict(state)
    assert clip.side_px(built) == 64
    picture = torch.rand(2, 3, 64, 64)
    assert torch.equal(built.eval().encode_image(picture), net.encode_image(picture))


@pytest.mark.parametrize("side", [96, 128, 224, 256, 512])
def test_the_loss_sees_pixels_seven_times_and_then_their_means(side: int) -> None:
    """As published: Upsample(scale_factor=7), then AvgPool2d(side // 32), whatever the size."""
    pictures = torch.rand(1, 3, side, side) * 3 - 1.5  # no cutting off, no normalising
    repeated = pictures.repeat_interleave(7, 2).repeat_interleave(7, 3)
    wanted = F.avg_pool2d(repeated, side // 32)
    assert wanted.shape[-1] == 224
    assert torch.allclose(clip.area(pictures, 224), wanted, atol=1e-6)


def test_the_loss_is_one_minus_a_hundredth_of_the_published_logits() -> None:
    net = small(side=224)
    pictures = torch.rand(2, 3, 128, 128) * 2 - 1
    tokens = tokens_of(net, ["a face", "a hat"])
    with torch.no_grad():
        net.logit_scale.fill_(torch.tensor(100.0).log())
        logits, _ = net.get_logits(clip.area(pictures, 224), tokens)
        found = clip.text_loss(net, pictures, net.encode_text(tokens))
    assert torch.allclose(found, 1 - logits / 100, atol=1e-5)


def test_directions_see_another_picture_than_the_loss() -> None:
    """Normalised, resized as Pillow does it, cut off: the source's two methods differ in this."""
    picture = torch.full((1, 3, 64, 64), 3.0)
    seen = clip.prepared(picture, 224)
    white = [(1 - mean) / std for mean, std in zip(clip.MEAN, clip.STD, strict=True)]
    assert seen.shape[-1] == 224
    assert torch.allclose(seen[0, :, 5, 5], torch.tensor(white), atol=1e-5)
    assert torch.allclose(clip.area(picture, 224), torch.tensor(3.0))


def test_sentences_are_read_as_the_network_itself_reads_them() -> None:
    net = small()
    tokens = tokens_of(net, ["a face with glasses!!", "x"])
    with torch.no_grad():
        assert torch.allclose(clip.encode_text(net, tokens), net.encode_text(tokens), atol=1e-5)


def test_a_short_vocabulary_is_the_beginning_of_the_published_one() -> None:
    whole, cut = tokenizer(49408), tokenizer(2514)
    assert whole.vocab_size == 49408 and cut.vocab_size == 2514
    merges = list(whole.bpe_ranks)[: len(cut.bpe_ranks)]
    assert list(cut.bpe_ranks) == merges and len(merges) == 2000
    assert cut.decode(cut.encode("a face with glasses")).strip() == "a face with glasses"


def test_texts_that_nobody_could_read() -> None:
    net = small()
    with pytest.raises(BadText, match="--text: is empty"):
        tokens_of(net, ["  "], said_by="--text")
    with pytest.raises(BadText, match="tokens, CLIP reads 77 at most"):
        tokens_of(net, ["hat " * 80])


def test_templates() -> None:
    """StyleCLIP has 79: those of CLIP without that of many things; its descendant has two."""
    found = imagenet_templates()
    assert len(found) == 79 and "a photo of many {}." not in found
    assert all(template.count("{}") == 1 for template in (*found, *PLAIN))
