import torch
import torch.nn.functional as F
from mmpretrain.models.losses.utils import weight_reduce_loss
from mmpretrain.registry import MODELS
from torch import nn

from .utils import l1_distance

METRICS = ('cosine', 'l1')


@MODELS.register_module()
class PrototypeAlignmentLoss(nn.Module):
    """Alignment of prompted features with their class prototype (Eq. 7).

    Args:
        metric (str): ``'cosine'`` for 1 - cosine, or ``'l1'`` for the
            distance of normalised vectors divided by sqrt(D). The paper
            allows both; the scale of the second is ours. Defaults to
            ``'cosine'``.
        loss_weight (float): Defaults to 1.0 (paper's gamma).

    Raises:
        ValueError: If ``metric`` is not one of the allowed values.
    """

    def __init__(self, metric: str = 'cosine', loss_weight: float = 1.0):
        super().__init__()
        if metric not in METRICS:
            raise ValueError(f'metric={metric!r} is not one of {METRICS}')
        self.metric = metric
        self.loss_weight = loss_weight

    def forward(
        self,
        features: torch.Tensor,
        labels: torch.Tensor,
        prototypes: torch.Tensor,
        avg_factor: float | None = None,
    ) -> torch.Tensor:
        """Compute the loss.

        Args:
            features (torch.Tensor): Prompted global features (B, D).
            labels (torch.Tensor): Classes (B, ), or soft targets (B, C) such
                as votes or mixed labels, which weight the distances to all
                prototypes (ours).
            prototypes (torch.Tensor): Prototypes (C, D).
            avg_factor (float, optional): Divisor of the sum over the batch.
                Defaults to None, which means B.

        Returns:
            torch.Tensor: A scalar.
        """
        if labels.ndim == 1:
            distance = self._distance(features, prototypes[labels])  # (B, )
        else:
            distances = self._distance(features[:, None], prototypes)
            distance = (labels * distances).sum(-1)  # (B, C) -> (B, )
        return self.loss_weight * weight_reduce_loss(
            distance, avg_factor=avg_factor
        )

    def _distance(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if self.metric == 'l1':
            return l1_distance(a, b)
        return 1 - F.cosine_similarity(a, b, dim=-1)
