import math
import warnings
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_gather_object, get_world_size
from torch.utils.data import DataLoader

from mpafer_plugin.clip import normalization
from mpafer_plugin.models import PromptAlignmentHead, PromptedCLIPViT
from mpafer_plugin.models.utils import check_top_k
from mpafer_plugin.utils.seeding import isolated_rng


def length(sized: Any) -> int | None:
    """Return the length; None for iterable datasets and their loaders."""
    try:
        return len(sized)
    except TypeError:
        return None


def sampler_of(loader: DataLoader) -> Any:
    """Return the sampler, also the one inside a custom batch sampler."""
    return getattr(loader.batch_sampler, 'sampler', loader.sampler)


def check_batch_shares(loader: DataLoader, endless: bool = False) -> None:
    """Check that all processes have the same number of training batches.

    All processes have to call it. Loaders without a length are not checked.

    Args:
        loader (DataLoader): This process's loader of training images.
        endless (bool): Whether each process restarts its loader by itself,
            as in loops over iterations, so that numbers may differ. Defaults
            to False.

    Raises:
        ValueError: If a process has no batch, or if some have more than
            others: these would wait for the others forever.
    """
    batches = all_gather_object(length(loader))
    if None in batches:
        return
    sampler = sampler_of(loader)
    facts = (
        f'{length(loader.dataset)} images, {get_world_size()} process(es), '
        f'batch_size={loader.batch_size} each, drop_last={loader.drop_last}, '
        f'{type(sampler).__name__}'
    )
    if hasattr(sampler, 'round_up'):
        facts += f' with round_up={sampler.round_up}'
    if min(batches) == 0:
        raise ValueError(
            f'no training batch for each process: {batches} batches per epoch '
            f'({facts}). Lower train_dataloader.batch_size, set '
            'train_dataloader.drop_last=False, or train with more images or '
            'fewer processes'
        )
    if min(batches) != max(batches) and not endless:
        raise ValueError(
            f'the processes have {batches} training batches per epoch, and '
            f'those with more would wait forever ({facts}). Set '
            'train_dataloader.sampler.round_up=True, or use a sampler that '
            'gives each process as many, such as ResumableSampler'
        )


def check_normalization(model: Any) -> None:
    """Warn if images are not normalised as the CLIP weights need it.

    Args:
        model (nn.Module): The classifier; other backbones than
            :class:`PromptedCLIPViT` are not checked.
    """
    backbone = getattr(model, 'backbone', None)
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    if not isinstance(backbone, PromptedCLIPViT) or not getattr(
        preprocessor, '_enable_normalize', False
    ):
        return
    for name, values in normalization(
        backbone.arch, backbone.pretrained
    ).items():
        found = getattr(preprocessor, name).flatten().tolist()
        if not np.allclose(found, values, atol=0.01):
            warnings.warn(
                f'images are normalised with {name} {found}, but the weights '
                f'{backbone.pretrained!r} of {backbone.arch!r} expect '
                f'{values}: set model.data_preprocessor.{name}',
                stacklevel=2,
            )


@torch.no_grad()
def check_image_size(loader: DataLoader, split: str, model: Any) -> None:
    """Check on one image that the model takes what a pipeline gives.

    Random numbers are left as they were. Loaders without a length and other
    backbones are not checked.

    Args:
        loader (DataLoader): Loader of the split.
        split (str): Its name, for the message.
        model (nn.Module): The classifier.

    Raises:
        ValueError: If images have another size than the tower takes, or fewer
            patches than the local score needs.
    """
    backbone, head = (getattr(model, n, None) for n in ('backbone', 'head'))
    if not isinstance(backbone, PromptedCLIPViT) or not length(loader.dataset):
        return
    if isinstance(head, PromptAlignmentHead) and head.local_weight:
        check_top_k(head.top_k, math.prod(backbone.tower.grid))
    with isolated_rng(0):
        batch = pseudo_collate([loader.dataset[0]])
    try:
        backbone.tower.embed(model.data_preprocessor(batch)['inputs'])
    except ValueError as error:
        raise ValueError(f'{split} pipeline: {error}') from error
