"""Checkpoints, as they are loaded to predict."""

import copy
import json
import os
import tempfile
from functools import cache
from pathlib import Path

import torch

from mpafer_plugin.apis import build_model
from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.clip import load_clip
from mpafer_plugin.clip.loading import build_clip
from mpafer_plugin.engine.checkpoints.metadata import ENTRY, CheckpointMeta
from mpafer_plugin.models.backbones import prompted_clip_vit
from mpafer_plugin.models.text import prompted_clip_text

from .architectures import TINY
from .files import torch_file
from .harness import Finding, Target

load_once = cache(load_clip)


@cache
def towers() -> tuple[str, str]:
    """Files of architecture and weights, which are read only once."""
    folder = Path(tempfile.mkdtemp())
    arch, weights = folder / 'tiny.json', folder / 'tiny.pt'
    arch.write_text(json.dumps(TINY))
    torch.manual_seed(0)
    torch.save(build_clip(TINY).state_dict(), weights)
    os.environ['MPAFER_ARCH'], os.environ['MPAFER_CLIP'] = found = (
        str(arch),
        str(weights),
    )
    for module in (prompted_clip_vit, prompted_clip_text):
        module.load_clip = lambda *names: copy.deepcopy(load_once(*names))
    return found


@cache
def valid() -> dict:
    torch.manual_seed(0)
    model = build_model(
        ['fear', 'anger'],
        *towers(),
        backbone=dict(num_prompts=2),
        text=dict(num_context=2),
    )
    model.head.set_prototypes(torch.randn(2, 12))
    resize = dict(scale=[32, 32], interpolation='bicubic')
    entry = CheckpointMeta.from_model(model, resize=resize).to_dict()
    entry['calibration'] = dict(temperature=1.5, images=10)
    return {
        'meta': {'epoch': 1, 'iter': 9, 'dataset_meta': {'classes': ['a']}},
        'state_dict': {**model.state_dict()},
        ENTRY: entry,
    }


def read(path: Path) -> None:
    towers()
    loaded = load_model(path, dtype='float32')
    with torch.no_grad():
        logits = loaded.model(torch.ones(1, 3, 32, 32))
    if any((x.abs() > 1e6).any() for x in loaded.model.state_dict().values()):
        return  # finite, but what follows may not be; predictions say so
    if logits.shape != (1, len(loaded.classes)) or not (
        logits.isfinite().all()
    ):
        raise Finding(f'{loaded.classes} have the logits {logits}')
    if loaded.temperature is not None and not loaded.temperature > 0:
        raise Finding(f'temperature {loaded.temperature}')


TARGETS = [Target('checkpoint', torch_file('fuzzed.pth', valid), read)]
