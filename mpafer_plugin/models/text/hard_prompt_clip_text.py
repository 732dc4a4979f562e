from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.registry import MODELS

from .prompted_clip_text import PromptedCLIPText


@MODELS.register_module()
class HardPromptCLIPText(PromptedCLIPText):
    """Hard prompts as class texts, without trainable parameters.

    Used for zero-shot CLIP and for training visual prompts alone.

    Args:
        **kwargs: See :class:`PromptedCLIPText`; ``granularity`` and
            ``hard_prompts`` select the texts.

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
                f'num_context={num_context!r}: hard prompts have no trainable '
                'context; set it to 0'
            )
        super().__init__(arch, pretrained, classes, num_context=0, **kwargs)

    def forward(self) -> torch.Tensor:
        """Return the features of the hard prompts, (C, D), not normalised."""
        return self.hard_features

    def _class_texts(self) -> list[list[str]]:
        return self.hard_texts
