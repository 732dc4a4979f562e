"""What one process shows; test_interruptions.py kills and resumes runs."""

import math
import os
import signal
from pathlib import Path

import pytest
import torch

from mpafer_plugin.engine import PREEMPTED
from mpafer_plugin.engine.hooks import SafeCheckpointHook
from mpafer_plugin.evaluation import FERMetric

EPOCHS = 'train_cfg.max_epochs'


def folder(runner):
    return Path(runner.work_dir)


@pytest.mark.slow
def test_a_new_run_in_a_used_folder_resumes_itself(build_runner):
    """Not the older run, whose files have larger numbers."""
    older = build_runner(**{EPOCHS: 3})
    older.train()
    newer = build_runner(**{EPOCHS: 1, 'randomness.seed': 1})
    newer.train()
    expected = newer.model.backbone.prompts.clone()
    assert (folder(newer) / 'epoch_3.pth').is_file()
    resumed = build_runner(resume=True, **{EPOCHS: 1, 'randomness.seed': 1})
    resumed.train()
    assert resumed.epoch == 1
    assert torch.equal(resumed.model.backbone.prompts, expected)
    assert (folder(newer) / 'epoch_1.pth').is_file()


@pytest.mark.slow
def test_a_damaged_pointed_file_gives_way_to_the_one_before(build_runner):
    older = build_runner(**{EPOCHS: 3})
    older.train()
    newer = build_runner(**{EPOCHS: 2})
    newer.train()
    (folder(newer) / 'epoch_2.pth').write_bytes(b'cut')
    resumed = build_runner(resume=True, **{EPOCHS: 2})
    resumed._train_loop = resumed.build_train_loop(resumed._train_loop)
    resumed.call_hook('before_run')
    assert Path(resumed._load_from).name == 'epoch_1.pth'


def test_a_file_written_elsewhere_removes_nothing_there(
    build_runner, tmp_path
):
    first = build_runner(work_dir=str(tmp_path / 'first'))
    first.train()
    path = tmp_path / 'first' / 'epoch_1.pth'
    (best,) = (tmp_path / 'first').glob('best_*.pth')
    checkpoint = torch.load(path)
    checkpoint['message_hub']['runtime_info']['best_score'] = -1.0
    torch.save(checkpoint, path)
    second = build_runner(
        work_dir=str(tmp_path / 'second'),
        resume=True,
        load_from=str(path),
        **{EPOCHS: 2},
    )
    second.train()
    assert list((tmp_path / 'second').glob('best_*.pth'))
    assert best.is_file()


def test_testing_after_a_resumed_training(build_runner):
    options = {'default_hooks.checkpoint.max_keep_ckpts': 1}
    build_runner(**options).train()
    resumed = build_runner(resume=True, **options, **{EPOCHS: 2})
    resumed.train()
    assert not (folder(resumed) / 'epoch_1.pth').exists()
    assert 'fer/accuracy' in resumed.test()


def test_an_absent_file(build_runner):
    with pytest.raises(FileNotFoundError, match=r"'nowhere\.pth' to resume"):
        build_runner(resume=True, load_from='nowhere.pth').train()


def test_a_score_that_is_no_number_is_not_best(build_runner):
    runner = build_runner()
    runner.train()
    hook = next(h for h in runner.hooks if hasattr(h, 'save_now'))
    for key in ('best_score', 'best_ckpt'):
        runner.message_hub.runtime_info.pop(key)
    save = (hook._save_if_best, runner, 'fer/accuracy')
    assert not save[0](*save[1:], math.nan, 'epoch', 1)
    assert save[0](*save[1:], 50.0, 'epoch', 1)
    assert not save[0](*save[1:], 40.0, 'epoch', 1)


def terminate_at(runner, iteration):
    run_iter = type(runner._train_loop).run_iter

    def run(idx, batch):
        if runner.iter + 1 == iteration:
            os.kill(os.getpid(), signal.SIGTERM)
        run_iter(runner.train_loop, idx, batch)

    runner._train_loop.run_iter = run


@pytest.mark.parametrize(
    'options',
    [
        {'train_cfg.type': 'EpochBasedTrainLoop'},
        {
            'default_hooks.checkpoint._delete_': True,
            'default_hooks.checkpoint.type': 'CheckpointHook',
        },
    ],
)
def test_what_can_not_go_on_is_not_said_to_be_saved(
    options, build_runner, capfd
):
    former = signal.getsignal(signal.SIGTERM)
    runner = build_runner(**options)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    terminate_at(runner, 3)
    with pytest.raises(SystemExit) as error:
        runner.train()
    signal.signal(signal.SIGTERM, former)
    assert error.value.code == PREEMPTED
    out, err = capfd.readouterr()
    assert 'NOT saved' in out + err
    assert not list(folder(runner).glob('iter_*'))


def test_amid_an_epoch_the_hosts_loop_is_refused(build_runner):
    former = signal.getsignal(signal.SIGTERM)
    runner = build_runner()
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    terminate_at(runner, 3)
    with pytest.raises(SystemExit):
        runner.train()
    signal.signal(signal.SIGTERM, former)
    assert (folder(runner) / 'iter_3.pth').is_file()
    with pytest.raises(ValueError, match='EpochBasedTrainLoop cannot go on'):
        build_runner(
            resume=True, **{'train_cfg.type': 'EpochBasedTrainLoop'}
        ).train()


def test_a_folder_that_cannot_be_written_is_found_before_training(
    build_runner, tmp_path
):
    (tmp_path / 'file').touch()
    runner = build_runner(
        **{'default_hooks.checkpoint.out_dir': str(tmp_path / 'file')}
    )
    with pytest.raises(NotADirectoryError, match='file'):
        runner.train()
    assert runner.iter == 0


def test_a_best_score_of_another_metric_is_not_compared(
    build_runner, monkeypatch
):
    scores = dict(accuracy=90.0, macro_f1=10.0)
    monkeypatch.setattr(FERMetric, 'compute_metrics', lambda *_: scores)
    build_runner(**{EPOCHS: 1}).train()
    resumed = build_runner(
        resume=True,
        **{EPOCHS: 2, 'default_hooks.checkpoint.save_best': 'fer/macro_f1'},
    )
    resumed.train()
    assert (folder(resumed) / 'best_fer_accuracy_epoch_1.pth').is_file()
    assert (folder(resumed) / 'best_fer_macro_f1_epoch_2.pth').is_file()


def test_validation_alone_keeps_nothing(build_runner, tmp_path):
    metrics = build_runner().val()
    assert 0 <= metrics['fer/accuracy'] <= 100
    assert not list(tmp_path.rglob('*.pth'))


def test_metrics_to_select_by_under_their_old_names():
    hook = SafeCheckpointHook(save_best='fer/recall_a+b', rule='greater')
    assert hook.key_indicators == ['fer/recall_a_b']
    names = ['fer/recall_a+b', 'fer/uar']
    hook = SafeCheckpointHook(save_best=names, rule='greater')
    assert hook.key_indicators == ['fer/recall_a_b', 'fer/uar']
