"""How tools/benchmark.py tells what it found."""

import argparse
import platform
import statistics

import torch
from rich.console import Console
from rich.table import Table

RATIOS = ('b/a', 'd/c', 'd/e', 'f/d', 't/d', 'h/d')


def interval(values: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, middle, high


def report(times: dict, memory: dict, args: argparse.Namespace) -> dict:
    """Put the results together: medians, ratios of medians by round."""
    results: dict = dict(
        arch=args.arch,
        batch=args.batch,
        device=args.device,
        dtype=args.dtype,
        rounds=args.rounds,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        machine=platform.machine(),
        variants={},
        ratios={},
    )
    if args.device == 'cuda':
        results['gpu'] = torch.cuda.get_device_name()
    for name, values in times.items():
        low, middle, high = interval(values)
        results['variants'][name] = dict(
            seconds=middle,
            quartiles=[low, high],
            images_per_second=args.batch / middle,
            memory_mib=memory[name],
        )
    for ratio in RATIOS:
        over, under = ratio.split('/')
        if over in times and under in times:
            pairs = zip(times[over], times[under], strict=True)
            low, middle, high = interval([x / y for x, y in pairs])
            results['ratios'][ratio] = dict(
                median=middle,
                quartiles=[low, high],
                memory=memory[over] / memory[under],
            )
    return results


def show(results: dict) -> None:
    """Print the results as tables."""
    head = ('arch', 'batch', 'device', 'dtype', 'threads', 'rounds')
    title = ', '.join(f'{key} {results[key]}' for key in head)
    table = Table(title=title)
    for column in ('', 'seconds', 'quartiles', 'images/s', 'MiB a step'):
        table.add_column(column, justify='right')
    for name, found in results['variants'].items():
        low, high = found['quartiles']
        table.add_row(
            name,
            f'{found["seconds"]:.3f}',
            f'{low:.3f} to {high:.3f}',
            f'{found["images_per_second"]:.1f}',
            f'{found["memory_mib"]:.0f}',
        )
    ratios = Table(title='ratios of turns in the same round')
    for column in ('', 'median', 'quartiles', 'memory'):
        ratios.add_column(column, justify='right')
    for name, found in results['ratios'].items():
        low, high = found['quartiles']
        ratios.add_row(
            name,
            f'{found["median"]:.3f}',
            f'{low:.3f} to {high:.3f}',
            f'{found["memory"]:.2f}',
        )
    console = Console()
    console.print(table)
    console.print(ratios)
