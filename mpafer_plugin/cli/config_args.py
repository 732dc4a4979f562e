"""Arguments and helpers of the commands that take a config."""

import argparse
import os
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner
from torch import nn

import mpafer_plugin
from mpafer_plugin.clip.precision import cast_towers
from mpafer_plugin.datasets.relabel_config import relabel_config
from mpafer_plugin.engine import join_process_group
from mpafer_plugin.engine.checkpoints.file import drop_config_text
from mpafer_plugin.engine.distributed import unwrap_model
from mpafer_plugin.engine.hooks.trained_classes_hook import TrainedClassesHook

from . import print_any_text
from .amp import add_amp_argument, use_amp
from .cfg_options import CfgOptions

SHIPPED_CONFIGS = Path(mpafer_plugin.__file__).parent / '.mim' / 'configs'

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def add_config_arguments(
    parser: argparse.ArgumentParser, optional: bool = False
) -> None:
    """Add CONFIG, which may be optional, and the options that modify it."""
    parser.add_argument(
        'config',
        type=config_file,
        nargs='?' if optional else None,
        help='config file, or mpafer_plugin::NAME.py for one that ships',
    )
    add_cfg_options(parser)
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='do not pin the memory of the data loaders',
    )


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add the option that overrides values of configs."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='override settings of the config, such as '
        'train_cfg.max_epochs=10 model.head.top_k=8',
    )


def config_file(name: str) -> str:
    """Find a config file: the ``type`` of a command's CONFIG.

    Args:
        name (str): A path, or ``package::name`` for a config that a package
            ships.

    Returns:
        str: Its path.

    Raises:
        argparse.ArgumentTypeError: If there is none.
    """
    if '::' in name:
        try:
            return Config._get_cfg_path(name, '')[0]
        except (ValueError, ModuleNotFoundError, FileNotFoundError) as error:
            reason = str(error)
    elif os.path.isfile(name):
        return name
    else:
        reason = f'no config {name!r} (working directory: {os.getcwd()!r})'
    shipped = sorted(
        f'mpafer_plugin::{path.relative_to(SHIPPED_CONFIGS).as_posix()}'
        for path in SHIPPED_CONFIGS.rglob('*')
        if path.is_file() and path.name == Path(name).name.split('::')[-1]
    )
    if shipped:
        reason += f'; did you mean {" or ".join(shipped)}?'
    elif name.startswith('mpafer_plugin::'):
        names = sorted(path.name for path in SHIPPED_CONFIGS.glob('*.py'))
        reason += f'; mpafer_plugin has {", ".join(names)}'
    raise argparse.ArgumentTypeError(reason)


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options shared by training and testing."""
    parser.add_argument(
        '--work-dir',
        type=output_folder,
        help='folder for logs and results; default: work_dirs/ and the name '
        'of the config',
    )
    add_amp_argument(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes of a distributed run were started',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Load the config and apply the options that modify it."""
    print_any_text()  # file names of the datasets
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    try:
        relabel_config(cfg)
    except ValueError as error:
        raise SystemExit(f'{args.config}: {error}') from error
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
            loader.persistent_workers = False  # it has no workers
    return cfg


def require(cfg: Config, args: argparse.Namespace, *names: str) -> None:
    """Check that a config has the parts that a command needs.

    Raises:
        SystemExit: If one is absent or None.
    """
    for name in names:
        if cfg.get(name) is None:
            raise SystemExit(f'{args.config} has no {name}')


def output_file(path: str) -> str:
    """Check that a file can be written: the ``type`` of an output option.

    Raises:
        argparse.ArgumentTypeError: If it cannot.
    """
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f'{path!r} is a folder')
    place = Path(path)
    if not place.is_file():
        place = _folder_of(path, place.parent)
    return _writable(path, place)


def output_folder(path: str) -> str:
    """Check that a folder can be written, as :func:`output_file` does."""
    return _writable(path, _folder_of(path, Path(path)))


def _folder_of(path: str, place: Path) -> Path:
    """Return the folder that exists of a place where a path is."""
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise argparse.ArgumentTypeError(
            f'{path!r}: {str(place)!r} is not a folder'
        )
    return place


def _writable(path: str, place: Path) -> str:
    if not os.access(place, os.W_OK):
        raise argparse.ArgumentTypeError(
            f'{path!r}: {str(place)!r} cannot be written'
        )
    return path


def dataset_configs(cfg: Config) -> dict[str, dict]:
    """Return the dataset config of each split that the config has.

    It also enters the config's scope, in which they can be built.
    """
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    return {
        name.removesuffix('_dataloader'): cfg[name].dataset
        for name in DATALOADERS
        if cfg.get(name)
    }


def load_runner_config(args: argparse.Namespace) -> Config:
    """Load the config of a run, with its launcher and work dir."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = load_config(args)
    cfg.launcher = args.launcher
    if args.work_dir:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    return cfg


def build_runner(
    cfg: Config, args: argparse.Namespace, training: bool = True
) -> Runner:
    """Build the runner of a config, in the precision of ``--amp``."""
    join_process_group(cfg.launcher)
    dtype = use_amp(cfg, args.amp, training)
    runner = (RUNNERS.build if 'runner_type' in cfg else Runner.from_cfg)(cfg)
    guard(runner)
    if torch.cuda.is_available():
        # Images are copied while the CPU goes on. mmpretrain's preprocessor
        # (1.2.0) does not pass on this option of mmengine's.
        unwrap_model(runner.model).data_preprocessor._non_blocking = True
    if dtype != torch.float32:
        cast_towers(runner.model, dtype)
    return runner


def num_trainable(model: nn.Module) -> int:
    """Count the trainable parameters of a model."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


class ConfigTextGuard(Hook):
    """Remove the config text, which mmengine executes, from checkpoints."""

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remove it before any other hook sees the checkpoint."""
        drop_config_text(checkpoint)


def guard(runner: Runner) -> None:
    """Protect a runner from code in checkpoints and mistaken classes."""
    runner.register_hook(ConfigTextGuard(), priority='HIGHEST')
    runner.register_hook(TrainedClassesHook())
