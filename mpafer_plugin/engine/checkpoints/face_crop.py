"""Checks that training, validation and test images are cropped alike."""

from mmengine.runner import BaseLoop, Runner

from .metadata import CheckpointMeta


def face_crops(runner: Runner) -> dict[str, dict | None]:
    """Return the crop config of each of a runner's datasets.

    Args:
        runner (Runner): A runner. Only loops that are built count.

    Returns:
        dict[str, dict | None]: ``metainfo['face_crop']`` of the datasets of
        'train', 'val' and 'test'; None if images are used as released.
    """
    loops = {
        split: getattr(runner, f'_{split}_loop')
        for split in ('train', 'val', 'test')
    }
    return {
        split: getattr(loop.dataloader.dataset, 'metainfo', {}).get(
            'face_crop'
        )
        for split, loop in loops.items()
        if isinstance(loop, BaseLoop)
    }


def check_validation_crop(runner: Runner) -> None:
    """Warn if the validation images are cropped unlike the training images."""
    crops = face_crops(runner)
    if 'val' in crops and crops['val'] != crops['train']:
        runner.logger.warning(
            _difference(
                'the training data', crops['train'], 'val', crops['val']
            )
        )


def check_checkpoint_crop(runner: Runner, meta: CheckpointMeta) -> None:
    """Compare a checkpoint's crop config with that of a runner's images.

    Args:
        runner (Runner): The runner that loads the checkpoint.
        meta (CheckpointMeta): Description of the checkpoint. Nothing is
            compared if it does not state the crop.

    Raises:
        ValueError: If training is resumed with another crop. Otherwise a
            difference is logged as a warning.
    """
    if 'face_crop' in meta.absent:
        return
    crops = face_crops(runner)
    for split in ['train'] if 'train' in crops else crops:
        if crops[split] == meta.face_crop:
            continue
        message = _difference(
            'the checkpoint', meta.face_crop, split, crops[split]
        )
        if split == 'train' and runner._resume:
            raise ValueError(message)
        runner.logger.warning(message)


def _difference(
    name: str, one: dict | None, split: str, other: dict | None
) -> str:
    if one and other:
        keys = sorted(
            key
            for key in one.keys() | other.keys()
            if one.get(key) != other.get(key)
        )
        one, other = ({k: crop.get(k) for k in keys} for crop in (one, other))
    return (
        f'FACES ARE CROPPED DIFFERENTLY: {name} has {one or "as released"}, '
        f'the {split} data {other or "as released"}; accuracy suffers where '
        'crops differ'
    )
