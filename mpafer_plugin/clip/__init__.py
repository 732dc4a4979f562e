"""CLIP towers, weights and tokens; the only package that uses open_clip."""

from .architectures import FACE_TINY, architecture, embed_dim, image_size
from .frozen import FrozenModule, fingerprint
from .loading import load_clip
from .tokenizer import find_equal_texts, tokenize, word_tokens
from .towers import (
    ImageTower,
    TextTower,
    is_attention_block,
    is_quick_gelu,
)

__all__ = [
    'FACE_TINY',
    'FrozenModule',
    'ImageTower',
    'TextTower',
    'architecture',
    'embed_dim',
    'find_equal_texts',
    'fingerprint',
    'image_size',
    'is_attention_block',
    'is_quick_gelu',
    'load_clip',
    'tokenize',
    'word_tokens',
]
