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
    crops = {}
    for split in ('train', 'val', 'test'):
        loop = getattr(runner, f'_{split}_loop')
        if isinstance(loop, BaseLoop):
            metainfo = getattr(loop.dataloader.dataset, 'metainfo', {})
            crops[split] = metainfo.get('face_crop')
    return crops


def check_validation_crop(runner: Runner) -> None:
    """Warn if the validation images are cropped unlike the training images."""
    crops = face_crops(runner)
    if 'val' in crops and crops['val'] != crops['train']:
        name = 'the training data'
        runner.logger.warning(
            _difference(name, crops['train'], 'val', crops['val'])
        )


def check_checkpoint_crop(runner: Runner, meta: CheckpointMeta) -> None:
    """Warn if a checkpoint's crop config is not that of a runner's images.

    Nothing is compared if the checkpoint does not state the crop.

    Raises:
        ValueError: If training is resumed with another crop.
    """
    if 'face_crop' in meta.absent:
        return
    crops = face_crops(runner)
    if 'train' in crops:
        crops = {'train': crops['train']}
    for split, crop in crops.items():
        if crop == meta.face_crop:
            continue
        message = _difference('the checkpoint', meta.face_crop, split, crop)
        if split == 'train' and runner._resume:
            raise ValueError(message)
        runner.logger.warning(message)


def _difference(
    name: str, one: dict | None, split: str, other: dict | None
) -> str:
    if one and other:
        keys = [k for k in sorted(one | other) if one.get(k) != other.get(k)]
        one, other = ({k: crop.get(k) for k in keys} for crop in (one, other))
    return (
        f'FACES ARE CROPPED DIFFERENTLY: {name} has {one or "as released"}, '
        f'the {split} data {other or "as released"}; accuracy suffers where '
        'crops differ'
    )
