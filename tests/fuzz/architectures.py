"""Architecture files: tiny ones, so that a tower is built in milliseconds."""

import dataclasses
from functools import cache
from pathlib import Path

import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg

from mpafer_plugin.clip import architecture, image_size, loading
from mpafer_plugin.models import PromptedCLIPText, PromptedCLIPViT
from tools.benchmarks.tiny_tower import TOWER

from .files import json_file
from .harness import Finding, Target

TINY = {'embed_dim': 12, 'quick_gelu': True} | TOWER

OF_TIMM = TINY | {
    'custom_text': True,
    'vision_cfg': {
        'timm_model_name': 'test_vit',
        'timm_pool': 'token',
        'timm_proj': 'linear',
        'image_size': 160,
    },
}


@cache
def with_all_keys() -> dict:
    """The first one with the default of each other key of open_clip."""
    vision, text = (
        dataclasses.asdict(tower(**TINY[name]))
        for name, tower in (
            ('vision_cfg', CLIPVisionCfg),
            ('text_cfg', CLIPTextCfg),
        )
    )
    config = TINY | dict(vision_cfg=vision, text_cfg=text)
    return {'model_cfg': config, 'preprocess_cfg': {'mean': [0.5] * 3}}


def read(path: Path) -> None:
    """What is let in must build and run."""
    loading.LARGEST = 10**7  # the largest that is worth the time here
    arch = str(path)
    size = image_size(arch)
    if architecture(arch)['text_cfg'].get('context_length', 77) < 77:
        return  # prompts may be too long for it, which is no broken file
    image = PromptedCLIPViT(arch, None, num_prompts=2)
    text = PromptedCLIPText(arch, None, ['fear', 'anger'])
    if size > 200:
        return
    with torch.no_grad():
        features = image(torch.zeros(1, 3, size, size))[0][0]
        logits = features @ text().T
    if logits.shape != (1, 2) or not logits.isfinite().all():
        raise Finding(f'logits {logits}')


TARGETS = [
    Target(
        'architecture',
        json_file('fuzzed.json', TINY, OF_TIMM, with_all_keys),
        read,
    )
]
