"""Checkpoints from which training is resumed."""

import itertools
import os
import tempfile
from functools import cache
from pathlib import Path

import torch
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch.utils.data import Dataset

from .checkpoints import towers
from .files import torch_file
from .harness import Finding, Target

NUMBERS = itertools.count()
CLASSES = ['fear', 'anger']


class Noise(Dataset):
    """Four images of two classes."""

    metainfo = {'classes': CLASSES}

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict:
        image = torch.full((3, 32, 32), 60 * index, dtype=torch.uint8)
        sample = DataSample().set_gt_label(index % 2)
        return dict(inputs=image, data_samples=sample)


def runner(work_dir: str, epochs: int, **options) -> Runner:
    arch, weights = towers()
    tower = dict(arch=arch, pretrained=weights)
    return Runner(
        model=dict(
            type='ImageClassifier',
            data_preprocessor=dict(mean=[9.0] * 3, std=[9.0] * 3, to_rgb=True),
            backbone=dict(type='PromptedCLIPViT', num_prompts=2, **tower),
            head=dict(
                type='PromptAlignmentHead',
                loss_proto=None,
                text=dict(
                    type='PromptedCLIPText',
                    classes=CLASSES,
                    num_context=2,
                    **tower,
                ),
            ),
        ),
        work_dir=work_dir,
        train_dataloader=dict(
            dataset=Noise(),
            batch_size=2,
            num_workers=0,
            sampler=dict(type='ResumableSampler', shuffle=True),
        ),
        train_cfg=dict(type='ResumableTrainLoop', max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=3),
        default_hooks=dict(
            checkpoint=dict(type='PromptCheckpointHook', interval=1)
        ),
        experiment_name=f'fuzz_{os.getpid()}_{next(NUMBERS)}',
        default_scope='mmpretrain',
        log_level='CRITICAL',
        randomness=dict(seed=0),
        **options,
    )


@cache
def valid() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        runner(folder, 1).train()
        return torch.load(Path(folder, 'epoch_1.pth'))


def read(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = runner(folder, 2, load_from=str(path), resume=True)
        run.train()
    for name, value in run.model.state_dict().items():
        if not value.isfinite().all():
            raise Finding(f'{name} is {value}')


TARGETS = [
    Target(
        'resume',
        torch_file('fuzzed.pth', valid),
        read,
        cases=200,  # each is a run of two iterations
    )
]
