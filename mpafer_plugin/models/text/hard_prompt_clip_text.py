from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.registry import MODELS

from .prompted_clip_text import PromptedCLIPText


@MODELS.register_module()
class HardPromptCLIPText(PromptedCLIPText):
    """The hard prompts themselves as the classes: nothing learns.

    What CLIP does without any training (zero-shot), and what visual prompts
    alone are trained against.

    Args:
        **kwargs: See :class:`PromptedCLIPText`; ``granularity`` and
            ``hard_prompts`` choose the texts. There is no context.

    Raises:
        ValueError: If ``num_context`` is not 0.
    """

    def __init__(
        self,
        arch: str,
        pretrained: str | None,
        classes: Sequence[str],
        num_context: int = 0,
        **kwargs: Any,
    ):
        if num_context:
            raise ValueError(
                f'num_context={num_context!r}: hard prompts have no context '
                'that could be learnt; set it to 0'
            )
        super().__init__(arch, pretrained, classes, num_context=0, **kwargs)

    def forward(self) -> torch.Tensor:
        """Features of the hard prompts, not normalised, (C, D)."""
        return self.hard_features
