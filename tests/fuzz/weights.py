"""CLIP weights in each format and layout."""

import json
import tempfile
from functools import cache
from pathlib import Path

import torch

from mpafer_plugin.clip import load_clip
from mpafer_plugin.clip.loading import build_clip
from mpafer_plugin.clip.weights import normalization

from .architectures import TINY
from .files import json_file, safetensors_file, torch_file
from .harness import Finding, Target

ARCH = TINY | {
    'text_cfg': TINY['text_cfg'] | {'vocab_size': 64, 'context_length': 8}
}


@cache
def architecture_file() -> str:
    path = Path(tempfile.mkdtemp(), 'tiny.json')
    path.write_text(json.dumps(ARCH))
    return str(path)


@cache
def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {**build_clip(ARCH).state_dict()}


def of_training() -> dict:
    return {
        'epoch': 1,
        'state_dict': {f'module.{k}': v for k, v in tensors().items()},
    }


def in_half_precision() -> dict:
    return {key: value.half() for key, value in tensors().items()}


def read(path: Path) -> None:
    clip = load_clip(architecture_file(), str(path))
    for name, value in clip.named_parameters():
        if value.dtype is not torch.float32 or not value.isfinite().all():
            raise Finding(f'{name} is {value.dtype}: {value}')


def read_normalization(path: Path) -> None:
    found = normalization('ViT-B-16', str(path.parent))
    for name, values in found.items():
        least = 0 if name == 'mean' else 1e-9
        if len(values) != 3 or not all(least <= x <= 255 for x in values):
            raise Finding(f'{name} {values}')


TARGETS = [
    Target(
        'weights',
        torch_file('fuzzed.pt', tensors, of_training, in_half_precision),
        read,
    ),
    Target(
        'safetensors',
        safetensors_file('fuzzed.safetensors', tensors, in_half_precision),
        read,
    ),
    Target(
        'normalization',
        json_file(
            'open_clip_config.json',
            {'model_cfg': ARCH, 'preprocess_cfg': {'mean': [0.5] * 3}},
            {'preprocess_cfg': {'mean': [0.5] * 3, 'std': [0.2] * 3}},
        ),
        read_normalization,
    ),
]
