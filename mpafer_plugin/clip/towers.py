"""Towers of any model of open_clip that can be prompted."""

from typing import Any

from .hf_text_tower import HuggingFaceTextTower
from .image_tower import ImageTower
from .text_tower import TextTower
from .timm_image_tower import TimmImageTower


def image_tower(clip: Any, freeze: bool = True) -> ImageTower:
    """Make the image tower of a model of open_clip.

    Args:
        clip (open_clip.CLIP | open_clip.CustomTextCLIP): See
            :func:`load_clip`.
        freeze (bool): Whether its parameters are frozen. Defaults to True.
    """
    is_timm = hasattr(clip.visual, 'trunk')
    return (TimmImageTower if is_timm else ImageTower)(clip, freeze)


def text_tower(clip: Any) -> TextTower:
    """Make the frozen text tower of a model of open_clip.

    Args:
        clip (open_clip.CLIP | open_clip.CustomTextCLIP): See
            :func:`load_clip`.
    """
    text = getattr(clip, 'text', clip)
    if hasattr(text, 'token_embedding'):
        return TextTower(clip)
    return HuggingFaceTextTower(clip)
