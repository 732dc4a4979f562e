"""What a checkpoint says it belongs to, and whether that is the model."""

import logging
from importlib.metadata import version
from pathlib import Path

import mmengine
import mmpretrain
import torch

from mpafer_plugin.version import __version__

from .model_settings import model_settings

FORMAT = 1
ENTRY = 'mpafer'


def describe(model: torch.nn.Module) -> dict:
    """Say, as plain data, what the prompts of a classifier belong to.

    Args:
        model (nn.Module): A classifier. Parts of it that are not ours are
            described by None.
    """
    backbone = getattr(model, 'backbone', None)
    text = getattr(getattr(model, 'head', None), 'text', None)
    return dict(
        format=FORMAT,
        classes=text and list(text.classes),
        prompt_words=text and list(text.words),
        image_tower=_tower(backbone),
        text_tower=text and _tower(text),
        hard_prompts=text and text.hard_texts,
        hard_prompts_digest=text and text.descriptions_digest,
        settings=model_settings(model),
        versions=dict(
            mpafer_plugin=__version__,
            torch=str(torch.__version__),
            mmengine=mmengine.__version__,
            mmpretrain=mmpretrain.__version__,
            open_clip=version('open_clip_torch'),
        ),
    )


def _tower(part) -> dict | None:
    if not hasattr(part, 'fingerprint'):
        return None
    # Of an architecture file only the name: its folder is nobody's business.
    return dict(arch=Path(part.arch).name, fingerprint=part.fingerprint)


def identity(value):
    """What has to agree: of a tower its fingerprint, whatever its name."""
    return value['fingerprint'] if isinstance(value, dict) else value


def check_format(found: dict) -> None:
    """Refuse what a later version wrote.

    Raises:
        ValueError: If the entry has a format that is not known here.
    """
    if found['format'] > FORMAT:
        raise ValueError(
            f'the checkpoint has format {found["format"]}, this version '
            f'reads up to {FORMAT}: update mpafer_plugin (it was written by '
            f'{found["versions"]["mpafer_plugin"]})'
        )


def compare(found: dict, own: dict, resume: bool) -> None:
    """Compare a checkpoint's entry with that of a model.

    Args:
        found (dict): The checkpoint's.
        own (dict): The model's, see :func:`describe`.
        resume (bool): Whether training goes on, for which other hard prompts
            are an error; else they are a warning.

    Raises:
        ValueError: If the prompts would mean something else in the model.
    """
    check_format(found)
    differences = [
        f'{key}: the checkpoint has {found.get(key)}, this model {own[key]}'
        for key in ('classes', 'prompt_words', 'image_tower', 'text_tower')
        if identity(found.get(key)) != identity(own[key])
    ]
    if differences:
        raise ValueError(
            'the checkpoint does not belong to this model.\n'
            + '\n'.join(differences)
        )
    if found.get('hard_prompts_digest') != own['hard_prompts_digest']:
        message = (
            f'hard prompts: the checkpoint was trained with '
            f'{found.get("hard_prompts")}, this model has '
            f'{own["hard_prompts"]}'
        )
        if resume:
            raise ValueError(message)
        # Predictions don't depend on them.
        mmengine.print_log(message, 'current', logging.WARNING)


def check_tensors(state_dict: dict, model: torch.nn.Module) -> None:
    """Compare names and shapes of tensors with those that a model saves.

    Raises:
        ValueError: If any differ.
    """
    found, expected = _shapes(state_dict), _shapes(model.state_dict())
    if found != expected:
        raise ValueError(
            'the checkpoint does not fit the model; it has '
            f'{dict(sorted(found.items() - expected.items()))}, the '
            f'model {dict(sorted(expected.items() - found.items()))}'
        )


def _shapes(state_dict: dict) -> dict[str, tuple[int, ...]]:
    return {
        name.removeprefix('module.'): tuple(tensor.shape)
        for name, tensor in state_dict.items()
    }
