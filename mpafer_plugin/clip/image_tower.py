import math
from typing import TYPE_CHECKING, Any

import torch
from mmengine.logging import print_log
from torch import nn

from .frozen import FrozenModule

if TYPE_CHECKING:
    from open_clip import CLIP


class ImageTower(FrozenModule):
    """Image tower of a CLIP, open_clip's own ViT, with access to its blocks.

    Args:
        clip (open_clip.CLIP): A CLIP with such a tower.
        freeze (bool): Whether its parameters are frozen. Defaults to True.

    Attributes:
        width (int): Channels of a token, d_v.
        embed_dim (int): Dimensions of CLIP's joint space, D.
        grid (tuple[int, int]): Rows and columns of patches; the number of
            patches N is their product.
        image_size (tuple[int, int]): Height and width of the input.
        prefix (int): Number of tokens before the patches: the class token,
            if there is one.
    """

    def __init__(self, clip: 'CLIP', freeze: bool = True):
        super().__init__()
        self._open(clip)
        if freeze:
            self.freeze()

    def _open(self, clip: Any) -> None:
        self.visual = clip.visual
        self.width: int = clip.visual.transformer.width
        self.embed_dim: int = clip.visual.output_dim
        self.grid: tuple[int, int] = clip.visual.grid_size
        self.image_size: tuple[int, int] = tuple(clip.visual.image_size)
        self.prefix = 1

    @property
    def blocks(self) -> nn.ModuleList:
        """The transformer's residual blocks."""
        return self.visual.transformer.resblocks

    @property
    def rope(self) -> torch.Tensor | None:
        """Rotary positions of the patches, see :func:`prompted_block`."""
        return None

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (B, 3, H, W) as T = prefix + N tokens (B, T, d_v).

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
            return self._embed(images.to(self.dtype))

    def _embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.visual._embeds(images)

    def resize(self, image_size: tuple[int, int]) -> None:
        """Take images of another size, by resized position embeddings.

        The grid of positions is interpolated as by open_clip's
        ``resize_pos_embed`` and timm's ``set_input_size`` (bicubic,
        antialiased), here also to and from grids that are not square; rotary
        positions are computed for the new grid.

        Args:
            image_size (tuple[int, int]): Height and width in pixels.

        Raises:
            ValueError: If they are not multiples of the patch's.
        """
        patch = self._patch_size
        if len(image_size) != 2 or any(
            not isinstance(side, int) or side < 1 or side % part
            for side, part in zip(image_size, patch, strict=True)
        ):
            raise ValueError(
                f'image_size={image_size!r} is not (height, width) in '
                f'multiples of the patches of {patch[0]} x {patch[1]} pixels'
            )
        before = self.grid
        self.grid = image_size[0] // patch[0], image_size[1] // patch[1]
        self.image_size = image_size
        self._resize(before)
        print_log(
            f'CLIP image tower: positions resized from {before[0]} x '
            f'{before[1]} to {self.grid[0]} x {self.grid[1]} patches, for '
            f'images of {image_size[0]} x {image_size[1]} pixels (height x '
            'width)',
            logger='current',
        )

    @property
    def _patch_size(self) -> tuple[int, int]:
        return self.visual.patch_size

    def _resize(self, before: tuple[int, int]) -> None:
        # Imported here, as open_clip imports it: it takes a second.
        from timm.layers import resample_abs_pos_embed

        positions = self.visual.positional_embedding  # (1 + N, d_v)
        resized = resample_abs_pos_embed(
            positions.detach()[None], list(self.grid), list(before)
        )
        self.visual.positional_embedding = nn.Parameter(
            resized[0], positions.requires_grad
        )
        self.visual.grid_size = self.grid
        self.visual.image_size = self.image_size

    def features(
        self, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn final tokens (B, T, d_v) into features of the joint space.

        Returns:
            tuple: The global feature (B, D), and the patches (B, N, D).
        """
        if not self._reads_class_token:
            return self.pool(tokens), self.project(tokens[:, self.prefix :])
        tokens = self.project(tokens)
        return tokens[:, 0], tokens[:, self.prefix :]

    def pool(self, tokens: torch.Tensor) -> torch.Tensor:
        """Turn final tokens (B, T, d_v) into the global feature (B, D)."""
        if self._reads_class_token:
            return self.project(tokens[:, 0])
        with self.own_precision():
            return self._pool(tokens)

    @property
    def _reads_class_token(self) -> bool:
        return self.visual.pool_type == 'tok'

    def _pool(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.visual._pool(tokens)[0] @ self.visual.proj

    def shares(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the share of each final token in the global feature.

        Args:
            tokens (torch.Tensor): (B, T, d_v).

        Returns:
            torch.Tensor: (B, T), which sum to 1: the class token, the mean of
            the patches, or the weights of the attention pooling, averaged
            over its heads.
        """
        shares = torch.zeros_like(tokens[..., 0], dtype=torch.float32)
        if self._reads_class_token:
            shares[:, 0] = 1
        else:
            shares[:, self.prefix :] = 1 / math.prod(self.grid)
        return shares

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        """Project tokens (B, ..., d_v) into the joint space (B, ..., D).

        Patch tokens pass through the norm and projection that CLIP trained
        for its global feature (paper, "Cross-modal global-local alignment"),
        and through the attention pooling, where there is one, as if each
        were all that is attended to: its value, output and MLP (ours, after
        MaskCLIP, Zhou et al. 2022).
        """
        with self.own_precision():
            return self._project(tokens)

    def _project(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.visual.ln_post(tokens) @ self.visual.proj
