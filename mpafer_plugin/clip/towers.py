from typing import TYPE_CHECKING

import torch
from mmengine.logging import print_log
from torch import nn

from .frozen import FrozenModule
from .prompted_block import prompted_block

if TYPE_CHECKING:
    from open_clip import CLIP


class ImageTower(FrozenModule):
    """Image tower of a CLIP with access to its blocks.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.
        freeze (bool): Whether its parameters are frozen. Defaults to True.

    Attributes:
        width (int): Channels of a token, d_v.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        grid (tuple[int, int]): Rows and columns of patches; the number of
            patches N is their product.
        image_size (tuple[int, int]): Height and width of the input.
    """

    def __init__(self, clip: 'CLIP', freeze: bool = True):
        super().__init__()
        self.visual = clip.visual
        self.width: int = clip.visual.transformer.width
        self.embed_dim: int = clip.visual.output_dim
        self.grid: tuple[int, int] = clip.visual.grid_size
        self.image_size: tuple[int, int] = tuple(clip.visual.image_size)
        if freeze:
            self.freeze()

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer's residual blocks."""
        return self.visual.transformer.resblocks

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (B, 3, H, W) as tokens (B, 1 + N, d_v).

        Images take the dtype of the weights: data preprocessors give float32,
        also to a model after ``.half()``.

        Raises:
            ValueError: If the images are not of the tower's input size.
        """
        if tuple(images.shape[1:]) != (3, *self.image_size):
            raise ValueError(
                f'images have shape {tuple(images.shape)}, expected '
                f'(B, 3, {self.image_size[0]}, {self.image_size[1]}): resize '
                'them, or give PromptedCLIPViT their image_size'
            )
        with self.own_precision():
            return self.visual._embeds(images.to(self.dtype))

    def resize(self, image_size: tuple[int, int]) -> None:
        """Take images of another size, by resized position embeddings.

        The grid of positions is interpolated as by open_clip's
        ``resize_pos_embed`` (bicubic, antialiased), here also to and from
        grids that are not square.

        Args:
            image_size (tuple[int, int]): Height and width in pixels.

        Raises:
            ValueError: If they are not multiples of the patch's.
        """
        # Imported here, as open_clip imports it: it takes a second.
        from timm.layers import resample_abs_pos_embed

        patch = self.visual.patch_size
        if len(image_size) != 2 or any(
            not isinstance(side, int) or side < 1 or side % part
            for side, part in zip(image_size, patch, strict=True)
        ):
            raise ValueError(
                f'image_size={image_size!r} is not (height, width) in '
                f'multiples of the patches of {patch[0]} x {patch[1]} pixels'
            )
        grid = image_size[0] // patch[0], image_size[1] // patch[1]
        positions = self.visual.positional_embedding  # (1 + N, d_v)
        resized = resample_abs_pos_embed(
            positions.detach()[None], list(grid), list(self.grid)
        )
        self.visual.positional_embedding = nn.Parameter(
            resized[0], positions.requires_grad
        )
        print_log(
            f'CLIP image tower: positions resized from {self.grid[0]} x '
            f'{self.grid[1]} to {grid[0]} x {grid[1]} patches, for images of '
            f'{image_size[0]} x {image_size[1]} pixels (height x width)',
            logger='current',
        )
        self.grid = self.visual.grid_size = grid
        self.image_size = self.visual.image_size = image_size

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        """Project tokens (..., d_v) into the joint space (..., D).

        Patch tokens pass through the norm and projection that CLIP trained
        for its class token (paper, "Cross-modal global-local alignment").
        """
        with self.own_precision():
            return self.visual.ln_post(tokens) @ self.visual.proj


class TextTower(FrozenModule):
    """Frozen text tower of a CLIP that takes token embeddings.

    Args:
        clip (open_clip.CLIP): A CLIP of a supported architecture.

    Attributes:
        width (int): Channels of a token, d_t.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        context_length (int): Maximum number of tokens of a text.
    """

    def __init__(self, clip: 'CLIP'):
        super().__init__()
        self.token_embedding = clip.token_embedding
        self.positional_embedding = clip.positional_embedding
        self.transformer = clip.transformer
        self.ln_final = clip.ln_final
        self.text_projection = clip.text_projection
        self.logit_scale = clip.logit_scale
        self.width: int = clip.transformer.width
        self.embed_dim: int = clip.text_projection.shape[1]
        self.context_length: int = clip.context_length
        self.freeze()

    def forward(
        self, embeddings: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode token embeddings.

        Only the positions up to the end of the longest text are computed.
        This is exact: attention is causal, so padding behind the end-of-text
        token has no effect on it.

        Args:
            embeddings (torch.Tensor): Token embeddings, without positions,
                of shape (T, L, d_t).
            lengths (torch.Tensor): Number of tokens of each text, of shape
                (T, ), start and end of text included.

        Returns:
            torch.Tensor: Features in the joint space, not normalised, of
            shape (T, D).
        """
        positions = self.positional_embedding[: embeddings.shape[1]]
        with self.own_precision():
            x = embeddings.to(self.dtype) + positions
            for block in self.transformer.resblocks:
                x = prompted_block(block, x, None, causal=True)  # (T, L, d_t)
            x = x[torch.arange(len(x), device=x.device), lengths - 1]
            return self.ln_final(x) @ self.text_projection  # (T, D)

    def encode_tokens(
        self, tokens: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Encode tokens (T, L) of texts with ``lengths`` (T, )."""
        return self(self.token_embedding(tokens), lengths)
