import json
from pathlib import Path

import open_clip
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

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
            r'model; 1 missing: backbone.prompts$',
        ),
        (
            lambda c: c['state_dict'].update(other=torch.ones(1)),
            r'model; 1 unknown: other$',
        ),
        (lambda c: c['mpafer'].update(format=99), 'format 99'),
        (
            lambda c: c['mpafer'].update(prompt_words=['x']),
            r"prompt_words: the checkpoint has \['x'\]",
        ),
    ],
)
def test_refuses_what_is_not_its_own(trained, build_runner, change, message):
    path = trained[1]
    checkpoint = torch.load(path)
    change(checkpoint)
    torch.save(checkpoint, path)
    with pytest.raises(ValueError, match=message):
        build_runner(load_from=str(path)).test()


def test_other_shapes_are_refused(trained, build_runner):
    options = {'model.backbone.num_prompts': 4}
    with pytest.raises(
        ValueError, match=r'prompts \(2, 8, 16\), not \(2, 4, 16\)'
    ):
        build_runner(load_from=str(trained[1]), **options).test()


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


def test_files_of_other_hooks_resume_too(trained, build_runner, capfd):
    runner, path = trained
    checkpoint = torch.load(path)
    del checkpoint['mpafer']
    torch.save(checkpoint, path)  # without a digest either
    options = {'train_cfg.max_epochs': 2, 'load_from': str(path)}
    other = build_runner(resume=True, **options)
    other.train()
    assert other.iter == 2 * runner.iter
    out, err = capfd.readouterr()
    assert 'cannot be compared with the model' in out + err


def test_config_text_of_a_file_is_not_run(trained, build_runner, tmp_path):
    path, mark = trained[1], tmp_path / 'ran'
    checkpoint = torch.load(path)
    checkpoint['meta']['config'] = f'open({str(mark)!r}, "w").close()'
    torch.save(checkpoint, path)
    options = {'train_cfg.max_epochs': 2, 'load_from': str(path)}
    build_runner(resume=True, **options).train()
    assert not mark.exists()
    # The control: mmengine's own way does run it.
    Config.fromstring(checkpoint['meta']['config'], file_format='.py')
    assert mark.exists()


def test_history_is_cut_to_the_window(trained, build_runner):
    runner, path = trained
    names = [n for n in runner.message_hub.log_scalars if 'train/' in n]
    assert 'train/loss_cls' in names
    for name in names:  # a run of 50,000 logged iterations
        runner.message_hub.log_scalars[name] = HistoryBuffer(
            torch.rand(50_000).tolist(), [1] * 50_000
        )
    runner.save_checkpoint(str(path.parent), 'long.pth')
    saved = torch.load(path.parent / 'long.pth')['message_hub']['log_scalars']
    for name in names:
        assert len(saved[name].data[0]) == runner.log_processor.window_size
        kept = runner.message_hub.get_scalar(name).data[0]
        assert len(kept) == 50_000  # of the run itself
    assert (path.parent / 'long.pth').stat().st_size < 1_000_000


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
    with pytest.raises(
        ValueError, match=r'backbone.prompts \(2, 8, 16\), not \(2, 4, 16\)'
    ):
        build_runner(
            'mpafer_ferplus.py', **option, **{'model.backbone.num_prompts': 4}
        ).train()
    # What is switched off is left out.
    build_runner(
        'mpafer_ferplus.py', **option, **{'model.backbone.num_prompts': 0}
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


@pytest.mark.slow
def test_size_with_b16(build_runner, tmp_path):
    """With the optimizer's state; what is best has none and is smaller."""
    arch = 'ViT-B-16-quickgelu'
    weights = tmp_path / 'b16.pt'
    torch.save(open_clip.create_model(arch).state_dict(), weights)
    runner = build_runner(
        environment=dict(MPAFER_ARCH=arch, MPAFER_CLIP=str(weights)),
        **{
            'train_dataloader.dataset.indices': 14,
            'val_dataloader.dataset.indices': 2,
        },
    )
    runner.train()
    sizes = {
        path.name: path.stat().st_size
        for path in Path(runner.work_dir).glob('*.pth')
    }
    best = sizes['best_fer_accuracy_epoch_1.pth']
    assert 4 * 78_848 < best < sizes['epoch_1.pth'] < 1_000_000


def test_aliases_of_the_datas_classes(build_runner):
    """'Happy' and 'happiness' are one class, of two words in a prompt."""
    classes = ['Neutral', 'happy', 'sad', 'surprised', 'fear', 'disgust']
    option = {'model.head.text.classes': [*classes, 'angry']}
    build_runner(**option).train()
