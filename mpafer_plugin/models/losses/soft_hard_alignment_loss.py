import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import nn

from .utils import l1_distance

MODES = ('contrastive', 'l1')
DIRECTIONS = ('soft', 'hard', 'symmetric')


@MODELS.register_module()
class SoftHardAlignmentLoss(nn.Module):
    r"""Alignment of soft prompts with the hard prompts of their class.

    Eq. 1-3 of the paper. The contrastive form, with soft vectors :math:`t`
    and hard vectors :math:`t^*`, is the mean over classes d of
    :math:`-\log \frac{\exp(sim(t_d, t^*_d)/\tau)}
    {\sum_c \exp(sim(t_c, t^*_d)/\tau)}`.

    Args:
        mode (str): ``'contrastive'``, the form of the token level (paper), or
            ``'l1'``, the distance of normalised vectors divided by sqrt(D)
            (that of the prompt level, second-hand; the scale is ours).
            Defaults to ``'contrastive'``.
        direction (str): Prompts in the softmax of the contrastive form:
            ``'soft'`` the soft prompts for each hard one (paper), ``'hard'``
            the hard prompts for each soft one, ``'symmetric'`` the mean of
            both (both ours). Defaults to ``'soft'``.
        temperature (float): :math:`\tau`. Defaults to 0.07 (the paper leaves
            it open; 0.01 is reported to diverge).
        loss_weight (float): Defaults to 1.0 (paper's beta).

    Raises:
        ValueError: If an argument is not one of the allowed values.
    """

    def __init__(
        self,
        mode: str = 'contrastive',
        direction: str = 'soft',
        temperature: float = 0.07,
        loss_weight: float = 1.0,
    ):
        super().__init__()
        if mode not in MODES:
            raise ValueError(f'mode={mode!r} is not one of {MODES}')
        if direction not in DIRECTIONS:
            raise ValueError(
                f'direction={direction!r} is not one of {DIRECTIONS}'
            )
        if temperature <= 0:
            raise ValueError(f'temperature={temperature!r} is not positive')
        self.mode = mode
        self.direction = direction
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(self, soft: torch.Tensor, hard: torch.Tensor) -> torch.Tensor:
        """Compute the loss.

        Args:
            soft (torch.Tensor): Soft vectors of the classes, (C, d).
            hard (torch.Tensor): Hard vectors of the same classes, (C, d).

        Returns:
            torch.Tensor: Weighted mean over the classes, a scalar.
        """
        if self.mode == 'l1':
            return self.loss_weight * l1_distance(soft, hard).mean()
        # sim[d, c] compares the hard prompt d with the soft prompt c.
        sim = F.normalize(hard, dim=-1) @ F.normalize(soft, dim=-1).T
        logits = sim / self.temperature
        target = torch.arange(len(logits), device=logits.device)
        if self.direction == 'soft':
            loss = F.cross_entropy(logits, target)
        elif self.direction == 'hard':
            loss = F.cross_entropy(logits.T, target)
        else:
            loss = F.cross_entropy(logits, target) / 2
            loss = loss + F.cross_entropy(logits.T, target) / 2
        return self.loss_weight * loss
