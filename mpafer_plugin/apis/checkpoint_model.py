"""Models built from a checkpoint alone, whose text is never executed."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS

from mpafer_plugin.clip import FACE_TINY
from mpafer_plugin.clip.architectures import is_named_architecture
from mpafer_plugin.clip.weights import pretrained_tags
from mpafer_plugin.engine.checkpoints.file import file_name, read_checkpoint
from mpafer_plugin.engine.checkpoints.metadata import ENTRY, CheckpointMeta
from mpafer_plugin.utils.listing import listed
from mpafer_plugin.utils.quoting import quote

from .build_model import build_model

NEEDS_CONFIG = (
    'give its config too, as FERInferencer(CONFIG, weights=FILE) or '
    '--config CONFIG'
)
"""Remedy for a checkpoint that does not describe its model."""

LARGEST_IMAGE = 2048
"""Side in pixels up to which a file alone may set the size of a model."""


def model_from_meta(
    meta: CheckpointMeta | None,
    state_dict: dict[str, torch.Tensor],
    clip: str | None = None,
) -> ImageClassifier:
    """Build the model that a checkpoint describes, without its weights.

    Predictions do not depend on hard prompts: the model has one per class.

    Args:
        meta (CheckpointMeta, optional): The description.
        state_dict (dict[str, torch.Tensor]): The checkpoint's tensors, whose
            shapes give the lengths of prompts and context.
        clip (str, optional): CLIP weights, a tag or a local file. Defaults to
            None: the environment variable ``MPAFER_CLIP``, or else the tag
            that training used. face-tiny needs neither.

    Raises:
        ValueError: If the checkpoint does not describe a model that this
            package builds, it has lost tensors, or its CLIP weights are not
            found.
    """
    if meta is None:
        raise ValueError(
            'the checkpoint was not written by PromptCheckpointHook: '
            + NEEDS_CONFIG
        )
    if meta.settings is None:
        if 'settings' in meta.absent:
            reason = (
                f'of mpafer_plugin {meta.versions["mpafer_plugin"]}, before '
                'model settings were stored'
            )
        else:
            reason = (
                'of a model that is not PromptedCLIPViT with '
                'PromptAlignmentHead alone'
            )
        raise ValueError(f'the checkpoint is {reason}: {NEEDS_CONFIG}')
    # Without them the model would be built without their parts.
    lost = [name for name in meta.tensors or () if name not in state_dict]
    if lost:
        raise ValueError(f'the checkpoint lacks tensors: {listed(lost)}')
    with _well_formed():
        return _build(meta, state_dict, clip)


def trained_arguments(
    settings: dict[str, Any], tensors: dict[str, torch.Tensor]
) -> dict[str, dict[str, Any]]:
    """Return the arguments of a model that a checkpoint states.

    Args:
        settings (dict): See :class:`CheckpointMeta`.
        tensors (dict[str, torch.Tensor]): The checkpoint's tensors, whose
            shapes give the lengths of prompts and context.

    Returns:
        dict: Arguments of ``backbone``, ``text`` and ``head``.

    Raises:
        ValueError: If a value is missing or malformed.
    """
    with _well_formed():
        prompts = tensors.get('backbone.prompts')
        context = tensors.get('head.text.context')
        backbone = dict(num_prompts=0)
        if prompts is not None:
            depth, num, _ = prompts.shape
            backbone = dict(num_prompts=num, prompt_depth=depth)
        text = dict(
            num_context=0 if context is None else context.shape[-2],
            class_specific_context=context is not None and context.ndim == 3,
        )
        head = dict(
            top_k=int(settings['top_k']),
            local_weight=float(settings['local_weight']),
            # Absent from older files.
            proto_weight=float(settings.get('proto_weight', 0)),
            logit_scale=settings['logit_scale'],
        )
        if 'head.prototypes' not in tensors:
            head['loss_proto'] = None
        return dict(backbone=backbone, text=text, head=head)


def as_trained(cfg: Config, path: str) -> Config:
    """Give a config's model the prompts and settings of a checkpoint.

    The log says what is changed. A config stays as it is if its model is not
    :class:`PromptedCLIPViT` with :class:`PromptAlignmentHead`, or the
    checkpoint does not describe one.

    Args:
        cfg (Config): The config, not changed.
        path (str): The checkpoint.

    Raises:
        ValueError: If the checkpoint is refused.
    """
    checkpoint = read_checkpoint(path)
    meta = CheckpointMeta.from_checkpoint(checkpoint)
    model = cfg.model
    kinds = [model.get(part, {}).get('type') for part in ('backbone', 'head')]
    ours = kinds == ['PromptedCLIPViT', 'PromptAlignmentHead']
    if meta is None or meta.settings is None or not ours:
        return cfg
    own = trained_arguments(meta.settings, checkpoint['state_dict'])
    head = own['head']
    if 'loss_proto' not in head and model.head.get('loss_proto', 1) is None:
        head['loss_proto'] = dict(type='PrototypeAlignmentLoss')
    cfg = deepcopy(cfg)
    parts = dict(
        backbone=cfg.model.backbone,
        text=cfg.model.head.text,
        head=cfg.model.head,
    )
    changed = [
        f'{name}={value!r}, not {parts[part][name]!r}'
        for part, arguments in own.items()
        for name, value in arguments.items()
        if name in parts[part] and parts[part][name] != value
    ]
    for part, arguments in own.items():
        parts[part].update(arguments)
    if changed:
        MMLogger.get_current_instance().info(
            f'{path} is as in its training, other than the config: '
            + ', '.join(changed)
        )
    return cfg


@contextmanager
def _well_formed() -> Iterator[None]:
    """Turn errors of malformed values into one that names the entry."""
    try:
        yield
    except (
        KeyError, IndexError, TypeError, AttributeError, RuntimeError,
        ArithmeticError
    ) as error:  # fmt: skip
        raise ValueError(
            f'the entry {ENTRY!r} of the checkpoint is malformed '
            f'({type(error).__name__}: {error})'
        ) from error


def _build(meta: Any, tensors: dict, clip: str | None) -> ImageClassifier:
    """Build it, each value taken by name: a file must not choose classes."""
    settings = meta.settings
    arch = _arch(meta.image_tower['arch'])
    own = trained_arguments(settings, tensors)
    words = zip(meta.classes, meta.prompt_words, strict=True)
    size = meta.image_tower.get('image_size') or []
    if max(size, default=0) > LARGEST_IMAGE:
        raise ValueError(
            f'image_size={size} is above {LARGEST_IMAGE} pixels: '
            + NEEDS_CONFIG
        )
    model = build_model(
        meta.classes,
        arch,
        _clip(arch, settings['clip'], clip),
        backbone=own['backbone'] | dict(image_size=size or None),
        text=own['text']
        | dict(
            prompt_names=dict(words),
            hard_prompts=[texts[0] for texts in meta.hard_prompts],
        ),
        head=own['head'],
    )
    patches = math.prod(model.backbone.tower.grid)
    if model.head.local_weight and model.head.top_k > patches:
        raise ValueError(
            f'top_k={quote(model.head.top_k)} exceeds the {patches} patches '
            'of the image tower'
        )
    model.data_preprocessor = MODELS.build(
        dict(
            type='ClsDataPreprocessor',
            mean=settings['mean'],
            std=settings['std'],
            to_rgb=settings['to_rgb'],
        )
    )
    return model


def _arch(name: str) -> str:
    """Find the architecture: of a file the checkpoint has only the name."""
    if is_named_architecture(name):
        return name
    if not name.endswith('.json'):
        raise ValueError(
            f'the checkpoint names the architecture {name!r}, which neither '
            'mpafer_plugin nor open_clip has'
        )
    path = os.environ.get('MPAFER_ARCH', '')
    if file_name(path) == name:
        return path
    raise ValueError(
        f'the checkpoint was trained with the architecture file {name!r}: set '
        f'MPAFER_ARCH to its path (it is {path!r})'
    )


def _clip(arch: str, stored: str | None, given: str | None) -> str:
    """Find the CLIP weights. A file must not choose what is read from disk."""
    if given:
        return given
    # Only face-tiny's weights ship; others of its architecture do not.
    if arch == FACE_TINY == stored:
        return FACE_TINY
    found = os.environ.get('MPAFER_CLIP')
    if found:
        return found
    if stored is not None and stored in pretrained_tags(arch):
        return stored
    raise ValueError(
        f'the checkpoint was trained with the CLIP weights {stored!r} of '
        f'{arch!r}, which are not a tag: name the file by clip=FILE in '
        'Python, --clip FILE on the command line, or MPAFER_CLIP'
    )
