"""Whatever stops a run, it ends as if it had not been stopped."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from mpafer_plugin.engine import PREEMPTED
from tests import interruptions

pytestmark = pytest.mark.slow
EPOCHS = 3


@pytest.fixture
def config(load_config, tmp_path):
    """A short run whose validation improves more than once."""
    cfg = load_config('mpafer_rafdb.py')
    cfg.train_cfg.max_epochs = EPOCHS
    cfg.train_dataloader.batch_size = 16
    cfg.val_evaluator = dict(type='Confidence')
    cfg.default_hooks.checkpoint.update(
        max_keep_ckpts=1, save_best='confidence'
    )
    cfg.custom_hooks = [
        hook for hook in cfg.custom_hooks if hook.type != 'FERReportHook'
    ]
    cfg.visualizer.vis_backends = None
    cfg.work_dir = str(tmp_path / 'whole')
    return cfg


def at(cfg, folder, **changes):
    """The same run in another folder, as a plain dict."""
    cfg = cfg.copy()
    cfg.merge_from_dict(changes)
    cfg.work_dir = str(folder)
    return cfg.to_dict()


def result(folder):
    """Everything that a run leaves, without clock and paths."""
    files = {}
    for path in Path(folder).glob('*.pth'):
        checkpoint = torch.load(path)
        hub = checkpoint['message_hub']
        scalars = {
            name: buffer.data[0][-10:].tolist()
            for name, buffer in hub['log_scalars'].items()
            if 'time' not in name and 'eta' not in name
        }
        files[path.name] = dict(
            state_dict=checkpoint['state_dict'],
            optimizer=checkpoint.get('optimizer'),
            schedulers=checkpoint.get('param_schedulers'),
            best=hub['runtime_info'].get('best_score'),
            iteration=checkpoint['meta']['iter'],
            epoch=checkpoint['meta']['epoch'],
            scalars=scalars,
        )
    return files


def assert_same(found, expected):
    """Bit for bit."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            assert_same(found[key], expected[key])
    elif isinstance(found, (list, tuple)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(found, torch.Tensor):
        assert torch.equal(found, expected)
    else:
        assert found == expected or found != found


def finish(cfg, log=None):
    """Resume until the run ends by itself."""
    cfg = cfg | dict(resume=True)
    code = interruptions.run(cfg, **(dict(log=str(log)) if log else {}))
    assert code == 0, log and Path(log).read_text()[-3000:]


@pytest.fixture
def whole(config, tmp_path):
    """What the run leaves that was never killed, and its steps."""
    steps = tmp_path / 'steps.json'
    log = tmp_path / 'whole.log'
    code = interruptions.run(
        at(config, tmp_path / 'whole'), steps=str(steps), log=str(log)
    )
    assert code == 0, log.read_text()[-3000:]
    return result(tmp_path / 'whole'), json.loads(steps.read_text())


def test_killed_before_each_step(config, whole, tmp_path):
    """Of writing, syncing, renaming, deleting, and of the best update."""
    expected, steps = whole
    names = [step.split()[0] for step in steps]
    assert {'write', 'sync', 'rename', 'delete'} <= set(names)
    best = [step for step in steps if step.startswith('write best')]
    assert len(best) >= 2, steps
    assert any(step.startswith('delete best') for step in steps)
    for number, name in enumerate(steps):
        folder = tmp_path / f'killed_{number}'
        cfg = at(config, folder)
        assert interruptions.run(cfg, kill=number) == -9
        finish(cfg, tmp_path / 'log')
        print('killed before', name)  # shown if the next line fails
        assert_same(result(folder), expected)
        left = [path.name for path in folder.glob('*.part')]
        assert not left, (name, left)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_killed_at_any_moment(config, tmp_path, num_workers):
    """15 kills with and 15 without workers, of one chain of runs each."""
    workers = {
        f'{split}_dataloader.{key}': value
        for split in ('train', 'val')
        for key, value in (
            ('num_workers', num_workers),
            ('persistent_workers', num_workers > 0),
        )
    }
    for name in ('warm-up', 'whole'):
        begin = time.monotonic()
        assert interruptions.run(at(config, tmp_path / name, **workers)) == 0
        seconds = time.monotonic() - begin
    expected = result(tmp_path / 'whole')
    chance = random.Random(0)
    kills = runs = 0
    while kills < 15:
        folder = tmp_path / f'chain_{runs}'
        cfg = at(config, folder, **workers)
        ended = False
        while not ended and kills < 15:
            process = interruptions.start(cfg | dict(resume=True))
            process.join(timeout=chance.uniform(0.3, 1.0) * seconds)
            ended = process.exitcode is not None
            if ended:
                assert process.exitcode == 0
            else:
                process.kill()
                process.join()
                kills += 1
        finish(cfg)
        assert_same(result(folder), expected)
        runs += 1


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'it did not come'
        time.sleep(0.01)


@pytest.mark.parametrize('signals', [1, 2])
@pytest.mark.parametrize('num_workers', [0, 2])
def test_preempted(config, tmp_path, signals, num_workers):
    """SIGTERM to all processes of a run, as clusters send it."""
    workers = {
        'train_dataloader.num_workers': num_workers,
        'train_dataloader.persistent_workers': num_workers > 0,
    }
    assert interruptions.run(at(config, tmp_path / 'whole', **workers)) == 0
    folder, log = tmp_path / 'preempted', tmp_path / 'log'
    cfg = at(config, folder, **workers)
    process = interruptions.start(
        cfg, log=str(log), setup=interruptions.slow_iterations
    )
    wait_for(lambda: log.is_file() and 'iteration 7' in log.read_text())
    for _ in range(signals):
        os.killpg(process.pid, signal.SIGTERM)
    process.join(timeout=60)
    assert process.exitcode == PREEMPTED == 75, log.read_text()[-2000:]
    wait_for(lambda: not interruptions.group_exists(process.pid), 20)
    assert [p.name for p in folder.glob('iter_*')] in (
        ['iter_7.pth'], ['iter_8.pth']
    )  # fmt: skip
    assert 'SIGTERM: saved after iteration' in log.read_text()
    finish(cfg, log)
    assert_same(result(folder), result(tmp_path / 'whole'))


def test_preempted_amid_an_epoch_of_another_length(config, tmp_path):
    folder, log = tmp_path / 'preempted', tmp_path / 'log'
    process = interruptions.start(
        at(config, folder),
        log=str(log),
        setup=interruptions.slow_iterations,
    )
    wait_for(lambda: log.is_file() and 'iteration 7' in log.read_text())
    os.kill(process.pid, signal.SIGTERM)
    process.join(timeout=60)
    other = at(config, folder, **{'train_dataloader.batch_size': 8})
    other['resume'] = True
    assert interruptions.run(other, log=str(log)) == 1
    assert 'batches of an epoch, which has 10 now' in log.read_text()


def test_a_damaged_newest_file_is_passed_over(config, tmp_path):
    config.default_hooks.checkpoint.max_keep_ckpts = 2
    folder, log = tmp_path / 'run', tmp_path / 'log'
    assert interruptions.run(at(config, folder)) == 0
    expected = result(folder)
    newest = folder / 'epoch_3.pth'
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(bytes(content))
    finish(at(config, folder), log)
    text = log.read_text()
    assert 'epoch_3.pth is damaged' in text
    assert 'its SHA-256 is' in text
    assert 'resumed epoch: 2' in text
    assert_same(result(folder), expected)
    # Named, it is an error.
    newest.write_bytes(bytes(content))
    cfg = at(config, folder) | dict(resume=True, load_from=str(newest))
    assert interruptions.run(cfg, log=str(log)) == 1
    assert f'{newest} is damaged' in log.read_text()


@pytest.mark.parametrize(
    'setup, reason',
    [
        (interruptions.full_disk, 'No space left on device'),
        (interruptions.read_only_disk, 'Read-only file system'),
    ],
)
def test_a_disk_that_takes_nothing(config, tmp_path, setup, reason):
    """What was there before stays; with room again the run goes on."""
    whole, folder = tmp_path / 'whole', tmp_path / 'full'
    assert interruptions.run(at(config, whole)) == 0
    log = tmp_path / 'log'
    code = interruptions.run(at(config, folder), log=str(log), setup=setup)
    assert code == 1
    text = log.read_text()
    assert f'epoch_2.pth could not be written ({reason})' in text
    assert sorted(p.name for p in folder.glob('*.pth*')) == [
        'best_confidence_epoch_1.pth',
        'epoch_1.pth',
    ]
    finish(at(config, folder), log)
    assert_same(result(folder), result(whole))


def test_a_dead_worker(config, tmp_path):
    workers = {
        'train_dataloader.num_workers': 2,
        'train_dataloader.persistent_workers': True,
    }
    folder, log = tmp_path / 'run', tmp_path / 'log'
    process = interruptions.start(
        at(config, folder, **workers),
        log=str(log),
        setup=interruptions.slow_iterations,
    )
    wait_for(lambda: log.is_file() and 'iteration 7' in log.read_text())
    worker = interruptions.children(process.pid)[0]
    os.kill(worker, signal.SIGKILL)
    process.join(timeout=60)
    assert process.exitcode == 1
    assert 'is killed by signal: Killed' in log.read_text()
    wait_for(lambda: not interruptions.group_exists(process.pid), 20)
    assert (folder / 'epoch_1.pth').is_file()
