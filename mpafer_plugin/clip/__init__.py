"""The only door to open_clip: architectures, weights, towers, tokens."""

from .architectures import FACE_TINY, architecture, embed_dim, image_size
from .frozen import FrozenModule, fingerprint
from .loading import load_clip
from .tokenizer import tokenize, word_tokens
from .towers import ImageTower, TextTower

__all__ = [
    'FACE_TINY',
    'FrozenModule',
    'ImageTower',
    'TextTower',
    'architecture',
    'embed_dim',
    'fingerprint',
    'image_size',
    'load_clip',
    'tokenize',
    'word_tokens',
]
