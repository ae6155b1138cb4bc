"""Sentences for CLIP: templates and tokens.

Tokens are those of open_clip's tokenizer (MIT), a copy of OpenAI's. A network with fewer tokens
than the published one uses the beginning of the same table of merges, so its vocabulary is told by
its weights alone.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from unripple.conventions import BadText

_SPECIAL = 2 * 256 + 2  # bytes, bytes that end a word, start and end of a sentence
_LEFT_OUT = "a photo of many {}."

PLAIN = ("{}", "a photo of {}")
"""The two templates of yubin1219/text2image_manipulation."""


@lru_cache(maxsize=1)
def imagenet_templates() -> tuple[str, ...]:
    """The 79 templates of StyleCLIP: CLIP's 80 for ImageNet without that of many things."""
    from open_clip import OPENAI_IMAGENET_TEMPLATES

    templates = (template("{}") for template in OPENAI_IMAGENET_TEMPLATES)
    return tuple(template for template in templates if template != _LEFT_OUT)


TEMPLATES = ("plain", "imagenet")
"""Names of sets of templates."""


def templates_of(name: str) -> tuple[str, ...]:
    """The templates of a set, each with one `{}`."""
    return imagenet_templates() if name == "imagenet" else PLAIN


@lru_cache(maxsize=4)
def tokenizer(vocabulary: int, context: int = 77) -> Any:
    """open_clip's tokenizer with so many tokens; the published one has 49,408."""
    from open_clip.tokenizer import SimpleTokenizer, default_bpe

    with gzip.open(default_bpe()) as file:
        lines = file.read().decode().split("\n")
    table = "\n".join(lines[: 1 + vocabulary - _SPECIAL])  # the first line is no merge
    return SimpleTokenizer(io.BytesIO(gzip.compress(table.encode())), context_length=context)


def tokens_of(net: nn.Module, texts: Sequence[str], *, said_by: str = "text") -> Tensor:
    """Tokens [B, context] of sentences.

    Args:
        net: the CLIP that will read them.
        texts: sentences.
        said_by: what gave them, for messages, like `--text`.

    Raises:
        BadText: one says nothing, or is too long; none is ever cut off.
    """
    clip: Any = net
    cut = tokenizer(int(clip.vocab_size), int(clip.context_length))
    for text in texts:
        if not text.strip():
            raise BadText(
                f"{said_by}: is empty; say what shall be seen, like 'a face with glasses'"
            )
        length = len(cut.encode(text)) + 2
        if length > clip.context_length:
            shown = text if len(text) <= 60 else f"{text[:57]}..."
            raise BadText(
                f"{said_by}: {shown!r} has {length} tokens, CLIP reads {clip.context_length} at "
                "most; say it in fewer words"
            )
    return cut(list(texts))
