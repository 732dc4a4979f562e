"""CLIP towers, weights and tokens; the only package that uses open_clip."""

from .architectures import FACE_TINY, architecture, embed_dim, image_size
from .frozen import FrozenModule, fingerprint
from .hf_tokenizer import load_tokenizer
from .image_tower import ImageTower
from .loading import build_clip, load_clip
from .prompted_block import frozen_mlp, prompted_block, queries_keys_values
from .text_tower import TextTower
from .tokenizer import Tokenizer, find_equal_texts, word_tokens
from .towers import image_tower, text_tower
from .weights import normalization

__all__ = [
    'FACE_TINY',
    'FrozenModule',
    'ImageTower',
    'TextTower',
    'Tokenizer',
    'architecture',
    'build_clip',
    'embed_dim',
    'find_equal_texts',
    'fingerprint',
    'frozen_mlp',
    'image_size',
    'image_tower',
    'load_clip',
    'load_tokenizer',
    'normalization',
    'prompted_block',
    'queries_keys_values',
    'text_tower',
    'word_tokens',
]
