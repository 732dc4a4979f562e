import math
import time
from collections.abc import Callable

import torch
from open_clip.model import CLIP
from torch import nn

from .optimizers import make_optimizers

_KEPT = 0.98  # share of a running mean that stays at each step


def train(
    clip: CLIP,
    loss_module: nn.Module,
    losses: Callable[[], dict[str, torch.Tensor]],
    steps: int,
    max_scale: float,
    report_every: int,
    report: Callable[[str], None],
) -> None:
    """Train both towers of a small CLIP.

    Args:
        clip (open_clip.CLIP): The towers, trained in place.
        loss_module (nn.Module): Holds the clip and the heads beside it.
        losses (Callable): Gives the named losses of another batch, weighted.
        steps (int): Batches.
        max_scale (float): The largest factor of the cosines in the
            contrastive loss.
        report_every (int): Steps between two reports.
        report (Callable): Takes the step, the minutes and the running means
            of the losses, as a line of text.
    """
    optimizers, schedulers = make_optimizers(clip, loss_module, steps)
    start = time.monotonic()
    means: dict[str, float] = {}
    for step in range(1, steps + 1):
        clip.train()
        found = losses()
        torch.stack(list(found.values())).sum().backward()
        for optimizer, scheduler in zip(optimizers, schedulers, strict=True):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            scheduler.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, math.log(max_scale))
        for name, loss in found.items():
            value = loss.item()
            means[name] = _KEPT * means.get(name, value) + (1 - _KEPT) * value
        if step % report_every == 0 or step == steps:
            parts = ' '.join(f'{k} {v:.3f}' for k, v in means.items())
            minutes = (time.monotonic() - start) / 60
            report(
                f'step {step}/{steps} {minutes:.1f} min  {parts}  '
                f'scale {clip.logit_scale.exp().item():.1f}'
            )
