import numpy as np
import torch
from rich.progress import track

from mpafer_plugin.clip import ImageTower

from .photo_bank import PhotoBank


class FeatureBank:
    """Features of augmented views of photographs, of a locked tower.

    They are kept in half precision: N x V x (1 + P) x d_v x 2 bytes, 183 MB
    for two views of 14,000 images with 16 patches of a ViT-Ti.

    Args:
        tokens (torch.Tensor): Class token, then P random patches of each view,
            normalised by ``ln_post`` and not projected, (N, V, 1 + P, d_v).
    """

    def __init__(self, tokens: torch.Tensor) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    @torch.no_grad()
    def collect(
        cls,
        tower: ImageTower,
        photos: PhotoBank,
        views: int,
        patches: int,
        rng: np.random.Generator,
        batch_size: int = 64,
    ) -> 'FeatureBank':
        """Compute the features.

        Args:
            tower (ImageTower): The locked tower.
            photos (PhotoBank): N images, augmented at random.
            views (int): Views of each image, V.
            patches (int): Patches to keep of each view, P; all, if the tower
                has fewer.
            rng (np.random.Generator): Source of views and patches.
            batch_size (int): Images at once. Defaults to 64.
        """
        patches = min(patches, tower.grid[0] * tower.grid[1])
        tokens = torch.empty(
            len(photos), views, 1 + patches, tower.width, dtype=torch.half
        )
        parts = np.array_split(
            np.arange(len(photos)), -(-len(photos) // batch_size)
        )
        work = [(part, view) for view in range(views) for part in parts]
        for part, view in track(work, 'features'):
            x = tower.embed(photos.augmented(part, rng))
            x = tower.visual.ln_post(tower.visual.transformer(x))
            order = np.tile(np.arange(1, x.shape[1]), (len(x), 1))
            kept = np.zeros((len(x), 1 + patches), int)  # 0: class token
            kept[:, 1:] = rng.permuted(order, axis=1)[:, :patches]
            tokens[part, view] = x[np.arange(len(x))[:, None], kept].half()
        return cls(tokens)

    def draw(
        self, chosen: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return class tokens (B, d_v) and patches (B, P, d_v) of one view."""
        view = rng.integers(self.tokens.shape[1], size=len(chosen))
        tokens = self.tokens[torch.from_numpy(chosen), torch.from_numpy(view)]
        return tokens[:, 0].float(), tokens[:, 1:].float()
