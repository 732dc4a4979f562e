import json
from pathlib import Path

import pytest
import torch

from mpafer_plugin import __version__


@pytest.fixture
def trained(build_runner):
    """A runner that has trained an epoch, and its checkpoint."""
    runner = build_runner()
    runner.train()
    return runner, Path(runner.work_dir) / 'epoch_1.pth'


def test_holds_what_was_trained_and_what_it_belongs_to(trained):
    runner, path = trained
    checkpoint = torch.load(path)
    assert sorted(checkpoint['state_dict']) == [
        'backbone.prompts',
        'head.prototypes',
        'head.text.context',
    ]
    entry = checkpoint['mpafer']
    assert entry['classes'][:2] == ['neutral', 'happiness']
    backbone, text = runner.model.backbone, runner.model.head.text
    assert entry['image_tower'] == dict(
        arch='tiny.json', fingerprint=backbone.fingerprint
    )
    assert entry['text_tower']['fingerprint'] == text.fingerprint
    assert 'facial expression of fear' in entry['hard_prompts'][4][0]
    assert entry['versions']['mpafer_plugin'] == __version__
    json.dumps(entry)  # plain data


def test_best_is_kept_too(trained):
    best = list(Path(trained[0].work_dir).glob('best_*.pth'))
    assert [p.name for p in best] == ['best_fer_accuracy_epoch_1.pth']


def test_loads_into_its_own_model(trained, build_runner):
    runner, path = trained
    other = build_runner(load_from=str(path), **{'test_cfg': {}})
    metrics = other.test()
    for key, value in runner.model.state_dict().items():
        torch.testing.assert_close(other.model.state_dict()[key], value)
    assert 0 <= metrics['fer/accuracy'] <= 100


@pytest.mark.parametrize(
    'change, message',
    [
        (
            lambda c: c['mpafer']['classes'].reverse(),
            r"classes: the checkpoint has \['anger'.*this model \['neutral'",
        ),
        (
            lambda c: c['mpafer']['classes'].pop(),
            r"classes: the checkpoint has .*'disgust'\], this model",
        ),
        (
            lambda c: c['mpafer']['image_tower'].update(fingerprint='0'),
            'image_tower: the checkpoint has',
        ),
        (
            lambda c: c['mpafer']['text_tower'].update(fingerprint='0'),
            'text_tower: the checkpoint has',
        ),
        (
            lambda c: c['state_dict'].pop('backbone.prompts'),
            r"missing: \['backbone.prompts'\]",
        ),
        (
            lambda c: c['state_dict'].update(other=torch.ones(1)),
            r"unknown: \['other'\]",
        ),
        (lambda c: c['mpafer'].update(format=99), 'format 99'),
    ],
)
def test_refuses_what_is_not_its_own(trained, build_runner, change, message):
    path = trained[1]
    checkpoint = torch.load(path)
    change(checkpoint)
    torch.save(checkpoint, path)
    with pytest.raises(ValueError, match=message):
        build_runner(load_from=str(path)).test()


def test_other_hard_prompts(trained, build_runner):
    path = str(trained[1])
    options = {'model.head.text.granularity': 1}
    build_runner(load_from=path, **options).test()
    with pytest.raises(ValueError, match='hard prompts: the checkpoint was'):
        build_runner(load_from=path, resume=True, **options).train()


def test_resume_goes_on(trained, build_runner):
    runner, path = trained
    other = build_runner(
        resume=True,
        load_from=str(path),
        **{'train_cfg.max_epochs': 2},
    )
    other.train()
    assert other.epoch == 2
    assert other.iter == 2 * runner.iter
    assert (Path(other.work_dir) / 'epoch_2.pth').is_file()


def test_history_is_cut_to_the_window(trained, build_runner):
    runner, path = trained
    losses = 'train/loss_cls'
    runner.message_hub.update_scalars({losses: 1.0})
    for _ in range(500):
        runner.message_hub.update_scalar(losses, 1.0)
    runner.save_checkpoint(str(path.parent), 'long.pth')
    saved = torch.load(path.parent / 'long.pth')['message_hub']['log_scalars']
    assert len(saved[losses].data[0]) == runner.log_processor.window_size
    assert len(runner.message_hub.get_scalar(losses).data[0]) > 500


def test_init_prompts_from_another_data_set(trained, build_runner):
    runner, path = trained
    option = {'default_hooks.checkpoint.init_prompts': str(path)}
    other = build_runner('mpafer_ferplus.py', **option)
    other._train_loop = other.build_train_loop(other._train_loop)
    other.call_hook('before_train')
    for name in ('backbone.prompts', 'head.text.context'):
        torch.testing.assert_close(
            other.model.get_parameter(name), runner.model.get_parameter(name)
        )
    with pytest.raises(ValueError, match=r'has backbone.prompts of shape'):
        build_runner(
            'mpafer_ferplus.py', **option, **{'model.backbone.num_prompts': 4}
        ).train()


def test_classes_of_data_and_head_must_agree(build_runner):
    classes = [
        'happiness',
        'neutral',
        'sadness',
        'surprise',
        'fear',
        'disgust',
        'anger',
    ]
    runner = build_runner(**{'model.head.text.classes': classes})
    with pytest.raises(ValueError, match=r"data has the classes \['neutral'"):
        runner.train()


def test_size_with_b16(tmp_path):
    """78,848 values and their momentum are what a B/16 adds."""
    values = torch.zeros(78848)
    torch.save(
        {'state_dict': values, 'optimizer': values.clone()}, tmp_path / 'x'
    )
    assert (tmp_path / 'x').stat().st_size < 1_000_000
