import os

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpretrain.models import ClsDataPreprocessor

from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS
from mpafer_plugin.datasets.worker_init import leave_signals_to_main
from mpafer_plugin.engine import PrototypeHook
from mpafer_plugin.engine.hooks import prototype_hook


@pytest.fixture
def run(build_runner):
    """Function that runs a hook alone, with the runner it runs in."""

    def run(config='mpafer_rafdb.py', hook=None, **options):
        runner = build_runner(config, **options)
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        (hook or PrototypeHook(num_workers=0)).before_train(runner)
        return runner

    return run


def features(runner, dataset):
    """Frozen features and labels, one image at a time."""
    rows, labels = [], []
    for i in range(len(dataset)):
        data = dataset[i]
        data = runner.model.data_preprocessor(
            dict(inputs=[data['inputs']], data_samples=[data['data_samples']])
        )
        with torch.no_grad():
            ((row, _),) = runner.model.backbone(data['inputs'], prompted=False)
        rows.append(row)
        labels.append(int(data['data_samples'][0].gt_label))
    return torch.cat(rows), torch.tensor(labels)


def unaugmented(runner):
    from mmpretrain.registry import DATASETS

    cfg = runner.cfg.train_dataloader.dataset.copy()
    cfg.pipeline = runner.cfg.test_dataloader.dataset.pipeline
    return DATASETS.build(cfg)


@pytest.mark.parametrize('normalize', [True, False])
def test_is_the_mean_of_the_frozen_features(run, normalize):
    runner = run(hook=PrototypeHook(num_workers=0, normalize=normalize))
    rows, labels = features(runner, unaugmented(runner))
    if normalize:
        rows = F.normalize(rows, dim=-1)
    assert len(rows) < 84  # the held-out images take no part
    for c in range(7):
        torch.testing.assert_close(
            runner.model.head.prototypes[c], rows[labels == c].mean(0)
        )


def test_does_not_touch_the_training_pipeline(run):
    runner = run()
    names = [
        type(t).__name__
        for t in runner.train_dataloader.dataset.pipeline.transforms
    ]
    assert 'RandomErasing' in names


@pytest.mark.parametrize('own, expected', [(None, 0), (3, 3)])
def test_loading_is_as_in_training(run, monkeypatch, own, expected):
    seen, build = {}, prototype_hook.DataLoader

    def loader(*args, **options):
        seen.update(options)
        return build(*args, **options | dict(num_workers=0, pin_memory=False))

    monkeypatch.setattr(prototype_hook, 'DataLoader', loader)
    run(
        hook=PrototypeHook(num_workers=own),
        **{'train_dataloader.pin_memory': True},
    )
    assert seen['num_workers'] == expected
    assert seen['pin_memory']
    # Its processes outlive a SIGTERM to all, as those of training.
    assert seen['worker_init_fn'] is leave_signals_to_main


def test_a_batch_is_copied_as_a_whole(run, monkeypatch):
    sizes = []
    forward = ClsDataPreprocessor.forward

    def note(self, data, training=False):
        sizes.append(tuple(data['inputs'].shape))
        return forward(self, data, training)

    monkeypatch.setattr(ClsDataPreprocessor, 'forward', note)
    run(hook=PrototypeHook(num_workers=0, batch_size=50))
    assert sizes == [(50, 3, 32, 32), (27, 3, 32, 32)]


def test_subset_of_each_class(run):
    runner = run(hook=PrototypeHook(samples_per_class=2, num_workers=0))
    again = run(hook=PrototypeHook(samples_per_class=2, num_workers=0))
    other = run(hook=PrototypeHook(samples_per_class=2, seed=1, num_workers=0))
    everything = run()
    values = [r.model.head.prototypes for r in (runner, again, other)]
    torch.testing.assert_close(values[0], values[1])
    assert (values[0] - values[2]).abs().max() > 1e-4
    assert (values[0] - everything.model.head.prototypes).abs().max() > 1e-4


def test_soft_labels_count_by_their_largest(run):
    hard = run('mpafer_ferplus.py')
    soft = run(
        'mpafer_ferplus.py',
        **{'train_dataloader.dataset.label_rule': 'distribution'},
    )
    torch.testing.assert_close(
        hard.model.head.prototypes, soft.model.head.prototypes
    )


def test_cache(run, tmp_path, monkeypatch):
    cache = tmp_path / 'cache'

    def hook(**kwargs):
        return PrototypeHook(num_workers=0, cache_dir=str(cache), **kwargs)

    first = run(hook=hook()).model.head.prototypes
    (file,) = cache.iterdir()
    assert file.suffix == '.npy'
    np.testing.assert_allclose(np.load(file), first, rtol=1e-6)
    with monkeypatch.context() as patch:
        patch.setattr(PrototypeHook, '_compute', None)  # must not be called
        second = run(hook=hook()).model.head.prototypes
    torch.testing.assert_close(first, second)
    run(hook=hook(samples_per_class=2))
    run(hook=hook(normalize=False))
    run('mpafer_ferplus.py', hook=hook())
    monkeypatch.setattr(prototype_hook, 'training_dtype', lambda _: 'bfloat16')
    run(hook=hook())
    assert len(list(cache.iterdir())) == 5


def test_file_names_that_are_not_utf8(run, tmp_path):
    image = cv2.imencode('.png', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    for label in SEVEN_EXPRESSIONS:
        (tmp_path / 'own' / label).mkdir(parents=True)
        for name in (b'caf\xe9.png', b'1.png'):
            path = tmp_path / 'own' / label / os.fsdecode(name)
            path.write_bytes(image)
    cache = tmp_path / 'cache'
    options = dict(type='FERFolder', data_root=str(tmp_path / 'own'))
    run(
        hook=PrototypeHook(num_workers=0, cache_dir=str(cache)),
        **{f'train_dataloader.dataset.{k}': v for k, v in options.items()},
    )
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_cannot_be_written(run, tmp_path, capfd):
    (tmp_path / 'file').touch()
    cache = str(tmp_path / 'file' / 'cache')
    runner = run(hook=PrototypeHook(num_workers=0, cache_dir=cache))
    assert runner.model.head.prototypes.isfinite().all()
    out, err = capfd.readouterr()
    assert 'prototypes not cached' in out + err
    assert cache in out + err


def test_the_home_is_found_and_need_not_be(monkeypatch):
    monkeypatch.setenv('HOME', '/home/me')
    hook = PrototypeHook(cache_dir='~/.cache/x')
    assert str(hook.cache_dir) == '/home/me/.cache/x'
    monkeypatch.setattr('os.path.expanduser', lambda path: path)
    assert PrototypeHook(cache_dir='~/.cache/x').cache_dir is None


def test_without_the_loss_nothing_is_done(run):
    runner = run(**{'model.head.loss_proto': None})
    assert not hasattr(runner.model.head, 'prototypes')


def test_class_without_images_is_named(run):
    runner = run()
    dataset = runner.train_dataloader.dataset
    keep = np.flatnonzero(dataset.get_gt_labels() != 4)
    dataset.get_subset_(keep.tolist())
    with pytest.raises(ValueError, match=r"no training images of \['fear'"):
        PrototypeHook(num_workers=0).before_train(runner)


def test_other_backbones_are_told(run):
    runner = run()
    runner.model.backbone = torch.nn.Identity()
    with pytest.raises(
        ValueError, match=r'Identity.*PromptedCLIPViT.*loss_proto=None'
    ):
        PrototypeHook().before_train(runner)


def test_wrong_number():
    with pytest.raises(ValueError, match='samples_per_class=0'):
        PrototypeHook(samples_per_class=0)


def test_without_a_test_set(run):
    """The validation pipeline has no augmentation either."""
    no_test = dict(test_dataloader=None, test_cfg=None, test_evaluator=None)
    no_val = dict(val_dataloader=None, val_cfg=None, val_evaluator=None)
    usual = run()
    for none in (no_test, no_test | no_val):
        torch.testing.assert_close(
            run(**none).model.head.prototypes, usual.model.head.prototypes
        )
    with pytest.raises(ValueError, match='PrototypeHook a pipeline'):
        run(**no_test, **no_val, test_pipeline=None)
