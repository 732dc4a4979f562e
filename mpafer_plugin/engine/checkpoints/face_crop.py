"""How the faces of a run's data were cut out, and whether that agrees."""

from mmengine.runner import BaseLoop


def face_crops(runner) -> dict[str, dict | None]:
    """Say how the faces of a runner's data were cut out.

    Args:
        runner (Runner): Only loops that are built count.

    Returns:
        dict[str, dict | None]: 'train', 'val' and 'test' to the crop config
        in the dataset's ``metainfo['face_crop']``; None if as released.
    """
    crops = {}
    for split in ('train', 'val', 'test'):
        loop = getattr(runner, f'_{split}_loop')
        if isinstance(loop, BaseLoop):
            metainfo = getattr(loop.dataloader.dataset, 'metainfo', {})
            crops[split] = metainfo.get('face_crop')
    return crops


def check_own_crops(runner) -> None:
    """Warn if validation sees other crops than training.

    Args:
        runner (Runner): That of a training.
    """
    crops = face_crops(runner)
    if 'val' in crops:
        message = _difference(
            'the training data', crops['train'], 'val', crops['val']
        )
        if message:
            runner.logger.warning(message)


def check_loaded_crop(runner, entry: dict) -> None:
    """Compare a checkpoint's crop with that of the data it is to see.

    Args:
        runner (Runner): That loads the checkpoint.
        entry (dict): The checkpoint's; of older versions it says nothing
            about crops.

    Raises:
        ValueError: If a training that is resumed has other crops. With other
            data the log warns.
    """
    if 'face_crop' not in entry:
        return
    crops = face_crops(runner)
    for split in ['train'] if 'train' in crops else list(crops):
        message = _difference(
            'the checkpoint', entry['face_crop'], split, crops[split]
        )
        if message and split == 'train' and runner._resume:
            raise ValueError(message)
        if message:
            runner.logger.warning(message)


def _difference(
    name: str, one: dict | None, split: str, other: dict | None
) -> str:
    """Say what differs, with both values; '' if nothing does."""
    if one == other:
        return ''
    if one is None or other is None:
        first, second = (crop or 'as released' for crop in (one, other))
    else:
        keys = [
            key
            for key in one.keys() | other.keys()
            if one.get(key) != other.get(key)
        ]
        first, second = (
            {key: crop.get(key) for key in sorted(keys)}
            for crop in (one, other)
        )
    return (
        f'FACES ARE CUT OUT DIFFERENTLY: {name} has {first}, the {split} data '
        f'{second}; results suffer where crops differ'
    )
