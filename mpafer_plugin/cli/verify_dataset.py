"""Check the datasets of a config: files, images, counts and duplicates.

All images of the official parts used for training, validation and testing
are decoded. The exit code is 1 if files are missing or unreadable, folders or
annotations are wrong, or counts differ from the published ones. Duplicates
(images with the same pixels) are reported but do not change the exit code, as
official releases have them. Images of `leave_out` are in no split. The exit
code is 2 for wrong options and for datasets other than this package's.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import mmengine
from rich.console import Console

from mpafer_plugin.datasets.categories import canonical_name
from mpafer_plugin.datasets.label_counts import count_table
from mpafer_plugin.datasets.verification import (
    PartReport,
    Report,
    read_parts,
    verify,
)

from . import command_parser, exit_on_interrupt
from .config_args import (
    add_config_arguments,
    dataset_configs,
    load_config,
    output_file,
)

SHOWN = 3  # examples of each error; --out has all


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    add_config_arguments(parser)
    parser.add_argument(
        '--out', type=writable, help='JSON file for the full report'
    )
    parser.add_argument(
        '--leaks',
        type=writable,
        help='file for the paths of test images that are, or have an exact '
        'copy, in the training or validation split; pass it as '
        'test_dataloader.dataset.leave_out to leave them out of the test',
    )
    parser.add_argument(
        '--missing',
        type=writable,
        help='file for the paths of images that are missing or unreadable; '
        'pass it as leave_out of each dataset to do without them',
    )
    args = parser.parse_args(argv)
    if args.out and not args.out.endswith('.json'):
        parser.error(f'--out {args.out!r}: must end in .json')
    return args


def writable(path: str) -> str:
    """Check that an output file can be written, in a folder that exists."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f'{path!r}: no folder {folder}')
    return output_file(path)


def show(report: Report, console: Console) -> None:
    """Print the totals and the first few errors."""
    for part in report.parts:
        console.rule(f'{part.name} in {part.data_root!r}')
        for line in part_lines(part):
            console.print(line)
    console.rule('duplicates')
    if not report.compared:
        console.print('skipped: the annotations have errors')
        return
    if report.shared:
        console.print(
            f'WRONG: {len(report.shared)} images are in more than one '
            f'split, such as {report.shared[0]}'
        )
    if report.shared_groups:
        console.print(
            f'{len(report.shared_groups)} persons (or clips) are in more '
            f'than one split, such as {report.shared_groups[0]}'
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
    """Format the findings in an official part."""
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
    for error in filter(None, [part.unexpected_total, *part.errors]):
        yield f'WRONG: {error}'
    empty = [c for c in part.classes if not part.counts.get(canonical_name(c))]
    if empty and part.pictures:
        yield f'there are no images of {empty}'
    if not part.pictures:
        return
    for problem in ('missing', 'unreadable'):
        files = getattr(part, problem)
        yield f'{"WRONG: " if files else ""}{len(files)} files {problem}'
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


@exit_on_interrupt('interrupted')
def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    configs = dataset_configs(load_config(args))
    try:
        parts = read_parts(configs)
    except (TypeError, ValueError, OSError) as error:
        print(f'{args.config}: {error}', file=sys.stderr)
        return 2 if isinstance(error, TypeError) else 1
    roots = {p.dataset.root.path for p in parts}
    tested = {p.dataset.root.path for p in parts if 'test' in dict(p.datasets)}
    for option, path, found in (
        ('--leaks', args.leaks, tested),
        ('--missing', args.missing, roots),
    ):
        if path and len(found) != 1:
            print(
                f'{option} takes one dataset, since its paths are relative '
                f'to one folder; the config has {sorted(found)}',
                file=sys.stderr,
            )
            return 2
    report = verify(parts)
    # Plain text: no markup in file names, no line breaks in paths.
    show(report, Console(markup=False, highlight=False, soft_wrap=True))
    if args.out:
        mmengine.dump(asdict(report), args.out, indent=2)
    name = Path(args.config).name
    for path, what, listed in (
        (
            args.leaks,
            f'Test images of {name} with an exact copy in the training or '
            'validation split',
            report.leaks,
        ),
        (
            args.missing,
            f'Images of {name} that are missing or unreadable',
            report.lacking,
        ),
    ):
        if path and report.compared:
            text = '\n'.join([f'# {what}', *listed, ''])
            # A file name need not be UTF-8.
            Path(path).write_text(
                text, encoding='utf-8', errors='surrogateescape'
            )
            print(f'written: {path}, {len(listed)} paths for leave_out')
        elif path:
            print(
                f'not written: {path}, as not all annotations are right',
                file=sys.stderr,
            )
    return 0 if report.ok else 1
