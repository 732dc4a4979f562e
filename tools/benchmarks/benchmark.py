"""Compare our steps with open_clip's plain tower and with the textbook.

Random weights, random images. Variants take turns in one process; memory is
measured in a process of its own for each.

  a  open_clip's image tower, no gradients
  b  our inference: prompts, text side, both scores
  c  the textbook's training step: prompts in every layer's sequence, 77
     tokens for every class, all losses, backward, SGD
  d  our training step, raw images to the optimizer's step
  e  the plain tower, and its class token's loss back to the first tokens
  f  d with activation checkpointing
  t  what of d the text side is: soft prompts, their losses, the gradient
  h  what of d the scores and losses are, from given features
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mmengine
import torch
from mmengine.registry import init_default_scope

from .report import report, show
from .setting import Setting
from .variants import VARIANTS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--arch', default='ViT-B-16-quickgelu', help='default: %(default)s'
    )
    parser.add_argument(
        '--batch', type=int, default=32, help='default: %(default)s'
    )
    parser.add_argument(
        '--device',
        choices=['cpu', 'cuda'],
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='default: a GPU if there is one',
    )
    parser.add_argument(
        '--dtype',
        choices=['float32', 'bfloat16', 'float16'],
        default='float32',
        help='what autocast computes in; default: %(default)s, no autocast',
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=7,
        help='turns of each variant; default: %(default)s',
    )
    parser.add_argument(
        '--variants',
        nargs='+',
        choices=VARIANTS,
        default=list(VARIANTS),
        help='default: all',
    )
    parser.add_argument('--json', help='file for the results')
    parser.add_argument(
        '--profile',
        action='store_true',
        help='print what takes the time of each variant, and stop',
    )
    parser.add_argument(
        '--memory-of', choices=VARIANTS, help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    if args.rounds < 3:
        parser.error(f'--rounds {args.rounds}: an interval takes 3 or more')
    return args


def seconds(step: Callable[[], None], device: str) -> float:
    """Time one step, on a GPU by its own events."""
    if device == 'cuda':
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        step()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1000
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def measure(steps: dict, device: str, rounds: int) -> dict[str, list[float]]:
    """Let the variants take turns, the first in each round another one."""
    names = list(steps)
    for step in steps.values():
        step()  # warm up
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(seconds(steps[name], device))
    return times


def peak_memory(step: Callable[[], None], device: str) -> float:
    """MiB that three steps take on top of what was there."""
    if device == 'cuda':
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        for _ in range(3):
            step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    Path('/proc/self/clear_refs').write_text('5')  # forget former peaks
    with open('/proc/self/statm') as file:
        before = int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
    for _ in range(3):
        step()
    with open('/proc/self/status') as file:
        peak = next(int(x.split()[1]) for x in file if x.startswith('VmHWM'))
    return (peak * 1024 - before) / 2**20


def memory_of(name: str, args: argparse.Namespace) -> float:
    """Measure the memory of a variant in a process of its own."""
    result = subprocess.run(
        [
            *(sys.executable, sys.argv[0], '--memory-of', name),
            *('--arch', args.arch, '--batch', str(args.batch)),
            *('--device', args.device, '--dtype', args.dtype),
        ],
        capture_output=True,
        text=True,
        # glibc else keeps what was freed, in pieces: what is measured is
        # memory in use.
        env=os.environ | {'MALLOC_MMAP_THRESHOLD_': '65536'},
    )
    if result.returncode:
        raise RuntimeError(f'variant {name}: {result.stderr}')
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    args = parse_args()
    init_default_scope('mmpretrain')
    dtype = getattr(torch, args.dtype)
    setting = Setting(args.arch, args.batch, args.device, dtype)
    if args.memory_of:
        step = VARIANTS[args.memory_of](setting)
        print(json.dumps(peak_memory(step, args.device)))
        return
    steps = {name: VARIANTS[name](setting) for name in args.variants}
    if args.profile:
        for name, step in steps.items():
            step()
            with torch.profiler.profile() as profile:
                step()
            by = f'self_{args.device}_time_total'
            print(f'variant {name}')
            print(profile.key_averages().table(sort_by=by, row_limit=15))
        return
    times = measure(steps, args.device, args.rounds)
    memory = {name: memory_of(name, args) for name in args.variants}
    results = report(times, memory, args)
    show(results)
    if args.json:
        mmengine.dump(results, args.json, indent=2)


if __name__ == '__main__':
    main()
