"""Train a model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from mpafer_plugin.datasets import HeldOutFERDataset
from mpafer_plugin.datasets.wrappers import dataset_class, inner_datasets

from .amp import with_amp_value
from .config_args import (
    DATALOADERS,
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    load_runner_config,
    require,
)


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    add_config_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from a checkpoint; without a value, from the latest in '
        'the work dir',
    )
    parser.add_argument(
        '--no-validate',
        action='store_true',
        help='do not evaluate during training',
    )
    parser.add_argument(
        '--select-on-test',
        action='store_true',
        help='select the best checkpoint on the test set and train on all '
        'training images, as most papers of this field do; its test result '
        'is then not a fair estimate',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the total batch size',
    )
    parser.add_argument(
        '--no-persistent-workers',
        action='store_true',
        help='restart the data loader workers in each epoch',
    )
    add_runner_arguments(parser)
    args = parser.parse_args(with_amp_value(argv))
    if args.select_on_test and args.no_validate:
        parser.error('--select-on-test cannot be used with --no-validate')
    return args


def select_on_test(cfg: Config) -> None:
    """Validate on the test set, and train on all training images."""
    if cfg.get('test_dataloader') is None:
        raise SystemExit('--select-on-test: the config has no test_dataloader')
    cfg.select_on_test = True  # recorded in the config of the run
    cfg.val_dataloader = cfg.test_dataloader
    cfg.val_evaluator = cfg.test_evaluator
    cfg.val_cfg = cfg.get('val_cfg') or {}
    for config in inner_datasets(cfg.train_dataloader.dataset):
        kind = dataset_class(config)
        if kind is not None and issubclass(kind, HeldOutFERDataset):
            config.val_fraction = 0


def check_selection(cfg: Config, args: argparse.Namespace) -> None:
    """Check that a resumed run selects its best checkpoint as before."""
    folder = Path(cfg.work_dir)
    if args.resume != 'auto':
        folder = Path(args.resume).parent
    saved = folder / Path(args.config).name  # written by the runner
    if saved.is_file():
        selected = 'select_on_test = True' in saved.read_text()
        if selected != args.select_on_test:
            raise SystemExit(
                f'--resume: the run in {folder} was started '
                f'{"with" if selected else "without"} --select-on-test, '
                'which its best checkpoint depends on; resume it the same way'
            )


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    cfg = load_runner_config(args)
    require(cfg, args, 'train_dataloader', 'train_cfg', 'optim_wrapper')
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        # Without validation there is no best checkpoint.
        if (cfg.get('default_hooks') or {}).get('checkpoint'):
            cfg.default_hooks.checkpoint.save_best = None
    if args.select_on_test:
        select_on_test(cfg)
    if args.auto_scale_lr:
        require(cfg, args, 'auto_scale_lr')
        cfg.auto_scale_lr.enable = True
    if args.no_persistent_workers:
        for name in DATALOADERS:
            if cfg.get(name) is not None:
                cfg[name].persistent_workers = False
    if args.resume:
        check_selection(cfg, args)
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    runner = build_runner(cfg, args)
    if args.select_on_test:
        runner.logger.warning(
            '--select-on-test: the best checkpoint is selected on the test '
            'set, so its result there is not a fair estimate; the last '
            'checkpoint is not selected on it'
        )
    runner.train()
    return 0
