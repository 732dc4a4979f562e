"""Training as `mpafer train` does it: precision, resume, bad numbers."""

import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from mmengine.config import Config

from mpafer_plugin.engine import PREEMPTED, ResumableTrainLoop
from tests.conftest import CONFIGS, ROOT
from tests.test_gpu.conftest import scalars, write_config

AMP = dict(none=[], bf16=['--amp', 'bf16'], fp16=['--amp', 'fp16'])
SCALE = 2.0**16
"""Loss scale of float16 at the start; each overflow halves it."""


def precisions(*names):
    """Parametrise by names of AMP; float16 on a GPU alone."""
    return pytest.mark.parametrize(
        'amp',
        [
            pytest.param(n, marks=[pytest.mark.gpu] if n == 'fp16' else [])
            for n in names
        ],
    )


@precisions('none', 'bf16', 'fp16')
def test_training(train, device, amp):
    runner = train('out', *AMP[amp])
    assert next(runner.model.parameters()).device.type == device
    losses = scalars(runner.work_dir)
    assert all(map(math.isfinite, losses))
    assert sum(losses[-5:]) < sum(losses[:5])
    if amp == 'fp16':
        skipped = math.log2(SCALE / runner.optim_wrapper.get_loss_scale())
        assert runner.iter - skipped >= 8


@pytest.fixture
def deterministic(monkeypatch):
    """Undo what `randomness.deterministic` sets for the process.

    On one thread, as the other tests of exact resume on a CPU.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield {'randomness.deterministic': True, 'randomness.seed': 1}
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False


def stop_after(iteration, monkeypatch):
    """Let the run receive a SIGTERM amid an epoch."""
    run_iter = ResumableTrainLoop.run_iter

    def run(self, idx, data_batch):
        if self._iter + 1 == iteration:
            os.kill(os.getpid(), signal.SIGTERM)
        run_iter(self, idx, data_batch)

    monkeypatch.setattr(ResumableTrainLoop, 'run_iter', run)


@precisions('none', 'fp16')
@pytest.mark.parametrize('optimizer', ['SGD', 'AdamW'])
def test_resume_is_exact(
    train, deterministic, device, monkeypatch, amp, optimizer
):
    options = deterministic | {
        'optim_wrapper.optimizer': dict(type=optimizer, lr=0.01, _delete_=True)
    }
    whole = train('whole', *AMP[amp], **options)
    with monkeypatch.context() as patch:
        stop_after(7, patch)
        with pytest.raises(SystemExit) as end:
            train('parts', *AMP[amp], **options)
    assert end.value.code == PREEMPTED
    parts = train('parts', *AMP[amp], '--resume', **options)
    expected = whole.model.state_dict()
    for name, value in parts.model.state_dict().items():
        assert torch.equal(value, expected[name]), name
    wrappers = whole.optim_wrapper, parts.optim_wrapper
    assert wrappers[0].get_lr() == wrappers[1].get_lr()
    if amp == 'fp16':
        scales = [wrapper.get_loss_scale() for wrapper in wrappers]
        assert scales[0] == scales[1]
    for state in parts.optim_wrapper.optimizer.state.values():
        if 'step' in state:  # on the GPU each step would wait for it
            assert state['step'].device.type == 'cpu'


def test_sigterm(tiny_environment, tmp_path, device):
    """Of a process of its own with workers; it ends with the code."""
    # So long an epoch that the signal comes amid it.
    images = Config.fromfile(CONFIGS / 'mpafer_rafdb.py')
    repeated = dict(
        type='RepeatDataset',
        times=1000,
        dataset=images.train_dataloader.dataset,
        _delete_=True,
    )
    config = write_config(
        tmp_path / 'config.py', **{'train_dataloader.dataset': repeated}
    )
    out, log = tmp_path / 'out', tmp_path / 'log'
    command = [sys.executable, '-m', 'mpafer_plugin', 'train', str(config)]
    with log.open('w') as file:
        process = subprocess.Popen(
            [*command, '--work-dir', str(out)],
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
    try:
        end = time.monotonic() + 120
        while 'Epoch(train)' not in log.read_text():
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == PREEMPTED
    finally:
        process.kill()
    (saved,) = out.glob('iter_*.pth')
    assert f'iteration {saved.stem[5:]};' in log.read_text()


class Weights:
    """Weights before each step, and what is to become of a gradient."""

    def __init__(self, spoil):
        self.before: list[list] = []
        self.spoil = spoil

    def __call__(self, runner):
        context = runner.model.head.text.context
        compute = runner.model.head.loss_proto.forward

        def forward(*args):
            self.before.append(trainable(runner))
            return compute(*args)

        runner.model.head.loss_proto.forward = forward
        context.register_hook(lambda grad: self.spoil(len(self.before), grad))


def trainable(runner):
    return [
        p.detach().clone()
        for p in runner.model.parameters()
        if p.requires_grad
    ]


def infinite_at(*iterations):
    return lambda number, grad: (
        grad * math.inf if number in iterations else grad
    )


@precisions('none', 'bf16')
def test_finite_guard(train, device, amp):
    runners = []
    seen = Weights(infinite_at(3))

    def change(runner):
        runners.append(runner)
        seen(runner)

    with pytest.raises(FloatingPointError, match=r'head\.text\.context'):
        train('out', *AMP[amp], change=change)
    for before, now in zip(seen.before[2], trainable(*runners), strict=True):
        assert torch.equal(before, now) and now.isfinite().all()


@precisions('fp16')
def test_an_overflow_is_skipped(train, device, amp):
    seen = Weights(infinite_at(8))
    train('out', *AMP[amp], change=seen)
    for before, after, later in zip(*seen.before[7:10], strict=True):
        assert torch.equal(before, after)
        assert not torch.equal(after, later)


@precisions('fp16')
def test_overflows_without_end(train, device, amp):
    with pytest.raises(FloatingPointError):
        train(
            'out',
            *AMP[amp],
            change=Weights(lambda number, grad: grad * math.nan),
            **{'train_cfg.max_epochs': 20},
        )
