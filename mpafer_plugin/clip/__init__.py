"""CLIP towers, weights and tokens; the only package that uses open_clip."""

from .architectures import FACE_TINY, architecture, embed_dim, image_size
from .frozen import FrozenModule, fingerprint
from .loading import load_clip
from .prompted_block import frozen_mlp, prompted_block
from .tokenizer import find_equal_texts, tokenize, word_tokens
from .towers import ImageTower, TextTower

__all__ = [
    'FACE_TINY',
    'FrozenModule',
    'ImageTower',
    'TextTower',
    'architecture',
    'embed_dim',
    'find_equal_texts',
    'fingerprint',
    'frozen_mlp',
    'image_size',
    'load_clip',
    'prompted_block',
    'tokenize',
    'word_tokens',
]
