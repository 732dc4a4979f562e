import random
import re

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mpafer_plugin.engine import DataReportHook
from tests.test_engine.test_dataloader_checks import Stream


@pytest.fixture
def report(build_runner, monkeypatch):
    """Function that gives what the hook logs before training."""

    def report(prepare=lambda runner: None, **options):
        runner = build_runner(**options)
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        runner._val_loop = runner.build_val_loop(runner._val_loop)
        prepare(runner)
        lines = []
        monkeypatch.setattr(runner.logger, 'info', lines.append)
        DataReportHook().before_train(runner)
        return '\n'.join(lines)

    return report


SHIPPED = """\
training data:
  sampler: ResumableSampler, shuffle=True, classes not balanced
  images: 77; batches of 8 x 1 process(es)
  batches per epoch: 10
  class weights: none
  transforms: LoadImageFromFile, RandomResizedCrop, RandomFlip, \
RandomErasing, PackInputs"""


def test_what_a_shipped_config_does(report):
    assert report() == SHIPPED


def test_it_is_in_the_log_of_every_run(build_runner, tmp_path):
    runner = build_runner()
    runner.train()
    (log,) = (tmp_path / 'work_dir').rglob('*.log')
    text = log.read_text()
    assert text.count(SHIPPED) == 1
    assert text.index(SHIPPED) < text.index('class prototypes:')


def test_rare_classes_alone(report):
    text = report(
        **{
            'train_dataloader.sampler.type': 'ClassBalancedSampler',
            'train_dataloader.sampler.oversample_thr': 0.1,
        }
    )
    assert 'shuffle=True, classes below 10% more often' in text


def test_balance_weights_and_mixing(report):
    text = report(
        **{
            'train_dataloader.sampler.type': 'ClassBalancedSampler',
            'model.head.loss_cls.class_weight': [1.0, 2, 3, 4, 5, 6, 0.25],
            'model.data_preprocessor': dict(
                num_classes=7,
                batch_augments=dict(
                    augments=[
                        dict(type='Mixup', alpha=0.8),
                        dict(type='CutMix', alpha=1.0),
                    ]
                ),
            ),
        }
    )
    assert 'ClassBalancedSampler, shuffle=True, each class equally' in text
    assert 'class weights: neutral 1.000, happiness 2.000, sadness 3' in text
    assert 'anger 0.250\n' in text
    assert text.endswith('mixing of batches: Mixup, CutMix')


def test_each_part_of_a_wrapped_data_set(report, load_config):
    part = load_config('mpafer_rafdb.py').train_dataloader.dataset
    plain = part.copy()
    plain.pipeline = [part.pipeline[0], part.pipeline[-1]]
    repeated = dict(type='RepeatDataset', dataset=part, times=2)
    wrapped = dict(
        _delete_=True, type='ConcatDataset', datasets=[part, repeated, plain]
    )

    text = report(**{'train_dataloader.dataset': wrapped})
    assert 'images: 308; ' in text  # 77 x (1 + 2 + 1)
    assert text.endswith(
        '  transforms: LoadImageFromFile, RandomResizedCrop, RandomFlip, '
        'RandomErasing, PackInputs\n'
        '  transforms: LoadImageFromFile, PackInputs'
    )


def test_loops_over_iterations(report):
    text = report(
        **{
            'train_cfg': dict(
                _delete_=True, type='IterBasedTrainLoop', max_iters=1500
            ),
            'train_dataloader.sampler': dict(
                _delete_=True, type='InfiniteSampler'
            ),
        }
    )
    assert 'sampler: InfiniteSampler, shuffle=True, classes not' in text
    assert '  iterations: 1,500\n' in text


def test_data_sets_of_others(report):
    def prepare(runner):
        runner.train_loop.dataloader = DataLoader(Stream(), batch_size=4)
        runner.val_loop.dataloader = DataLoader(Stream())

    text = report(prepare)
    assert 'images: unknown number; batches of 4 x 1' in text
    assert 'batches per epoch: unknown number' in text
    assert text.endswith('transforms: none')


def test_the_stand_in_of_the_hosts_tools(report):
    def prepare(runner):
        runner.train_loop.dataloader = [1, 2, 3]

    assert report(prepare) == ''


def test_validation_without_images(report):
    message = (
        'validation is configured, but its dataset, a RAFDB, has no '
        'images: give it some, or switch validation off with '
        'val_dataloader=None'
    )

    def prepare(runner):
        runner.val_dataloader.dataset.get_subset_([])

    with pytest.raises(ValueError, match=re.escape(message)):
        report(prepare)


def test_no_validation_is_no_error(build_runner):
    runner = build_runner(
        val_dataloader=None, val_cfg=None, val_evaluator=None
    )
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    DataReportHook().before_train(runner)


def test_a_batch_larger_than_the_data_is_told_before_training(build_runner):
    runner = build_runner(
        **{
            'train_dataloader.batch_size': 80,
            'train_dataloader.drop_last': True,
        },
    )
    message = r'no training batch for each process: .*77 images.*size=80 '
    with pytest.raises(ValueError, match=message):
        runner.train()


@pytest.mark.parametrize(
    'option',
    [
        {'val_fraction': 0.0},
        {'val_seed': 1},
        {'subject': '[0-9]+'},
        {'merge': {'negative': ['fear', 'anger']}},
    ],
    ids=str,
)
def test_images_are_not_in_training_and_validation(report, option):
    ((name, value),) = option.items()
    message = f'images would be in both: {name} is '
    with pytest.raises(ValueError, match=message):
        report(**{f'train_dataloader.dataset.{name}': value})


def test_all_is_trained_on_and_the_test_set_chooses(report):
    report(
        **{
            'train_dataloader.dataset.val_fraction': 0.0,
            'val_dataloader.dataset.split': 'test',
        }
    )


def test_validation_on_training_images_is_warned_of(report, capfd):
    report(**{'val_dataloader.dataset.split': 'train'})
    out, err = capfd.readouterr()
    assert "split='train', the training images" in out + err


def test_the_same_folder_by_another_name(report, data_root):
    with pytest.raises(ValueError, match='images would be in both'):
        report(
            **{
                'train_dataloader.dataset.data_root': f'{data_root}/./rafdb/',
                'train_dataloader.dataset.val_seed': 1,
            }
        )


@pytest.mark.parametrize(
    'scales, message',
    [
        (dict(), r'training pipeline: .*32, 32\).*image_size'),
        (dict(train=64), r'validation pipeline: .*32, 32\)'),
        (dict(train=64, val=(64, 64)), None),
    ],
)
def test_images_that_the_tower_does_not_take(report, scales, message):
    options = {'model.backbone.image_size': 64}
    for split, scale in scales.items():
        options[f'{split}_dataloader.dataset.pipeline.1.scale'] = scale
    if message is None:
        assert 'training data' in report(**options)
    else:
        with pytest.raises(ValueError, match=message):
            report(**options)


def test_more_patches_than_there_are(report):
    with pytest.raises(ValueError, match='top_k=17 exceeds the 16 patches'):
        report(**{'model.head.top_k': 17})
    report(**{'model.head.top_k': 17, 'model.head.local_weight': 0})


def test_the_checks_draw_no_random_numbers(report):
    def drawn():
        return random.random(), np.random.random(), torch.rand(1).item()

    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(0)
    expected = drawn()

    def prepare(runner):
        for generator in (random.seed, np.random.seed, torch.manual_seed):
            generator(0)

    report(prepare)
    assert drawn() == expected
