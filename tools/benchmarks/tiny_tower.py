import json
import warnings
from pathlib import Path

import torch

from mpafer_plugin.clip import load_clip

TOWER = {
    'embed_dim': 12,
    'vision_cfg': {
        'image_size': 32,
        'patch_size': 8,
        'width': 16,
        'head_width': 8,
        'layers': 2,
    },
    'text_cfg': {
        'context_length': 77,
        'vocab_size': 49408,
        'width': 16,
        'heads': 2,
        'layers': 2,
    },
}
"""Towers so small that a step takes some milliseconds."""


def write_tower(folder: Path) -> tuple[str, str]:
    """Write a tiny CLIP with random weights.

    Args:
        folder (Path): Of its two files.

    Returns:
        tuple[str, str]: Paths of architecture and weights, ``arch`` and
        ``pretrained`` in a config.
    """
    arch, weights = folder / 'tiny.json', folder / 'tiny.pt'
    arch.write_text(json.dumps(TOWER), encoding='utf-8')
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # random weights are meant
        torch.save(load_clip(str(arch), None).state_dict(), weights)
    return str(arch), str(weights)
