from typing import Any

from mmengine.dist import all_gather_object, get_world_size
from torch.utils.data import DataLoader


def length(sized: Any) -> int | None:
    """Tell the length; iterable datasets and their loaders have none."""
    try:
        return len(sized)
    except TypeError:
        return None


def sampler_of(loader: DataLoader) -> Any:
    """Tell the sampler; with a batch sampler the loader's is a stand-in."""
    return getattr(loader.batch_sampler, 'sampler', loader.sampler)


def check_batch_shares(loader: DataLoader, endless: bool = False) -> None:
    """See to it that the processes can share an epoch of training.

    All processes have to call it. Where a loader cannot tell how many batches
    it has, nothing is checked.

    Args:
        loader (DataLoader): This process's loader of training images.
        endless (bool): Whether each process begins anew by itself when its
            batches are used up, as in loops over iterations, and so may have
            a number of its own. Defaults to False.

    Raises:
        ValueError: If a process has no batch, or if some have more than
            others: these would wait for the others for ever.
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
            f'no training batch for each process: {batches} batches an epoch '
            f'({facts}). Lower train_dataloader.batch_size, set '
            'train_dataloader.drop_last=False, or train with more images or '
            'fewer processes'
        )
    if min(batches) != max(batches) and not endless:
        raise ValueError(
            f'the processes have {batches} training batches an epoch, and '
            f'those with more would wait for ever ({facts}). Set '
            'train_dataloader.sampler.round_up=True, or take a sampler that '
            'gives each process as many, as ResumableSampler'
        )
