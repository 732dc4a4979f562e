"""The only door to open_clip: architectures, weights, towers, tokens."""

from .architectures import FACE_TINY, architecture, embed_dim, image_size
from .fingerprint import fingerprint
from .frozen import FrozenModule
from .image_tower import ImageTower
from .loading import load_clip
from .text_tower import TextTower
from .tokenizer import tokenize, word_tokens

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
