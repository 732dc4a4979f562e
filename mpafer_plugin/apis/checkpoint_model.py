"""Models from checkpoints alone, whose text is never executed."""

import os
from pathlib import Path

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS

from mpafer_plugin.clip import FACE_TINY
from mpafer_plugin.clip.architectures import is_named_architecture
from mpafer_plugin.clip.weights import pretrained_tags
from mpafer_plugin.engine.checkpoints.file import damage
from mpafer_plugin.engine.checkpoints.metadata import (
    ENTRY,
    check_tensors,
    check_values,
    compare,
    describe,
)

from .build_model import build_model

NEEDS_CONFIG = (
    'give its config too, as FERInferencer(CONFIG, weights=FILE) or '
    '--config CONFIG'
)
"""What helps where a checkpoint does not say enough."""


def model_from_checkpoint(
    checkpoint: dict, clip: str | None = None
) -> ImageClassifier:
    """Build the model that a checkpoint was trained with, from it alone.

    Args:
        checkpoint (dict): See :func:`read_checkpoint`.
        clip (str, optional): CLIP weights, a tag or a local file. Defaults to
            None: what the environment variable ``MPAFER_CLIP`` names, or else
            the tag that training used. face-tiny needs neither.

    Returns:
        ImageClassifier: Filled, on the CPU, in evaluation mode.

    Raises:
        ValueError: If the checkpoint does not hold what it takes, or the CLIP
            weights are not those that it was trained with.
    """
    entry = checkpoint.get(ENTRY)
    if entry is None:
        raise ValueError(
            'the checkpoint was not written by PromptCheckpointHook: '
            + NEEDS_CONFIG
        )
    if 'settings' not in entry:
        version = entry['versions']['mpafer_plugin']
        raise ValueError(
            f'the checkpoint is of mpafer_plugin {version}, before model '
            f'settings were stored: {NEEDS_CONFIG}'
        )
    if entry['settings'] is None:
        raise ValueError(
            'the checkpoint is of a model that is not PromptedCLIPViT with '
            f'PromptAlignmentHead alone: {NEEDS_CONFIG}'
        )
    try:
        model = _build(entry, checkpoint['state_dict'], clip)
    except (
        KeyError, IndexError, TypeError, AttributeError, RuntimeError
    ) as error:  # fmt: skip
        raise ValueError(
            f'the entry {ENTRY!r} of the checkpoint is malformed '
            f'({type(error).__name__}: {error})'
        ) from error
    # Predictions don't depend on hard prompts: of each class one is enough.
    digest = model.head.text.descriptions_digest
    load_trained(
        model,
        checkpoint | {ENTRY: entry | dict(hard_prompts_digest=digest)},
    )
    return model.eval()


def _build(entry: dict, tensors: dict, clip: str | None) -> ImageClassifier:
    """Build it, each value taken by name: a file must not choose classes."""
    settings = entry['settings']
    arch = _arch(entry['image_tower']['arch'])
    prompts = tensors.get('backbone.prompts')
    context = tensors.get('head.text.context')
    head = dict(
        top_k=int(settings['top_k']),
        local_weight=float(settings['local_weight']),
        # Files of before it was there have none.
        proto_weight=float(settings.get('proto_weight', 0)),
        logit_scale=settings['logit_scale'],
    )
    if 'head.prototypes' not in tensors:
        head['loss_proto'] = None
    words = zip(entry['classes'], entry['prompt_words'], strict=True)
    model = build_model(
        entry['classes'],
        arch,
        _clip(arch, settings['clip'], clip),
        backbone=dict(num_prompts=0)
        if prompts is None
        else dict(num_prompts=len(prompts[0]), prompt_depth=len(prompts)),
        text=dict(
            num_context=0 if context is None else context.shape[-2],
            class_specific_context=context is not None and context.ndim == 3,
            prompt_names=dict(words),
            # They teach; a model in use only has to have some.
            hard_prompts=[texts[0] for texts in entry['hard_prompts']],
        ),
        head=head,
    )
    model.data_preprocessor = MODELS.build(
        dict(
            type='ClsDataPreprocessor',
            mean=[float(value) for value in settings['mean']],
            std=[float(value) for value in settings['std']],
            to_rgb=bool(settings['to_rgb']),
        )
    )
    return model


def _arch(name: str) -> str:
    """Find the architecture: of a file the checkpoint has only the name.

    open_clip takes folders and addresses too, which a file must not choose.
    """
    if is_named_architecture(name):
        return name
    if not name.endswith('.json'):
        raise ValueError(
            f'the checkpoint names the architecture {name!r}, which neither '
            'mpafer_plugin nor open_clip has'
        )
    path = os.environ.get('MPAFER_ARCH', '')
    if Path(path).name == name:
        return path
    raise ValueError(
        f'the checkpoint was trained with the architecture file {name!r}: set '
        f'MPAFER_ARCH to its path (it is {path!r})'
    )


def _clip(arch: str, note: str | None, clip: str | None) -> str:
    # Its own weights ship; others of its architecture, face-mini's, do not.
    ships = arch == FACE_TINY == note
    found = clip or (FACE_TINY if ships else os.environ.get('MPAFER_CLIP'))
    if found:
        return found
    # A tag and nothing else: a file must not choose what is read from disk.
    if note is not None and note in pretrained_tags(arch):
        return note
    raise ValueError(
        f'the checkpoint was trained with the CLIP weights {note!r} of '
        f'{arch!r}, which are no tag: name the file, by clip=FILE in Python, '
        '--clip FILE in tools, or MPAFER_CLIP'
    )


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
