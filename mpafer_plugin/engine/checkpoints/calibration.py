"""Temperature of a trained model, stored in its checkpoint."""

import os
from pathlib import Path

import torch

from mpafer_plugin.utils.tensor_files import load_tensors

from .file import publish, read_checkpoint
from .metadata import ENTRY, CheckpointMeta


def store_calibration(
    path: str | Path, temperature: float, images: int
) -> None:
    """Store a temperature in a checkpoint; all else stays as it is.

    Args:
        path (str | Path): The checkpoint, replaced atomically.
        temperature (float): Divides the logits.
        images (int): Validation images that it was fitted on.

    Raises:
        ValueError: If the file was not written by ``PromptCheckpointHook``.
    """
    path = Path(path)
    checkpoint = read_checkpoint(path)
    if CheckpointMeta.from_checkpoint(checkpoint) is None:
        raise ValueError(
            f'{str(path)!r} was not written by PromptCheckpointHook: it has '
            'no place for a temperature'
        )
    content = load_tensors(path)  # with the names of its tensors as they are
    content[ENTRY]['calibration'] = dict(
        temperature=float(temperature), images=int(images)
    )
    part = path.with_name(f'{path.name}.{os.getpid()}.part')
    try:
        torch.save(content, part)
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)
