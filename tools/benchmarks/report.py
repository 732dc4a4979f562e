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
    console = Console()
    console.print(
        _table(
            ', '.join(f'{key} {results[key]}' for key in head),
            ('', 'seconds', 'quartiles', 'images/s', 'MiB a step'),
            [
                (
                    name,
                    f'{found["seconds"]:.3f}',
                    '{:.3f} to {:.3f}'.format(*found['quartiles']),
                    f'{found["images_per_second"]:.1f}',
                    f'{found["memory_mib"]:.0f}',
                )
                for name, found in results['variants'].items()
            ],
        )
    )
    console.print(
        _table(
            'ratios of turns in the same round',
            ('', 'median', 'quartiles', 'memory'),
            [
                (
                    name,
                    f'{found["median"]:.3f}',
                    '{:.3f} to {:.3f}'.format(*found['quartiles']),
                    f'{found["memory"]:.2f}',
                )
                for name, found in results['ratios'].items()
            ],
        )
    )


def _table(title: str, columns: tuple, rows: list[tuple]) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify='right')
    for row in rows:
        table.add_row(*row)
    return table
