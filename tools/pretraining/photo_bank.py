import cv2
import numpy as np
import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torch.nn import functional as F

_ERASED = 0.3  # share of the images with an erased rectangle


class PhotoBank:
    """Grey photographs in memory, normalised and augmented on access.

    Args:
        images (list[np.ndarray]): Grey images (h, w), uint8.
        size (int): Side of the tower's input in pixels, S.
    """

    def __init__(self, images: list[np.ndarray], size: int) -> None:
        scaled = [
            cv2.resize(p, (size, size), interpolation=cv2.INTER_CUBIC)
            for p in images
        ]
        self.images = torch.from_numpy(np.stack(scaled))[:, None]
        self._mean = torch.tensor(OPENAI_DATASET_MEAN).view(3, 1, 1)
        self._std = torch.tensor(OPENAI_DATASET_STD).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.images)

    def augmented(
        self, chosen: np.ndarray, rng: np.random.Generator
    ) -> torch.Tensor:
        """Return images flipped, shifted, rotated, relit and partly erased.

        Args:
            chosen (np.ndarray): Indices of B images.
            rng (np.random.Generator): Source of randomness.

        Returns:
            torch.Tensor: (B, 3, S, S), normalised as for CLIP.
        """
        x = self.images[torch.from_numpy(chosen)].float().div(255)
        x = _warp(x, rng)
        x = _relight(x, rng)
        side = x.shape[-1]
        for i in np.flatnonzero(rng.random(len(x)) < _ERASED):
            height, width = rng.integers(side // 8, side // 3, 2)
            top, left = rng.integers(0, side * 2 // 3, 2)
            x[i, :, top : top + height, left : left + width] = rng.random()
        return (x.expand(-1, 3, -1, -1) - self._mean) / self._std


def _warp(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    count = len(x)
    sign = torch.from_numpy(rng.choice([-1.0, 1.0], count)).float()
    scale = torch.from_numpy(rng.uniform(0.82, 1.05, count)).float()
    angle = torch.from_numpy(rng.normal(0, 0.12, count)).float()
    shift = torch.from_numpy(rng.uniform(-0.1, 0.1, (count, 2))).float()
    # grid_sample maps output to input coordinates, in -1..1.
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = sign * scale * angle.cos()
    theta[:, 0, 1] = -scale * angle.sin()
    theta[:, 1, 0] = sign * scale * angle.sin()
    theta[:, 1, 1] = scale * angle.cos()
    theta[:, :, 2] = shift
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode='border', align_corners=False)


def _relight(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    shape = len(x), 1, 1, 1
    gain = torch.from_numpy(rng.uniform(0.7, 1.3, shape)).float()
    more = torch.from_numpy(rng.uniform(-0.15, 0.15, shape)).float()
    mean = x.mean((1, 2, 3), keepdim=True)
    return ((x - mean) * gain + mean + more).clamp(0, 1)
