"""Check the datasets of a config: files, images, counts and duplicates.

Every image of the official parts that training, validation and testing
read is decoded. Missing and unreadable files, wrong folders and annotations
and counts that are not the published ones end with exit code 1. Duplicates,
images with the same pixels, are reported but do not change the exit code:
official releases have them. Images of `leave_out` are in no split. A config
without datasets of ours, and wrong options, end with exit code 2.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import mmengine
from mmengine.registry import init_default_scope
from rich.console import Console

from mpafer_plugin.datasets.categories import canonical_name
from mpafer_plugin.datasets.label_counts import count_table
from mpafer_plugin.datasets.verification.official_parts import read_parts
from mpafer_plugin.datasets.verification.report import PartReport, Report
from mpafer_plugin.datasets.verification.verify import verify

from .config_args import DATALOADERS, add_config_arguments, load_config

SHOWN = 3  # of each kind of trouble; --out has all


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_arguments(parser)
    parser.add_argument(
        '--out', type=writable, help='file for the whole report: .json'
    )
    parser.add_argument(
        '--leaks',
        type=writable,
        help='file for the paths of the test images that are, or have an '
        'exact copy, in the training or validation split; as '
        'test_dataloader.dataset.leave_out it leaves them out of the test',
    )
    args = parser.parse_args(argv)
    if args.out and not args.out.endswith('.json'):
        parser.error(f'--out {args.out!r}: must end in .json')
    return args


def writable(path: str) -> str:
    """Refuse a file in a folder that is not there, before all the work."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f'{path!r}: no folder {folder}')
    return path


def show(report: Report, console: Console) -> None:
    """Print the totals and the first few of what is wrong."""
    for part in report.parts:
        console.rule(f'{part.name} in {part.data_root!r}')
        for line in part_lines(part):
            console.print(line)
    console.rule('duplicates')
    if not report.compared:
        console.print('not looked for: first the annotations must be right')
        return
    if report.shared:
        console.print(
            f'WRONG: {len(report.shared)} images are in more than one '
            f'split, such as {report.shared[0]}'
        )
    across = [g for g in report.duplicates if len(g['splits']) > 1]
    contradicting = [g for g in report.duplicates if g['contradicting']]
    console.print(
        f'{len(report.duplicates)} groups of images with the same pixels, '
        f'{len(across)} of them across splits, {len(contradicting)} with '
        'contradicting labels'
    )
    console.print(
        f'{len(report.leaks)} test images are, or have a copy, in another '
        'split'
    )
    for group in contradicting[:SHOWN] or across[:SHOWN]:
        listed = ' = '.join(
            f'{p["path"]} ({p["label"]})' for p in group['pictures']
        )
        console.print(f'  {listed}')


def part_lines(part: PartReport) -> Iterable[str]:
    """Say what was found in an official part."""
    for split, facts in part.splits.items():
        yield f'{split}: {facts["pictures"]} images, {facts["rule"]}'
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
    empty = [c for c in part.classes if not part.counts.get(canonical_name(c))]
    if empty and part.pictures:
        yield f'there are no images of {empty}'
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
        f'# Test images of {Path(config).name} with an exact copy in the '
        'training or validation split',
        *leaks,
    ]
    Path(path).write_text('\n'.join(text) + '\n', encoding='utf-8')


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    try:
        return run(args)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130  # as shells count it


def run(args: argparse.Namespace) -> int:
    """Do what the options say.

    Returns:
        int: The exit code.
    """
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
    tested = {p.dataset.root.path for p in parts if 'test' in dict(p.datasets)}
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
    if args.leaks and report.compared:
        write_leaks(args.leaks, report.leaks, args.config)
    return 0 if report.ok else 1
