"""Check the data sets of a config: files, pictures, counts and duplicates.

Every picture of the official parts that training, validation and testing
read is decoded. Missing and unreadable files, wrong annotations and counts
that are not the published ones end with exit code 1. Duplicates, pictures
with the same pixels, are reported but do not change the exit code: official
releases have them (FER+ has 556 groups across its splits). Pictures of
`leave_out` are in no split. What cannot be checked at all ends with exit
code 2.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import mmengine
from _cli import DATALOADERS, add_config_arguments, load_config
from mmengine.registry import init_default_scope
from rich.console import Console

from mpafer_plugin.datasets.count_table import count_table
from mpafer_plugin.datasets.verification.official_parts import read_parts
from mpafer_plugin.datasets.verification.report import PartReport, Report
from mpafer_plugin.datasets.verification.verify import verify

SHOWN = 3  # of each kind of trouble; --out has all


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_arguments(parser)
    parser.add_argument('--out', help='file for the whole report: .json')
    parser.add_argument(
        '--leaks',
        help='file for the paths of the test pictures that have an exact '
        'copy in the training or validation split; as '
        'test_dataloader.dataset.leave_out it leaves them out of the test',
    )
    return parser.parse_args()


def show(report: Report, console: Console) -> None:
    """Print the totals and the first few of what is wrong."""
    for part in report.parts:
        console.rule(f'{part.name} in {part.data_root!r}')
        for line in part_lines(part):
            console.print(line)
    console.rule('duplicates')
    across = [g for g in report.duplicates if len(g['splits']) > 1]
    contradicting = [g for g in report.duplicates if g['contradicting']]
    console.print(
        f'{len(report.duplicates)} groups of pictures with the same pixels, '
        f'{len(across)} of them across splits, {len(contradicting)} with '
        'contradicting labels'
    )
    console.print(
        f'{len(report.leaks)} test pictures have a copy in another split'
    )
    for group in contradicting[:SHOWN] or across[:SHOWN]:
        listed = ' = '.join(
            f'{p["path"]} ({p["label"]})' for p in group['pictures']
        )
        console.print(f'  {listed}')


def part_lines(part: PartReport) -> Iterable[str]:
    """Say what was found in an official part."""
    for split, facts in part.splits.items():
        yield f'{split}: {facts["pictures"]} pictures, {facts["rule"]}'
    yield f'label rule: {part.label_rule}'
    yield f'crop: {part.crop}'
    rows = {'read': part.counts}
    if part.expected is not None:
        rows[part.expected_source] = part.expected
    yield count_table(part.classes, rows)
    if not part.counts_agree:
        yield f'WRONG: the counts are not the {part.expected_source} ones'
    for error in part.errors:
        yield f'WRONG: {error}'
    if not part.pictures:
        return  # nothing was looked at
    for trouble in ('missing', 'unreadable'):
        files = getattr(part, trouble)
        yield f'{"WRONG: " if files else ""}{len(files)} files {trouble}'
        for file in files[:SHOWN]:
            reason = f': {file["reason"]}' if 'reason' in file else ''
            yield f'  {file["where"]}: {file["path"]}{reason}'
    if part.sizes:
        sides = ', '.join(
            f'{side} {{min}} to {{max}}, median {{median:g}}'.format(
                **part.sizes[side]
            )
            for side in ('width', 'height')
        )
        common = ', '.join(
            f'{number} of {size}' for size, number in part.sizes['most_common']
        )
        yield f'sizes: {part.sizes["distinct"]} distinct; {sides}'
        yield f'  most common: {common}'
        yield f'{part.grey} grey, {part.colour} in colour'


def write_leaks(path: str, leaks: Iterable[str], config: str) -> None:
    """Write what `leave_out` reads."""
    text = [
        f'# Test pictures of {Path(config).name} with an exact copy in the '
        'training or validation split',
        *leaks,
    ]
    Path(path).write_text('\n'.join(text) + '\n', encoding='utf-8')


def main() -> int:
    args = parse_args()
    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    loaders = {name: cfg.get(name) for name in DATALOADERS}
    configs = {
        name.removesuffix('_dataloader'): loader.dataset
        for name, loader in loaders.items()
        if loader
    }
    try:
        parts = read_parts(configs)
    except TypeError as error:
        print(f'{args.config}: {error}', file=sys.stderr)
        return 2
    except (ValueError, OSError) as error:
        print(f'{args.config}: {error}', file=sys.stderr)
        return 1
    tested = {p.dataset.root.path for p in parts if 'test' in dict(p.readers)}
    if args.leaks and len(tested) != 1:
        print(
            '--leaks takes one test set, since its paths are relative to '
            f'one folder; the config tests on {sorted(tested)}',
            file=sys.stderr,
        )
        return 2
    report = verify(parts)
    # plain text: file names are no markup, and paths are not to be broken
    show(report, Console(markup=False, highlight=False, soft_wrap=True))
    if args.out:
        mmengine.dump(asdict(report), args.out, indent=2)
    if args.leaks:
        write_leaks(args.leaks, report.leaks, args.config)
    return 0 if report.ok else 1


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(130)  # as shells count it
