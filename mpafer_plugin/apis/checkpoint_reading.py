import os
from pathlib import Path

import torch

from mpafer_plugin.engine.checkpoint_entry import (
    ENTRY,
    check_tensors,
    compare,
    describe,
)
from mpafer_plugin.engine.checkpoint_file import damage

from .checkpoint_values import check_values


def read_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint as data.

    Args:
        path (str | Path): What ``PromptCheckpointHook`` wrote, or another
            file with a ``state_dict``.

    Returns:
        dict: Its content.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, is no checkpoint, holds code, or values
            of other kinds than it should.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'no checkpoint {str(path)!r} (working directory: {os.getcwd()!r})'
        )
    reason = damage(path)
    if reason:
        raise ValueError(f'checkpoint {str(path)!r} is damaged: {reason}')
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    # torch tells what it refuses, code above all, by several kinds of error.
    except Exception as error:
        raise ValueError(
            f'checkpoint {str(path)!r} is not read: '
            f'{str(error).splitlines()[0]}'
        ) from error
    if not isinstance(checkpoint, dict) or 'state_dict' not in checkpoint:
        raise ValueError(f'{str(path)!r} is no checkpoint: no state_dict')
    try:
        check_values(checkpoint)
    except ValueError as error:
        raise ValueError(f'checkpoint {str(path)!r}: {error}') from error
    return checkpoint


def load_trained(model: torch.nn.Module, checkpoint: dict) -> None:
    """Fill a model with a checkpoint, after a look whether it belongs to it.

    Args:
        model (nn.Module): A classifier.
        checkpoint (dict): See :func:`read_checkpoint`.

    Raises:
        ValueError: If classes, words, towers or tensors differ.
    """
    if ENTRY in checkpoint:
        compare(checkpoint[ENTRY], describe(model), resume=False)
    check_tensors(checkpoint['state_dict'], model)
    model.load_state_dict(
        {
            name.removeprefix('module.'): tensor
            for name, tensor in checkpoint['state_dict'].items()
        }
    )
