"""Tables of FERCsv in all forms, and the lists beside datasets."""

import codecs
import importlib.util
import io
import json
import math
import re
from pathlib import Path
from random import Random
from typing import Any

from mpafer_plugin.datasets import FERCsv
from mpafer_plugin.datasets.data_root import read_class_names
from mpafer_plugin.datasets.rafdb.people import read_people

from .files import DAMAGED, byte_file, to_json
from .folders import IMAGE, Folder, dataset_folder, root_of, save
from .harness import Finding, Target
from .mutators import ODD, mutate_bytes, mutate_tree

NAMES = [f'f/{i}.png' for i in range(12)]
RECORDS = [
    dict(
        path=name,
        label=('Happy', 'anger', 'bored')[i % 3],
        split=('train', 'train', 'val', 'Test')[i % 4],
        subject=f'P{i}',
    )
    for i, name in enumerate(NAMES)
]
BOX = dict(x1='0', y1='1.5', x2='6', y2='7')
VOTES = dict(fear='2', anger='0.5', joy='')


def table(records: list[dict]) -> list[list[str]]:
    """Return the header and the rows of records."""
    return [[*records[0]], *([*map(str, r.values())] for r in records)]


BOXES = [record | BOX | dict(age='9') for record in RECORDS]
VOTED = [dict(path=name, split='train') | VOTES for name in NAMES]
TABLES = [
    Folder({f'labels.{ending}': table(RECORDS)}, NAMES, delimiter)
    for ending, delimiter in (('csv', ','), ('tsv', '\t'), ('txt', ';'))
]
BOX_TABLE = Folder(
    {'labels.csv': table(BOXES)},
    NAMES,
    arguments=dict(columns=dict(groups=['age']), crop=dict(size=8)),
)
VOTE_TABLES = [
    Folder(
        {'labels.csv': table(VOTED)},
        NAMES,
        arguments=dict(columns=dict(votes=[*VOTES]), label_rule=rule),
    )
    for rule in ('distribution', 'argmax', 'majority')
]
LEFT_OUT = Folder({'left.txt': [['# left'], ['f/1.png'], ['f/4.png']]}, NAMES)


def json_lines(rng: Random, folder: Path) -> Path:
    """Write mutated JSON lines."""
    records = rng.choice((RECORDS, BOXES))
    damaged = rng.random() < DAMAGED
    tree = records if damaged else mutate_tree(records, rng)
    lines = tree if isinstance(tree, list) else [tree]
    text = '\n'.join(to_json(line).replace('\n', '') for line in lines)
    content = text.encode()
    if damaged:
        content = mutate_bytes(content, rng)
    return place(folder, 'labels.jsonl', content)


def parquet(rng: Random, folder: Path) -> Path:
    """Write a Parquet table with odd columns, or mutated bytes."""
    import pyarrow
    from pyarrow import parquet

    records = rng.choice((RECORDS, BOXES))
    columns = {k: [r[k] for r in records] for k in records[0]}
    odd = (
        math.nan, True, b'\xff', None, 1.5, [1, 2], {'a': 1}, 10**18, 'a', '',
    )  # fmt: skip
    damaged = rng.random() < 2 * DAMAGED
    if not damaged:
        for key in rng.sample([*columns], rng.choice((1, 2))):
            columns[key] = [rng.choice(odd)] * len(records)
    buffer = io.BytesIO()
    method = rng.choice(('none', 'snappy', 'gzip', 'zstd'))
    parquet.write_table(pyarrow.table(columns), buffer, compression=method)
    content = buffer.getvalue()
    if damaged:
        content = mutate_bytes(content, rng)
    return place(folder, 'labels.parquet', content)


def place(folder: Path, name: str, content: bytes) -> Path:
    """Write a table beside the images."""
    for image in NAMES:
        save(folder / image, IMAGE)
    save(folder / '.root', b'{}')
    save(folder / name, content)
    return folder / name


ARGUMENTS = dict(
    split='train',
    columns=dict(path='path', label='label', groups=['subject']),
    names={'Happy': 'joy', 'anger': 'rage', 'bored': 'calm'},
    classes=['joy', 'rage', 'calm'],
    val_fraction=0.2,
    val_seed=1,
    subset=dict(num=3, seed=0),
    merge={'low': ['rage', 'calm']},
    subject='[0-9]',
    folds=3,
    fold=1,
    fold_seed=0,
    delimiter=',',
)


def argument(rng: Random, folder: Path) -> Path:
    """Write arguments of which one is mutated, which names the file."""
    name = rng.choice([*ARGUMENTS])
    value: Any = mutate_tree({name: ARGUMENTS[name]}, rng)
    if [*value] != [name] if isinstance(value, dict) else True:
        value = {name: rng.choice(ODD)}
    needed = {'fold': 'folds', 'folds': 'fold', 'merge': 'names'}
    others = [needed[name]] if name in needed else []
    content = {other: ARGUMENTS[other] for other in others} | value
    place(folder, 'labels.csv', _csv())
    (folder / name).write_text(to_json(content))
    return folder / name


def _csv() -> bytes:
    return '\n'.join(map(','.join, table(RECORDS))).encode()


def read_argument(path: Path) -> None:
    """Read a dataset with the arguments of a file."""
    try:
        arguments = json.loads(path.read_text())
    except (ValueError, RecursionError):
        return  # no argument of Python
    try:
        check(FERCsv(root_of(path)[0], serialize_data=False, **arguments))
    except ValueError as error:  # as the table is named, so is the column
        if 'labels.csv' in str(error):
            raise ValueError(f'{path.name}: {error}') from error
        raise


def read_table(path: Path) -> None:
    """Read a table of any form, all of its parts."""
    root, arguments = root_of(path)
    dataset = FERCsv(
        root,
        ann_file=path.name,
        val_fraction=0,
        serialize_data=False,
        **arguments,
    )
    check(dataset)
    rows = sum(1 for _ in dataset._unique_rows())
    rows += dataset._repeated + dataset._undecided
    content = path.read_bytes()
    if path.suffix in ('.csv', '.tsv', '.txt', '.jsonl'):
        utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode('utf-16' if utf16 else 'utf-8-sig')
        lines = [
            n
            for n in re.split('\r\n|\r|\n', text)
            if re.sub(r'[\s",;|]', '', n)  # a row of empty fields is blank
        ]
        lines = [n for n in lines if not n.lower().startswith('sep=')]
        lost = len(lines) - (path.suffix != '.jsonl') - rows
        if lost:
            raise Finding(f'{lost} of {len(lines)} rows are lost')


def check(dataset: FERCsv) -> None:
    """Check labels, soft targets and boxes of a dataset."""
    for info in dataset:
        if not 0 <= info['gt_label'] < len(dataset.CLASSES):
            raise Finding(f'gt_label is {info["gt_label"]}')
        shares = info.get('gt_score', [1.0])
        if abs(sum(shares) - 1) > 1e-6 or min(shares) < 0:
            raise Finding(f'gt_score is {shares}')
        if not all(map(math.isfinite, info.get('bbox', []))):
            raise Finding(f'bbox is {info["bbox"]}')


def read_left_out(path: Path) -> None:
    """Read a dataset without the images of a list."""
    root, _ = root_of(path)
    save(path.with_name('labels.csv'), _csv())
    check(FERCsv(root, leave_out=str(path), serialize_data=False))


def read_classes(path: Path) -> None:
    """Read a text file of classes, for a dataset that has them."""
    place(path.parent, 'labels.csv', _csv())
    try:
        FERCsv(str(path.parent), classes=str(path), serialize_data=False)
    except ValueError:
        if read_class_names(str(path)) == ['Happy', 'anger', 'bored']:
            raise


def people(rng: Random, folder: Path) -> Path:
    """Write RAF-DB's annotation of a person."""
    manual = folder / 'basic' / 'Annotation' / 'manual'
    manual.mkdir(parents=True)
    lines = b'30.5\t40\n' * 5 + b'1\n2\n3\n'
    write = byte_file('train_00001_manu_attri.txt', lines)
    return write(rng, manual)


def read_person(path: Path) -> None:
    """Read it, from the path of the image."""
    base = path.parents[2]
    read_people(str(base / 'Image' / 'aligned' / 'train_00001_aligned.jpg'))


TARGETS = [
    Target('csv', dataset_folder(*TABLES), read_table),
    Target('csv_boxes', dataset_folder(BOX_TABLE), read_table),
    Target('csv_votes', dataset_folder(*VOTE_TABLES), read_table),
    Target('json_lines', json_lines, read_table),
    Target('dataset_arguments', argument, read_argument),
    Target('leave_out', dataset_folder(LEFT_OUT), read_left_out),
    Target(
        'class_names',
        byte_file('classes.txt', b'Happy\nanger\nbored\n'),
        read_classes,
    ),
    Target('people', people, read_person),
]
if importlib.util.find_spec('pyarrow'):
    TARGETS.append(Target('parquet', parquet, read_table))
