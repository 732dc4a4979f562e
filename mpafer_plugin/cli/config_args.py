"""What the tools that take a config have in common."""

import argparse
import os
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import nn

from mpafer_plugin.engine import join_process_group
from mpafer_plugin.engine.checkpoints.file import drop_config_text

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the config, and the options that change it."""
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, as in '
        'train_cfg.max_epochs=10 model.head.top_k=8',
    )
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='do not pin the memory of data loaders',
    )


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that training and testing share."""
    parser.add_argument(
        '--work-dir',
        help='folder of logs and results; default: work_dirs/ and the name '
        'of the config',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision; on a CPU that is bfloat16, often slower',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes of a distributed run were started',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the options that change it."""
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    for name in DATALOADERS:
        loader = cfg.get(name)
        if loader is None:
            continue
        loader.setdefault('collate_fn', dict(type='default_collate'))
        pin = torch.cuda.is_available() and not args.no_pin_memory
        loader.setdefault('pin_memory', pin)
        if args.no_pin_memory:
            loader.pin_memory = False
        if not loader.get('num_workers'):
            loader.persistent_workers = False  # there are none to persist
    return cfg


def load_runner_config(args: argparse.Namespace) -> Config:
    """Read the config of a run: also its launcher and working directory."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args)
    cfg.launcher = args.launcher
    if args.work_dir:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    return cfg


def build_runner(cfg: Config, args: argparse.Namespace) -> Runner:
    """Build the runner that the config asks for."""
    join_process_group(cfg.launcher)
    runner = (RUNNERS.build if 'runner_type' in cfg else Runner.from_cfg)(cfg)
    guard(runner)
    if args.amp and not torch.cuda.is_available():
        runner.logger.warning(
            '--amp on the CPU is bfloat16, which may be slower than full '
            'precision: compare the time of an iteration'
        )
    return runner


def learnable(model: nn.Module) -> int:
    """Count the values of a model that are learnt."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def guard(runner: Runner) -> None:
    """Keep the runner from executing config text, whatever hooks it has."""
    hook = Hook()
    hook.after_load_checkpoint = (  # type: ignore[method-assign]
        lambda runner, checkpoint: drop_config_text(checkpoint)
    )
    runner.register_hook(hook, priority='HIGHEST')
