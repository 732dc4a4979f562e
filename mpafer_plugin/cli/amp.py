"""The option --amp: training, validation and tests in half precision."""

import argparse
import sys
from collections.abc import Sequence

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import broadcast_object_list

from mpafer_plugin.clip.precision import choose_dtype

AMP = dict(auto='auto', bf16='bfloat16', fp16='float16')
"""Values of the option, and what they are for torch."""


def add_amp_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        '--amp',
        nargs='?',
        const='auto',
        choices=AMP,
        help='mixed precision; auto, also without a value: bf16 where it is '
        'faster here, else float32 (the log says which; on a GPU without '
        'bfloat16 units fp16). Default: float32',
    )


def with_amp_value(argv: Sequence[str] | None) -> list[str]:
    """Give ``--amp`` its value where an argument of another follows it.

    argparse would take ``CONFIG`` of ``--amp CONFIG`` for the value.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    for i, following in enumerate([*args[1:], '']):
        if args[i] == '--amp' and following not in AMP:
            args[i] = '--amp=auto'
    return args


def use_amp(cfg: Config, amp: str | None, training: bool) -> torch.dtype:
    """Set the precision of a config before its runner is built.

    Frozen towers are cast once, after the runner was built; prototypes and
    whatever else there is follow autocast.

    Args:
        cfg (Config): Changed in place.
        amp (str | None): A key of :data:`AMP`, or None for no change.
        training (bool): Whether the runner trains.

    Returns:
        torch.dtype: The dtype, the same in all processes.

    Raises:
        SystemExit: If the device cannot compute in it.
    """
    if amp is None:
        return torch.float32
    device = get_device()
    if amp == 'fp16' and device == 'cpu':
        raise SystemExit(
            '--amp fp16: gradients of float16 need a GPU; use --amp bf16'
        )
    model = cfg.model.get('module', cfg.model)  # of test-time augmentation
    arch = None
    if model.get('backbone', {}).get('type') == 'PromptedCLIPViT':
        arch = model.backbone.arch
    # Processes may not disagree on what is faster.
    chosen = [choose_dtype(AMP[amp], device, arch, training)]
    broadcast_object_list(chosen)
    dtype = chosen[0]
    if dtype == torch.float32:
        return dtype
    if training:
        wrapper = cfg.optim_wrapper
        if device == 'cpu':
            wrapper.type = 'CPUAmpOptimWrapper'
            for name in ('loss_scale', 'dtype'):
                wrapper.pop(name, None)
        elif dtype == torch.bfloat16:
            # A scale would skip steps that are not finite, without an end.
            wrapper.update(
                type='AmpOptimWrapper',
                dtype='bfloat16',
                loss_scale=dict(enabled=False),
            )
        else:
            wrapper.update(type='Float16OptimWrapper', dtype='float16')
            wrapper.setdefault('loss_scale', 'dynamic')
    # mmengine's loops take "fp16" for the default dtype of autocast.
    torch.set_autocast_dtype(device, dtype)
    for name in ('val_cfg', 'test_cfg'):
        if cfg.get(name) is not None:
            cfg[name].fp16 = True
    return dtype
