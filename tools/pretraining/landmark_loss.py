import torch
from torch import nn
from torch.nn import functional as F

from .landmarks import LANDMARKS, SEEN_AT

_REACH = 1.0  # spread of a unit around its landmarks, in patches


class LandmarkLoss(nn.Module):
    """Predict from patches which landmarks they contain, and where.

    This dense supervision lets a plain ViT learn within minutes (ours:
    without it, the same tower needs several times as many faces).

    Args:
        width (int): Channels of the image tower.
        grid (int): Patches along a side.
    """

    def __init__(self, width: int, grid: int) -> None:
        super().__init__()
        self.heat_head = nn.Linear(width, len(LANDMARKS))
        self.offset_head = nn.Linear(width, 2 * len(LANDMARKS))
        self.grid = grid
        self._seen_at = torch.from_numpy(SEEN_AT)

    def near(self, landmarks: torch.Tensor) -> torch.Tensor:
        """Weight patches by how close they are to each action unit.

        Args:
            landmarks (torch.Tensor): (B, 27, 2), shares of the side.

        Returns:
            torch.Tensor: Weights (B, N, 21), 1 on a unit's landmarks.
        """
        step = (torch.arange(self.grid) + 0.5) / self.grid
        y, x = torch.meshgrid(step, step, indexing='ij')
        centres = torch.stack([x.flatten(), y.flatten()], 1)  # (N, 2)
        away = torch.cdist(centres.expand(len(landmarks), -1, -1), landmarks)
        closeness = torch.exp(-((away * self.grid / _REACH) ** 2) / 2)
        return torch.stack(
            [closeness[:, :, at].amax(2) for at in self._seen_at], 2
        )

    def forward(
        self, tokens: torch.Tensor, landmarks: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Compute both losses.

        Args:
            tokens (torch.Tensor): Patches (B, N, d_v) after the last norm.
            landmarks (torch.Tensor): (B, 27, 2), shares of the side; those
                outside the image are ignored.

        Returns:
            dict[str, torch.Tensor]: ``heat`` and ``offset``, weighted.
        """
        cell = (landmarks * self.grid).floor().long()
        inside = ((cell >= 0) & (cell < self.grid)).all(2)  # (B, 27)
        where = cell[..., 1] * self.grid + cell[..., 0]
        where = torch.where(inside, where, -1)
        heat = self.heat_head(tokens).transpose(1, 2)  # (B, 27, N)
        found = F.cross_entropy(
            heat.flatten(0, 1), where.flatten(), ignore_index=-1
        )
        batch, count = where.shape
        offset = self.offset_head(tokens).view(batch, -1, count, 2)
        index = where.clamp(min=0)[:, None, :, None].expand(-1, 1, -1, 2)
        offset = offset.gather(1, index)[:, 0]  # (B, 27, 2)
        target = (landmarks * self.grid).frac() - 0.5
        squared = (offset - target) ** 2 * inside[..., None]
        error = squared.sum() / inside.sum() / 2
        return {'heat': 0.3 * found, 'offset': 5 * error}
