import math
import time
from collections.abc import Callable

import torch
from open_clip.model import CLIP
from torch import nn

from .optimizers import make_optimizers

_DECAY = 0.98  # of the running means of the losses


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
        losses (Callable): Returns named, weighted losses of the next batch.
        steps (int): Number of batches.
        max_scale (float): Upper limit of the logit scale.
        report_every (int): Steps between two reports.
        report (Callable): Called with step, minutes and running means of the
            losses, as a line of text.
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
            means[name] = (
                _DECAY * means.get(name, value) + (1 - _DECAY) * value
            )
        if step % report_every == 0 or step == steps:
            parts = ' '.join(f'{k} {v:.3f}' for k, v in means.items())
            minutes = (time.monotonic() - start) / 60
            report(
                f'step {step}/{steps} {minutes:.1f} min  {parts}  '
                f'scale {clip.logit_scale.exp().item():.1f}'
            )
