"""Architecture files: JSON in open_clip's format, checked key by key."""

import dataclasses
import inspect
import os
import types
import typing
from operator import lt
from pathlib import Path
from typing import Any

from mmengine.utils import to_2tuple

from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.numbers import is_number, is_whole
from mpafer_plugin.utils.quoting import quote

LARGEST = {
    'layers': 1000,
    'image_size': 4096,
    'patch_size': 4096,
    'context_length': 4096,
    'vocab_size': 2**22,
}
"""Largest numbers of a file, many times those of any CLIP (ours)."""

LARGEST_OTHER = 2**16

# Null in files of open_clip, whatever the annotation.
_NULL = ('act_kwargs', 'norm_kwargs', 'timm_proj', 'patch_size')
_FROM_ZERO = ('pad_id', 'eos_id', 'attn_pooler_queries')


TEXTS = {
    'vision_cfg.pool_type': ('tok', 'avg', 'none'),
    'vision_cfg.pos_embed_type': ('learnable', 'sin_cos_2d'),
    'vision_cfg.timm_proj': ('linear', 'mlp', 'none', ''),
    'vision_cfg.block_type': ('default', 'custom'),
    'text_cfg.pool_type': ('first', 'last', 'argmax', 'eos', 'none'),
    'text_cfg.proj_type': ('linear', 'none'),
    'text_cfg.block_type': ('default', 'custom'),
}
"""Texts that open_clip knows; some others it would take for the default."""


def read_architecture(path: Path) -> dict:
    """Read an architecture file.

    Args:
        path (Path): JSON with the arguments of open_clip's ``CLIP``, bare or
            under the key ``model_cfg``, as in ``open_clip_config.json``.

    Raises:
        ValueError: If there is no such file, it is not JSON, or a key or
            value is none that open_clip takes. The value is quoted.
    """
    # Imported here: it takes more than a second.
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    if not os.path.isfile(path):  # pathlib fails for too long names
        raise ValueError(
            f'architecture file {quote(str(path))} does not exist'
        )
    content = parse_json(path.read_bytes(), str(path))
    try:
        config = _object(content, 'the file')
        if 'model_cfg' in config:
            config = _object(config['model_cfg'], 'model_cfg')
        absent = {'embed_dim', 'vision_cfg', 'text_cfg'} - set(config)
        if absent:
            raise ValueError(f'it lacks the keys {sorted(absent)}')
        towers = dict(vision_cfg=CLIPVisionCfg, text_cfg=CLIPTextCfg)
        known = dict(custom_text=bool, multimodal_cfg=dict)
        known |= {
            name: argument.annotation
            for name, argument in inspect.signature(CLIP).parameters.items()
        }
        _check(config, known | dict.fromkeys(towers, dict), '')
        for name, tower in towers.items():
            fields = {x.name: x.type for x in dataclasses.fields(tower)}
            _check(_object(config[name], name), fields, f'{name}.')
        _check_patch(config['vision_cfg'])
    except ValueError as error:
        raise ValueError(f'architecture file {str(path)!r}: {error}') from None
    return config


def _object(value: Any, name: str) -> dict:
    if not isinstance(value, dict):
        raise ValueError(f'{name}={quote(value)} is not an object')
    return value


def _check(config: dict, known: dict[str, Any], where: str) -> None:
    """Check keys, types and ranges of an object."""
    for key, value in config.items():
        name = f'{where}{key}'
        if key not in known:
            raise ValueError(
                f'unknown key {quote(name)}; known are '
                f'{", ".join(sorted(known))}'
            )
        expected = _misfit(value, known[key], key)
        if not expected and value not in (None, *TEXTS.get(name, [value])):
            expected = f'one of {", ".join(map(repr, TEXTS[name]))}'
        if expected:
            raise ValueError(f'{name}={quote(value)} is not {expected}')


def _check_patch(vision: dict) -> None:
    """Check that an image has a patch, which torch 2.6 does not."""
    image, patch = vision.get('image_size', 224), vision.get('patch_size')
    if patch and any(map(lt, to_2tuple(image), to_2tuple(patch))):
        raise ValueError(
            f'vision_cfg.patch_size={patch} is larger than '
            f'vision_cfg.image_size={image}'
        )


def _misfit(value: Any, kind: Any, key: str) -> str:
    """Return what a value should be, '' if it is of the kind.

    Args:
        value (Any): Of JSON.
        kind (Any): Type or annotation.
        key (str): Its key, which may have a range of its own.
    """
    if value is None and key in _NULL:
        return ''
    if isinstance(kind, types.UnionType) or (
        typing.get_origin(kind) is typing.Union
    ):
        parts = [_misfit(value, part, key) for part in typing.get_args(kind)]
        return ' or '.join(parts) if all(parts) else ''
    if kind is types.NoneType:
        return '' if value is None else 'null'
    if typing.get_origin(kind) is tuple:
        items = typing.get_args(kind)
        fits = isinstance(value, list) and len(value) == len(items)
        fits = fits and not any(map(_misfit, value, items, [key] * len(items)))
        return '' if fits else f'a list of {len(items)} such numbers'
    if kind is int:
        least = 0 if key in _FROM_ZERO else 1
        most = LARGEST.get(key, LARGEST_OTHER)
        fits = is_whole(value, least, most)
        return '' if fits else f'a whole number from {least} to {most}'
    if kind is float:
        return '' if is_number(value) else 'a finite number'
    names = {bool: 'true or false', str: 'a text', dict: 'an object'}
    if kind not in names:  # torch.dtype, which JSON does not have
        return 'null'
    return '' if isinstance(value, kind) else names[kind]
