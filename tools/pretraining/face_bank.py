from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from torch.nn import functional as F

from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS

from .landmarks import LANDMARKS
from .wide_faces import WideFace


class FaceBatch(NamedTuple):
    """Batch of drawn faces."""

    images: torch.Tensor  # (B, 3, S, S), normalised as CLIP's are
    units: torch.Tensor  # (B, 21)
    landmarks: torch.Tensor  # (B, 27, 2), shares of the side


def _swapped(names: tuple[str, ...]) -> torch.Tensor:
    """Return the index of each name's mirror image."""
    mirrored = [
        name[:-1] + {'L': 'R', 'R': 'L'}.get(name[-1], name[-1])
        for name in names
    ]
    return torch.tensor([names.index(name) for name in mirrored])


class FaceBank:
    """Drawn faces in memory, normalised and augmented on access.

    Args:
        images (torch.Tensor): (N, 3, S, S), uint8.
        units (torch.Tensor): Action units (N, 21).
        landmarks (torch.Tensor): (N, 27, 2), shares of the side.
    """

    def __init__(
        self,
        images: torch.Tensor,
        units: torch.Tensor,
        landmarks: torch.Tensor,
    ) -> None:
        self.images = images
        self.units = units
        self.landmarks = landmarks
        self._mean = torch.tensor(OPENAI_DATASET_MEAN).view(3, 1, 1)
        self._std = torch.tensor(OPENAI_DATASET_STD).view(3, 1, 1)

    @classmethod
    def collect(
        cls, faces: Iterable[WideFace], count: int, size: int
    ) -> 'FaceBank':
        """Collect ``count`` faces of ``size`` pixels."""
        images = torch.empty(count, 3, size, size, dtype=torch.uint8)
        units = torch.empty(count, len(ACTION_UNITS))
        landmarks = torch.empty(count, len(LANDMARKS), 2)
        for place, face in enumerate(faces):
            images[place] = torch.from_numpy(face.image).permute(2, 0, 1)
            units[place] = torch.from_numpy(face.units)
            landmarks[place] = torch.from_numpy(face.landmarks)
        return cls(images, units, landmarks)

    def plain(self, chosen: np.ndarray) -> FaceBatch:
        """Return faces without augmentation."""
        index = torch.from_numpy(chosen)
        images = self.images[index].float() / 255
        return FaceBatch(
            (images - self._mean) / self._std,
            self.units[index],
            self.landmarks[index],
        )

    def augmented(
        self, chosen: np.ndarray, rng: np.random.Generator
    ) -> FaceBatch:
        """Return faces flipped, shifted and scaled at random."""
        images, units, landmarks = self.plain(chosen)
        count = len(chosen)
        mirrored = torch.from_numpy(rng.random(count) < 0.5)
        units = torch.where(
            mirrored[:, None], units[:, _swapped(ACTION_UNITS)], units
        )
        other = landmarks[:, _swapped(LANDMARKS)] * torch.tensor([-1.0, 1.0])
        other = other + torch.tensor([1.0, 0.0])
        landmarks = torch.where(mirrored[:, None, None], other, landmarks)

        scale = torch.from_numpy(rng.uniform(0.9, 1.06, count)).float()
        shift = torch.from_numpy(rng.uniform(-0.06, 0.06, (count, 2))).float()
        # grid_sample maps output to input coordinates, in -1..1.
        theta = torch.zeros(count, 2, 3)
        theta[:, 0, 0] = torch.where(mirrored, -scale, scale)
        theta[:, 1, 1] = scale
        theta[:, :, 2] = shift
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        images = F.grid_sample(
            images, grid, padding_mode='border', align_corners=False
        )
        # The flip follows the shift, so the landmarks' shift changes sign.
        sign = torch.stack(
            [torch.where(mirrored, -1.0, 1.0), torch.ones(count)], 1
        )
        landmarks = (2 * landmarks - 1 - (sign * shift)[:, None]) / scale[
            :, None, None
        ]
        return FaceBatch(images, units, (landmarks + 1) / 2)
