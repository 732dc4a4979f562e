"""Compare our steps with open_clip's plain tower and a textbook version.

Uses random weights and images. Variants alternate in one process; on a CPU
memory is measured in a separate process for each.

  a  open_clip's image tower, no gradients
  b  our inference: prompts, text side, both scores
  c  the textbook's training step: prompts in every layer's sequence, 77
     tokens for every class, all losses, backward, SGD
  d  our training step, from raw images to the optimizer
  e  the plain tower, and its class token's loss back to the first tokens
  f  d with activation checkpointing
  t  the text side of d: soft prompts, their losses, the gradient
  h  the scores and losses of d, from given features
  i  b in bfloat16, its towers cast once
  s  d in bfloat16, its towers cast once
  u  d in bfloat16 by autocast alone
"""

import argparse
import multiprocessing
import os
import platform
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import mmengine
import numpy as np
import torch
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table

from .clock import Clock
from .operations import count_operations, matrix_rate
from .variants import VARIANTS, Setting, Step

RATIOS = ('b/a', 'd/c', 'd/e', 'f/d', 't/d', 'h/d', 'i/a', 's/d', 'u/d')
QUARTILES = (0.25, 0.5, 0.75)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--arch', default='ViT-B-16-quickgelu', help='default: %(default)s')
    add('--batch', type=int, default=32, help='default: %(default)s')
    add(
        '--device',
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='default: cuda if available',
    )
    add(
        '--dtype',
        choices=['float32', 'bfloat16', 'float16'],
        default='float32',
        help='type of autocast; default: %(default)s, no autocast',
    )
    add(
        '--rounds',
        type=int,
        default=7,
        help='timings of each variant; default: %(default)s',
    )
    add(
        '--variants',
        nargs='+',
        choices=VARIANTS,
        default=list(VARIANTS),
        help='default: all',
    )
    add('--json', help='file for the results')
    add(
        '--profile',
        action='store_true',
        help='print the most expensive operations of each variant and exit',
    )
    args = parser.parse_args()
    if args.rounds < 3:
        parser.error(f'--rounds {args.rounds}: quartiles need 3 or more')
    return args


def build_steps(
    arch: str, batch: int, device: str, dtype: str, names: Iterable[str]
) -> dict[str, Step]:
    """Build the steps of some variants, which share their data."""
    init_default_scope('mmpretrain')
    setting = Setting(arch, batch, device, getattr(torch, dtype))
    return {name: VARIANTS[name](setting) for name in names}


def measure(
    steps: dict[str, Step], rounds: int, device: str
) -> dict[str, list[float]]:
    """Time the variants in turns, each round starting with another one."""
    clock, names = Clock(device), list(steps)
    for step in steps.values():
        clock.warm_up(step)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(clock.seconds(steps[name]))
    return times


def peak_memory(step: Step, device: str) -> float:
    """Measure the memory of three steps above what is in use, in MiB."""
    if torch.device(device).type == 'cuda':
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        for _ in range(3):
            step()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    Path('/proc/self/clear_refs').write_text('5')  # reset the peak
    before = resident_kib('VmRSS')
    for _ in range(3):
        step()
    return (resident_kib('VmHWM') - before) / 2**10


def resident_kib(key: str) -> int:
    """Return the resident memory, VmRSS now or VmHWM at the peak, in KiB."""
    status = Path('/proc/self/status').read_text()
    return int(status.partition(f'{key}:')[2].split()[0])


def measure_memory(
    args: argparse.Namespace, steps: dict[str, Step]
) -> dict[str, float]:
    """Measure the memory of each variant, on a CPU in a new process."""
    if torch.device(args.device).type == 'cuda':
        return {n: peak_memory(s, args.device) for n, s in steps.items()}
    # By default glibc keeps freed memory in fragments, which would count.
    os.environ['MALLOC_MMAP_THRESHOLD_'] = '65536'
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        peaks = {n: pool.submit(memory_alone, args, n) for n in steps}
        return {name: peak.result() for name, peak in peaks.items()}


def memory_alone(args: argparse.Namespace, name: str) -> float:
    """Measure the memory of a variant that is built in this process."""
    setting = args.arch, args.batch, args.device, args.dtype
    return peak_memory(build_steps(*setting, name)[name], args.device)


def print_profile(steps: dict[str, Step], device: str) -> None:
    """Print the most expensive operations of each variant."""
    for name, step in steps.items():
        step()  # warm up
        with torch.profiler.profile() as profile:
            step()
        by = f'self_{torch.device(device).type}_time_total'
        print(f'variant {name}')
        print(profile.key_averages().table(sort_by=by, row_limit=15))


def report(
    times: dict, memory: dict, operations: dict, args: argparse.Namespace
) -> dict:
    """Summarise the measurements: medians, and ratios within each round."""
    rate = matrix_rate(args.device, getattr(torch, args.dtype))
    keys = ('arch', 'batch', 'device', 'dtype', 'rounds')
    results: dict = {key: getattr(args, key) for key in keys}
    results.update(
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        machine=platform.machine(),
        matrix_tflops=rate / 1e12,
        variants={},
        ratios={},
    )
    if torch.device(args.device).type == 'cuda':
        results['gpu'] = torch.cuda.get_device_name(args.device)
    for name, values in times.items():
        low, median, high = np.quantile(values, QUARTILES).tolist()
        results['variants'][name] = dict(
            seconds=median,
            quartiles=[low, high],
            images_per_second=args.batch / median,
            memory_mib=memory[name],
            matrix_share=operations[name] / median / rate,
        )
    for ratio in RATIOS:
        a, b = ratio.split('/')
        if a in times and b in times:
            values = np.divide(times[a], times[b])
            low, median, high = np.quantile(values, QUARTILES).tolist()
            results['ratios'][ratio] = dict(
                median=median,
                quartiles=[low, high],
                memory=memory[a] / memory[b],
            )
    return results


def show(results: dict) -> None:
    """Print the results as tables."""
    head = ('arch', 'batch', 'device', 'dtype', 'threads', 'rounds')
    variants = Table(title=', '.join(f'{key} {results[key]}' for key in head))
    ratios = Table(title='ratios within a round')
    columns = 'seconds', 'quartiles', 'images/s', 'MiB per step'
    rate = f'share of {results["matrix_tflops"]:.2f} TFLOP/s'
    for column in ('', *columns, rate):
        variants.add_column(column, justify='right')
    for column in ('', 'median', 'quartiles', 'memory'):
        ratios.add_column(column, justify='right')
    for name, found in results['variants'].items():
        variants.add_row(
            name,
            f'{found["seconds"]:.3f}',
            '{:.3f} to {:.3f}'.format(*found['quartiles']),
            f'{found["images_per_second"]:.1f}',
            f'{found["memory_mib"]:.0f}',
            f'{found["matrix_share"]:.2f}',
        )
    for name, found in results['ratios'].items():
        ratios.add_row(
            name,
            f'{found["median"]:.3f}',
            '{:.3f} to {:.3f}'.format(*found['quartiles']),
            f'{found["memory"]:.2f}',
        )
    Console().print(variants, ratios)


def main() -> None:
    args = parse_args()
    setting = args.arch, args.batch, args.device, args.dtype
    steps = build_steps(*setting, args.variants)
    if args.profile:
        print_profile(steps, args.device)
        return
    times = measure(steps, args.rounds, args.device)
    operations = {n: count_operations(step) for n, step in steps.items()}
    memory = measure_memory(args, steps)
    results = report(times, memory, operations, args)
    show(results)
    if args.json:
        mmengine.dump(results, args.json, indent=2)
