"""Predictions of words that a model was not trained on."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger

from mpafer_plugin.models import PromptAlignmentHead, PromptedCLIPText

_EQUAL = 1e-5
"""Cosine distance up to which two class vectors are the same."""


@torch.no_grad()
def open_words(model: Any, classes: Sequence[str]) -> list[str]:
    """Let a trained model predict other words, by its shared context.

    Visual prompts and context stay as they were trained, and the text tower
    encodes the new words with them (zero-shot). Prototypes belong to the
    classes of the training, so that their score is left out.

    Args:
        model (nn.Module): Changed in place; on the CPU, in float32.
        classes (Sequence[str]): Two or more words.

    Returns:
        list[str]: The words.

    Raises:
        ValueError: If the model has no text side with a shared context, or
            two words are the same or have the same vector.
    """
    head = getattr(model, 'head', None)
    text = getattr(head, 'text', None)
    if not (
        isinstance(head, PromptAlignmentHead)
        and isinstance(text, PromptedCLIPText)
    ):
        raise ValueError(
            f'classes={classes!r}: new words need PromptAlignmentHead with '
            f'PromptedCLIPText, not {type(head).__name__}'
        )
    if isinstance(classes, str) or len(classes) < 2:
        raise ValueError(f'classes={classes!r}: give a list of 2 or more')
    for word in classes:
        if not isinstance(word, str) or not word.strip():
            raise ValueError(f'classes={classes!r}: {word!r} is no word')
    if text.context is not None and text.context.ndim == 3:
        raise ValueError(
            f'classes={classes!r}: the model has a context for each of its '
            f'classes {list(text.classes)}; only a shared one encodes new '
            'words'
        )
    trained = list(text.classes)
    text.set_classes(classes)
    head.train(head.training)  # forget the vectors of before
    vectors = F.normalize(text().float(), dim=-1)
    same = (1 - vectors @ vectors.T < _EQUAL).triu(1).nonzero().tolist()
    if same:
        first, second = (classes[i] for i in same[0])
        raise ValueError(
            f'classes={classes!r}: {first!r} and {second!r} have the same '
            'vector, so that one would never be predicted; leave one out'
        )
    left_out = ''
    if head.loss_proto is not None:
        del head.prototypes
        head.loss_proto = None
    if head.proto_weight:
        left_out = f'; without its score of prototypes, {head.proto_weight=}'
        head.proto_offsets, head.proto_weight = None, 0.0
    MMLogger.get_current_instance().warning(
        f'{list(classes)} in place of the trained classes {trained}: '
        f'zero-shot, by the context trained with those{left_out}'
    )
    return list(classes)
