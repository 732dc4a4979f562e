"""The command ``python -m tests.fuzz``, which ``make fuzz`` calls."""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .harness import Worker, describe, run_target
from .targets import TARGETS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m tests.fuzz')
    parser.add_argument('targets', nargs='*', help=', '.join(TARGETS))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--cases', type=int, default=10_000)
    parser.add_argument('--case', type=int, help='run this case alone')
    args = parser.parse_args()
    for name in args.targets:
        if name not in TARGETS:
            parser.error(f'{name!r} is not one of {", ".join(TARGETS)}')
    if args.case is not None and len(args.targets) != 1:
        parser.error('--case needs one target')
    return args


def run_all(worker: Worker, args: argparse.Namespace) -> int:
    """Run cases of targets, print the findings, then a table of counts."""
    table = Table('target', 'cases', 'accepted', 'refused', 'findings', 's')
    for column in table.columns[1:]:
        column.justify = 'right'
    found = 0
    for name in args.targets or TARGETS:
        start = time.perf_counter()
        counts, findings = run_target(worker, name, args.seed, args.cases)
        seconds = time.perf_counter() - start
        table.add_row(
            name,
            f'{args.cases:,}',
            *(f'{count:,}' for count in counts.values()),
            f'{seconds:.0f}',
        )
        if findings:
            print(describe(name, args.seed, findings), flush=True)
        found += len(findings)
    Console().print(table)
    return 1 if found else 0


def run_one(worker: Worker, args: argparse.Namespace) -> int:
    """Run a case, keep its files and print all that is known."""
    name = args.targets[0]
    folder = Path('work_dirs', 'fuzz', f'{name}_{args.seed}_{args.case}')
    folder.mkdir(parents=True, exist_ok=True)
    outcome = worker.run(name, args.seed, args.case, folder)
    print(f'{outcome.kind}: {outcome.text}\n{outcome.trace}\nin {folder}')
    return 1 if outcome.kind == 'finding' else 0


def main() -> int:
    args = parse_args()
    worker = Worker()
    try:
        return (run_all if args.case is None else run_one)(worker, args)
    finally:
        worker.close()


if __name__ == '__main__':
    sys.exit(main())
