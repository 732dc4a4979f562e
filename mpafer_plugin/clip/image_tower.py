from typing import TYPE_CHECKING

import torch
from torch import nn

from .frozen import FrozenModule

if TYPE_CHECKING:
    from open_clip import CLIP


class ImageTower(FrozenModule):
    """Image tower of a CLIP, opened at its blocks.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.
        freeze (bool): Whether it never learns. Defaults to True.

    Attributes:
        width (int): Channels of a token, d_v.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        grid (tuple[int, int]): Rows and columns of patches; N is their
            product.
        image_size (tuple[int, int]): Height and width of the input.
    """

    def __init__(self, clip: 'CLIP', freeze: bool = True):
        super().__init__()
        self.visual = clip.visual
        self.width: int = clip.visual.transformer.width
        self.embed_dim: int = clip.visual.output_dim
        self.grid: tuple[int, int] = clip.visual.grid_size
        self.image_size: tuple[int, int] = clip.visual.image_size
        if freeze:
            self.freeze()

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer's residual blocks."""
        return self.visual.transformer.resblocks

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Turn images (B, 3, H, W) into tokens (B, 1 + N, d_v).

        Raises:
            ValueError: If the images don't have the tower's size.
        """
        if tuple(images.shape[1:]) != (3, *self.image_size):
            raise ValueError(
                f'images of shape {tuple(images.shape)} given to a tower '
                f'that takes (B, 3, {self.image_size[0]}, '
                f'{self.image_size[1]})'
            )
        return self.visual._embeds(images)

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        """Take tokens (..., d_v) into the joint space (..., D).

        Every token goes through the norm and projection that CLIP trained for
        its class token [method, "Cross-modal global-local alignment"].
        """
        return self.visual.ln_post(tokens) @ self.visual.proj
