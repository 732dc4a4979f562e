"""Several processes, started as a user starts them, on the CPU."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mpafer_plugin.engine.checkpoints.file import damage
from mpafer_plugin.utils.cpu_count import cpu_count
from tests import interruptions
from tests.conftest import CONFIGS, ROOT

# One process makes what the tests share.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('dist')]
TERMS = ['loss', 'loss_cls', 'loss_token', 'loss_prompt', 'loss_proto']
WHOLE_BATCHES = 4  # of 16; the fifth is smaller

# A recipe without chance, whose log shows each iteration.
CONFIG = """
_base_ = [{base!r}]
_loader = dict(
    num_workers=0, persistent_workers=False, batch_size={batch_size}
)
train_dataloader = dict(
    **_loader, dataset=dict(pipeline=_base_.test_pipeline)
)
val_dataloader = dict(**_loader)
test_dataloader = dict(**_loader)
train_cfg = dict(max_epochs=1)
default_hooks = dict(logger=dict(interval=1))
log_processor = dict(window_size=1)
custom_hooks = [
    dict(type='PrototypeHook', num_workers=0),
    dict(type='FERReportHook'),
    dict(type='PreemptionHook'),
]
"""

SRUN = """#!/usr/bin/env bash
# Stands in for slurm: starts the command that follows the options, once a
# task, as on machines of their own.
printf '%s\\n' "$*" >> srun.log
while [ "$1" != bash ]; do
    case $1 in --ntasks=*) tasks=${1#*=} ;; esac
    shift
done
pids=()
for ((i = 0; i < tasks; i++)); do
    SLURM_NODEID=$i SLURM_JOB_NODELIST=nodes "$@" & pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || exit; done
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


class Cluster:
    """Starts tools in a folder of configs."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment

    def start(self, tool, *args, **variables):
        path = ROOT / 'tools' / tool
        program = sys.executable if path.suffix == '.py' else 'bash'
        return subprocess.Popen(
            [program, str(path), *map(str, args)],
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, process):
        try:
            log, _ = process.communicate(timeout=240)
        finally:
            process.kill()
        assert process.returncode == 0, log[-3000:]
        return log

    def run(self, *command, **variables):
        return self.finish(self.start(*command, **variables))


@pytest.fixture(scope='module')
def cluster(tmp_path_factory, tiny_arch, tiny_weights, data_root):
    folder = tmp_path_factory.mktemp('cluster')
    for batch_size in (8, 16):
        (folder / f'batch{batch_size}.py').write_text(
            CONFIG.format(
                base=str(CONFIGS / 'mpafer_rafdb.py'), batch_size=batch_size
            )
        )
    (folder / 'bin').mkdir()
    for name, text in (
        ('srun', SRUN),
        ('scontrol', '#!/bin/sh\necho 127.0.0.1\n'),
    ):
        (folder / 'bin' / name).write_text(text)
        (folder / 'bin' / name).chmod(0o755)
    environment = os.environ | dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=str(data_root),
        PYTHON=sys.executable,
        PATH=f'{folder / "bin"}:{os.environ["PATH"]}',
        OMP_NUM_THREADS='1',
    )
    for name in ('NNODES', 'NODE_RANK', 'PORT', 'MASTER_ADDR', 'GPUS'):
        environment.pop(name, None)
    return Cluster(folder, environment)


@pytest.mark.parametrize('processes', [1, 1000])
def test_each_process_has_its_share_of_the_cores(cluster, processes):
    python = cluster.folder / 'python.sh'
    python.write_text('#!/bin/sh\necho "threads $OMP_NUM_THREADS"\n')
    python.chmod(0o755)
    for given, expected in (
        ('', cpu_count() if processes == 1 else 1),
        ('7', 7),
    ):
        log = cluster.run(
            'dist_train.sh',
            'config.py',
            processes,
            PYTHON=str(python),
            OMP_NUM_THREADS=given,
        )
        assert log == f'threads {expected}\n'


def losses(folder):
    """The logged values of the first iterations, by name."""
    (path,) = folder.rglob('scalars.json')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    steps = [line for line in lines if 'loss' in line][:WHOLE_BATCHES]
    assert len(steps) == WHOLE_BATCHES
    return {
        term: torch.tensor([step[term] for step in steps]) for term in TERMS
    }


def weights(folder):
    return torch.load(folder / 'epoch_1.pth')['state_dict']


@pytest.fixture(scope='module')
def alone(cluster):
    """What one process makes of it, with the whole batch."""
    cluster.run('train.py', 'batch16.py', '--work-dir', 'alone')
    return cluster.folder / 'alone'


@pytest.fixture(scope='module')
def pair(cluster):
    """What two processes make of it, with half the batch each."""
    log = cluster.run('dist_train.sh', 'batch8.py', 2, '--work-dir', 'pair')
    assert log.count('class prototypes: means over') == 1  # one rank logs
    return cluster.folder / 'pair'


def assert_same_training(folder, alone):
    expected = losses(alone)
    for term, values in losses(folder).items():
        torch.testing.assert_close(
            values, expected[term], atol=1e-4, rtol=0, msg=term
        )
    torch.testing.assert_close(
        weights(folder)['head.prototypes'],
        weights(alone)['head.prototypes'],
        atol=1e-6,
        rtol=0,
    )


def test_half_the_batch_each_gives_the_same_losses(alone, pair):
    assert_same_training(pair, alone)
    # The control: the losses do change, by far more than what is tolerated.
    assert losses(alone)['loss_cls'].std() > 1e-3


def test_two_machines(cluster, alone):
    port = free_port()
    nodes = [
        cluster.start(
            'dist_train.sh', 'batch8.py', 1, '--work-dir', 'nodes',
            NNODES='2', NODE_RANK=str(rank), PORT=port,
            MASTER_ADDR='127.0.0.1',
        )
        for rank in (0, 1)
    ]  # fmt: skip
    for node in nodes:
        cluster.finish(node)
    assert_same_training(cluster.folder / 'nodes', alone)


def test_slurm_with_two_machines(cluster, alone):
    cluster.run(
        'slurm_train.sh', 'debug', 'faces', 'batch8.py', 'slurm',
        '--no-pin-memory',
        GPUS='2', GPUS_PER_NODE='1', GRES='', PORT=free_port(),
        SRUN_ARGS='--quotatype=spot',
    )  # fmt: skip
    assert_same_training(cluster.folder / 'slurm', alone)
    command = (cluster.folder / 'srun.log').read_text()
    for option in (
        '--partition=debug', '--job-name=faces', '--ntasks=2', '--nodes=2',
        '--ntasks-per-node=1', '--cpus-per-task=5', '--quotatype=spot',
    ):  # fmt: skip
        assert f'{option} ' in command
    assert '--gres' not in command


def test_mixed_precision_and_learning_rate(cluster):
    log = cluster.run(
        'dist_train.sh', 'batch8.py', 2, '--work-dir', 'amp', '--amp', 'bf16',
        '--auto-scale-lr',
    )  # fmt: skip
    assert 'dtype bfloat16: as requested' in log
    # Two processes with 8 images each, where the rate is made for 32.
    assert log.count('the current batch size is 16. Scaling') == 1
    assert 'original LR by 0.5' in log
    values = losses(cluster.folder / 'amp')['loss']
    assert values.isfinite().all()


def test_two_processes_test_as_one(cluster, alone, pair):
    checkpoint = alone / 'epoch_1.pth'
    results = []
    for command in (
        ('test.py', 'batch8.py', checkpoint),
        ('dist_test.sh', 'batch8.py', checkpoint, 2),
        ('slurm_test.sh', 'debug', 'faces', 'batch8.py', checkpoint),
    ):
        cluster.run(
            *command, '--out', 'metrics.json', '--out-item', 'metrics',
            '--work-dir', 'tested', GPUS='2',
        )  # fmt: skip
        path = cluster.folder / 'metrics.json'
        results.append(json.loads(path.read_text()))
        path.unlink()
    one, two, slurm = results
    names = [name for name in one if name.startswith('fer/')]
    assert len(names) == 10
    for name in names:
        assert one[name] == two[name] == slurm[name]


def started(cluster, work_dir):
    """A pair in training, and the two processes of it."""
    run = cluster.start(
        'dist_train.sh', 'batch8.py', 2, '--work-dir', work_dir,
        '--cfg-options', 'train_cfg.max_epochs=500',
    )  # fmt: skip
    folder = cluster.folder / work_dir
    end = time.monotonic() + 120
    while not (folder / 'epoch_2.pth').is_file():
        assert time.monotonic() < end and run.poll() is None
        time.sleep(0.1)
    ranks = [
        pid
        for pid in interruptions.children(run.pid)
        if b'train.py' in Path(f'/proc/{pid}/cmdline').read_bytes()
    ]
    assert len(ranks) == 2
    return run, ranks, folder


def ends(run, ranks, seconds=60):
    """Wait for the whole run to end, and give its log."""
    log, _ = run.communicate(timeout=seconds)
    assert run.returncode != 0
    for pid in ranks:
        assert not Path(f'/proc/{pid}').exists()
    return log


def test_one_of_two_processes_dies(cluster):
    run, ranks, folder = started(cluster, 'dying')
    os.kill(ranks[1], signal.SIGKILL)
    log = ends(run, ranks)
    assert 'SIGKILL' in log or 'exitcode  : -9' in log
    newest = max(folder.glob('epoch_*.pth'))
    assert damage(newest) == ''


def test_sigterm_to_two_processes(cluster):
    run, ranks, folder = started(cluster, 'preempted')
    run.terminate()  # torchrun hands it on
    log = ends(run, ranks)
    saved = re.search(r'SIGTERM: saved after iteration (\d+)', log)
    if saved:  # and not in validation
        assert (folder / f'iter_{saved[1]}.pth').is_file()
    epochs = len(re.findall(r'Saving checkpoint', log))
    log = cluster.run(
        'dist_train.sh', 'batch8.py', 2, '--work-dir', 'preempted',
        '--resume', '--cfg-options', f'train_cfg.max_epochs={epochs + 2}',
    )  # fmt: skip
    iteration = saved[1] if saved else 5 * epochs
    assert f'iter: {iteration}' in log
    assert (folder / f'epoch_{epochs + 2}.pth').is_file()
    assert not list(folder.glob('iter_*'))


def test_usage(cluster):
    for command, message in (
        (('dist_train.sh', 'batch8.py'), 'usage: .*CONFIG GPUS'),
        (('dist_test.sh', 'batch8.py', 2), 'usage: .*CHECKPOINT GPUS'),
        (('dist_train.sh', 'batch8.py', 'two'), "GPUS is 'two'"),
        (('slurm_train.sh', 'debug'), 'usage: .*PARTITION'),
        (('slurm_test.sh', 'debug'), 'usage: .*PARTITION'),
    ):
        process = cluster.start(*command)
        log, _ = process.communicate(timeout=60)
        assert process.returncode == 2
        assert re.search(message, log), log
