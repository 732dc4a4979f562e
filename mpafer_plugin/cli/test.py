"""Test a model."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.evaluator import DumpResults
from mmpretrain.registry import MODELS

from mpafer_plugin.engine.checkpoints.test_pipeline import pipeline_of

from .amp import with_amp_value
from .config_args import (
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    config_file,
    load_config,
    load_runner_config,
    num_trainable,
    output_file,
    output_folder,
    require,
)


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    add_config_arguments(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='checkpoint file, or a model.onnx of mpafer export; required if '
        'the model has trainable parameters',
    )
    parser.add_argument(
        '--data',
        type=config_file,
        metavar='CONFIG',
        help='test on the data of another config, matching classes by name; '
        "the test pipeline remains CONFIG's, and the default work dir is "
        'named after both',
    )
    parser.add_argument(
        '--out', type=output_file, help='file for the results: .json or .pkl'
    )
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        default='pred',
        help='content of --out; predictions are written as .pkl only',
    )
    parser.add_argument(
        '--show', action='store_true', help='show predictions in a window'
    )
    parser.add_argument(
        '--show-dir',
        type=output_folder,
        help='folder for images with predictions',
    )
    parser.add_argument(
        '--interval', type=int, default=1, help='draw every n-th image'
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2,
        help='seconds to show each window',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help="average over the views of the config's tta_pipeline",
    )
    add_runner_arguments(parser)
    args = parser.parse_args(with_amp_value(argv))
    if args.out and not args.out.endswith(('.json', '.pkl', '.pickle')):
        parser.error(f'--out {args.out!r}: must end in .json or .pkl')
    if args.out and args.out_item == 'pred' and args.out.endswith('.json'):
        parser.error(f'--out {args.out!r}: predictions are written as .pkl')
    return args


def use_data(cfg: Config, args: argparse.Namespace) -> None:
    """Test on the images of ``--data``, with the config's own pipeline."""
    named = vars(args) | dict(config=args.data, cfg_options=None)
    other = load_config(argparse.Namespace(**named))
    if other.get('test_dataloader') is None:
        raise SystemExit(f'--data: {args.data} has no test_dataloader')
    pipeline = pipeline_of(cfg)
    if pipeline is None:
        raise SystemExit(
            f'--data: {args.config} has no test_dataloader and no '
            'val_dataloader, whose pipeline the test would take, nor '
            'test_pipeline'
        )
    if cfg.get('test_dataloader') is None:
        for name in ('test_dataloader', 'test_cfg', 'test_evaluator'):
            cfg[name] = other[name]
    cfg.test_dataloader.dataset = other.test_dataloader.dataset
    cfg.test_dataloader.dataset.pipeline = pipeline
    cfg.merge_from_dict(args.cfg_options or {})


def use_exported(cfg: Config, args: argparse.Namespace) -> None:
    """Test a ``model.onnx`` in place of the config's model."""
    from mpafer_plugin.export.onnx_classifier import OnnxClassifier

    for name, given in (('--amp', args.amp), ('--tta', args.tta)):
        if given:
            raise SystemExit(
                f'{name} is not for {args.checkpoint}, which computes as it '
                'was exported'
            )
    if args.launcher != 'none':
        raise SystemExit(
            f'--launcher {args.launcher}: {args.checkpoint} is tested in one '
            'process'
        )
    MODELS.register_module(module=OnnxClassifier, force=True)
    cfg.model = ConfigDict(type='OnnxClassifier', path=args.checkpoint)
    cfg.load_from = None


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    if args.data and not args.work_dir:  # keep the results on CONFIG's data
        names = Path(args.config).stem, Path(args.data).stem
        args.work_dir = os.path.join('work_dirs', '_on_'.join(names))
    cfg = load_runner_config(args)
    cfg.load_from = args.checkpoint
    if args.checkpoint and args.checkpoint.endswith('.onnx'):
        use_exported(cfg, args)
    if args.data:
        use_data(cfg, args)
    require(cfg, args, 'test_dataloader')
    if args.show or args.show_dir:
        hooks = cfg.get('default_hooks') or {}
        hook = hooks.get('visualization') or dict(type='FERVisualizationHook')
        hook.update(
            enable=True,
            show=args.show,
            wait_time=args.wait_time,
            out_dir=args.show_dir,
            interval=args.interval,
        )
        cfg.default_hooks = dict(hooks, visualization=hook)
        if cfg.get('visualizer') is None:
            cfg.visualizer = dict(type='UniversalVisualizer')
    if args.tta:
        if not cfg.get('tta_pipeline'):
            raise SystemExit(
                f'--tta: {args.config} has no tta_pipeline; see the one of '
                'mpafer_plugin::_base_/mpafer.py'
            )
        tta_model = cfg.get('tta_model', dict(type='AverageClsScoreTTA'))
        cfg.model = ConfigDict(**tta_model, module=cfg.model)
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    runner = build_runner(cfg, args, training=False)
    if args.checkpoint is None and (count := num_trainable(runner.model)):
        raise SystemExit(
            f'CHECKPOINT is required: the model of {args.config} has '
            f'{count:,} trainable parameters'
        )
    if args.out and args.out_item == 'pred':
        runner.test_evaluator.metrics.append(
            DumpResults(out_file_path=args.out)
        )
    metrics = runner.test()
    if args.out and args.out_item == 'metrics':
        mmengine.dump(metrics, args.out)
    return 0
