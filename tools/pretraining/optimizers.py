import math

from open_clip.model import CLIP
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

_MATRIX_LR = 2e-3
_OTHER_LR = 1e-3
_WARM_UP = 150  # steps
_LAST = 0.02  # final learning rate, as a share of the peak


def make_optimizers(
    clip: CLIP, loss_module: nn.Module, steps: int
) -> tuple[list[Optimizer], list[LambdaLR]]:
    """Build Muon for the matrices inside blocks and AdamW for the rest.

    There is no weight decay: it would shrink the embeddings of words that
    never occur in training, which downstream prompts consist of.

    Args:
        clip (open_clip.CLIP): The towers.
        loss_module (nn.Module): Holds the clip and the heads beside it;
            frozen parameters are left out.
        steps (int): Number of training steps.

    Returns:
        tuple[list[Optimizer], list[LambdaLR]]: Optimizers and their
        schedules: linear warm-up, then a cosine.
    """
    from torch.optim import Muon  # not in torch 2.6

    blocks = (clip.visual.transformer, clip.transformer)
    learnt = [p for p in loss_module.parameters() if p.requires_grad]
    in_blocks = {id(p) for b in blocks for p in b.parameters() if p.ndim == 2}
    matrices = [p for p in learnt if id(p) in in_blocks]
    others = [p for p in learnt if id(p) not in in_blocks]
    optimizers: list[Optimizer] = [
        Muon(
            matrices,
            lr=_MATRIX_LR,
            weight_decay=0.0,
            adjust_lr_fn='match_rms_adamw',
        ),
        AdamW(others, lr=_OTHER_LR, betas=(0.9, 0.98), weight_decay=0.0),
    ]

    def rate(step: int) -> float:
        if step < _WARM_UP:
            return (step + 1) / _WARM_UP
        done = min(1.0, (step - _WARM_UP) / max(1, steps - _WARM_UP))
        return _LAST + (1 - _LAST) * (1 + math.cos(math.pi * done)) / 2

    return optimizers, [LambdaLR(o, rate) for o in optimizers]
