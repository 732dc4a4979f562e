"""Datasets in class folders, lists, tables and archives."""

import io
import tarfile
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from mmengine.fileio import get

import mpafer_plugin.datasets as package
from mpafer_plugin.datasets.affectnet.layouts import HEADER
from mpafer_plugin.datasets.ferplus.labels import VOTE_COLUMNS

from .files import DAMAGED
from .folders import IMAGE, Folder, dataset_folder, naming, root_of, save
from .harness import Finding, Target
from .mutators import mutate_bytes

BASIC = ('angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise')


def rafdb() -> list[Folder]:
    """Return a folder in each of RAF-DB's layouts, and one with votes."""
    names = [f'{p}_{i:05d}' for p in ('train', 'test') for i in range(7)]
    rows = [[f'{name}.jpg', str(1 + i % 7)] for i, name in enumerate(names)]
    official = [f'basic/Image/aligned/{name}_aligned.jpg' for name in names]
    listed = 'basic/EmoLabel/list_patition_label.txt'
    votes = [[name, *'1230000'] for name, _ in rows]
    cub = {
        'images.txt': [[str(i), name] for i, (name, _) in enumerate(rows)],
        'image_class_labels.txt': [
            [str(i), label] for i, (_, label) in enumerate(rows)
        ],
        'train_test_split.txt': [
            [str(i), str(int(i < 7))] for i in range(len(rows))
        ],
    }
    copies = [
        f'DATASET/{name.split("_")[0]}/{label}/{name}' for name, label in rows
    ]
    kaggle = {
        'train_labels.csv': [['image', 'label'], *rows[:7]],
        'test_labels.csv': [['image', 'label'], *rows[7:]],
    }
    soft = dict(label_rule='distribution', votes='votes.csv')
    pairs = {'train.txt': rows[:7], 'test.txt': rows[7:]}
    crops = [f'aligned_224/{name}' for name, _ in rows]
    images = [f'images/{name}' for name, _ in rows]
    return [
        Folder({listed: rows}, official, ' '),
        Folder(pairs, crops, ' '),
        Folder(kaggle, copies),
        Folder(cub, images, ' '),
        Folder({'votes.csv': votes}, copies, arguments=soft),
    ]


def affectnet() -> list[Folder]:
    """Return a folder in each of AffectNet's layouts."""
    rows = [[f'{i}/{i}.jpg', *'001100', str(i % 8)] for i in range(16)]
    old = [[*row[:5], '1;2', row[6], '0', '0.5'] for row in rows]
    lists = {
        name: [HEADER, *old] for name in ('training.csv', 'validation.csv')
    }
    table = [['number', 'exp'], *([str(i), str(i % 8)] for i in range(16))]
    tables = {'train_set.csv': table, 'val_set.csv': table}
    images = [
        f'{p}_set/images/{i}.jpg' for p in ('train', 'val') for i in range(16)
    ]
    arrays = {}
    for place in images:
        part, _, name = place.split('/')
        content = io.BytesIO()
        np.save(content, str(int(name[:-4]) % 8))
        arrays[f'{part}/annotations/{name[:-4]}_exp.npy'] = content.getvalue()
    return [
        Folder(lists, [f'Manually_Annotated_Images/{row[0]}' for row in old]),
        Folder(tables, images),
        Folder({}, images, files=arrays),
    ]


def ferplus() -> list[Folder]:
    """Return a folder in each of FER+'s layouts."""
    usages = dict(
        Training='FER2013Train', PublicTest='FER2013Valid',
        PrivateTest='FER2013Test',
    )  # fmt: skip
    rows = [
        [
            usage,
            f'fer{8 * k + i:07d}.png',
            *('9' if j == i else '0' for j in range(10)),
        ]
        for k, usage in enumerate(usages)
        for i in range(8)
    ]
    votes = [['Usage', 'Image name', *VOTE_COLUMNS], *rows]
    images = [f'{usages[row[0]]}/{row[1]}' for row in rows]
    older = {
        f'{folder}/label.csv': [
            [row[1], '(0 0 48 48)', *row[2:]]
            for row in rows
            if row[0] == usage
        ]
        for usage, folder in usages.items()
    }
    pixels = [['emotion', 'pixels', 'Usage']]
    pixels += [['3', '7 ' * 2304, row[0]] for row in rows]
    both = {'fer2013new.csv': votes, 'fer2013.csv': pixels}
    return [
        Folder({'fer2013new.csv': votes}, images),
        Folder(older, images, arguments=dict(label_rule='distribution')),
        Folder(both, arguments=dict(label_rule='argmax8')),
    ]


def fer2013() -> list[Folder]:
    """Return FER2013's table."""
    usages = ('Training', 'PublicTest', 'PrivateTest')
    rows = [[str(i % 7), '7 ' * 2304, usages[i // 7]] for i in range(21)]
    return [Folder({'fer2013.csv': [['emotion', 'pixels', 'Usage'], *rows]})]


def expw() -> list[Folder]:
    """Return ExpW's list."""
    rows = [[f'{i}.jpg', *'0059', '50', '90.5', str(i % 7)] for i in range(14)]
    images = [f'image/{row[0]}' for row in rows]
    return [Folder({'label.lst': rows}, images, ' ')]


def ckplus() -> list[Folder]:
    """Return CK+'s sequences."""
    images, files = [], {}
    for k in range(1, 8):
        subject, number = f'S{k % 3:03d}', f'{k:03d}'
        name = f'{subject}/{number}/{subject}_{number}'
        images += [f'cohn-kanade-images/{name}_{i:08d}.png' for i in range(4)]
        files[f'Emotion/{name}_emotion.txt'] = f'  {k}.0000e+00\n'.encode()
    arguments = dict(split='test', folds=3, fold=0)
    return [Folder({}, images, arguments=arguments, files=files)]


PARTS = 'train', 'val'


def target(
    name: str, kind: str, valid: list[Folder], cases: int = 500
) -> Target:
    """Return the target of a dataset."""

    def read(path: Path) -> None:
        root, arguments = root_of(path)
        dataset = getattr(package, kind)
        splits = [arguments.pop('split')] if 'split' in arguments else PARTS
        with naming(path):
            for split in splits:
                check(dataset(root, split, serialize_data=False, **arguments))

    return Target(name, dataset_folder(*valid), read, cases=cases)


def check(dataset: Any) -> None:
    """Check the labels and soft targets of a dataset."""
    for info in dataset:
        shares = info.get('gt_score', [1.0])
        if not 0 <= info['gt_label'] < len(dataset.CLASSES):
            raise Finding(f'gt_label is {info["gt_label"]}')
        if abs(sum(shares) - 1) > 1e-6 or min(shares) < 0:
            raise Finding(f'gt_score is {shares}')


ODD_NAMES = (
    '\n', 'é' * 120, 'e\u0301', 'Happy', 'HAPPY', '.x', 'x.zip', 'train',
    '\udcff', '1', '-1', 'x\x01', ' ', '#', 'x' * 250,
)  # fmt: skip


def class_folders(rng: Random, folder: Path) -> Path:
    """Write images in class folders with odd names and links."""
    root = folder / 'root'
    names = [
        [part, name, f'{i}.png']
        for part in ('train', 'Test', 'val')
        for name in ('Happy', 'anger', 'bored')
        for i in range(3)
    ]
    for _ in range(rng.choice((1, 2, 6))):
        names.append([*rng.choice(names)])
        names[-1][rng.randrange(3)] = rng.choice(ODD_NAMES)
    for parts in names:
        try:
            save(root.joinpath(*parts), IMAGE)
        except OSError:  # a file where a folder is, a name that is too long
            continue
    if rng.random() < 0.2:
        target = rng.choice((root, root / 'train', root / 'absent'))
        (root / rng.choice(('loop', 'train/loop'))).symlink_to(target)
    return root


def read_folders(path: Path) -> None:
    """Read all parts, and check that no image is lost in silence."""
    for split in ('train', 'val', 'test'):
        dataset = package.FERFolder(str(path), split, serialize_data=False)
        check(dataset)


def archive(rng: Random, folder: Path) -> Path:
    """Write a zip or tar file with odd names or mutated bytes."""
    names = [
        f'train/{c}/{i}.png' for c in ('Happy', 'bored') for i in range(3)
    ]
    if rng.random() < 0.6:
        odd = (
            '/a.png',
            '../a.png',
            './train/a/b.png',
            'train',
            '.',
            'a//b',
            'é',
        )
        names[rng.randrange(6)] = rng.choice(odd)
    path, buffer = folder / rng.choice(('x.zip', 'x.tar')), io.BytesIO()
    if path.suffix == '.zip':
        method = rng.choice((0, 8, 12, 14))
        with zipfile.ZipFile(buffer, 'w', method) as file:
            for name in names:
                file.writestr(zipfile.ZipInfo(name), IMAGE, method)
    else:
        kinds = (b'1', b'2', b'3', b'5', b'6')
        with tarfile.open(fileobj=buffer, mode='w') as file:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(IMAGE)
                if rng.random() < 0.1:
                    info.type, info.size = rng.choice(kinds), 0
                    info.linkname = rng.choice((names[0], 'absent', name))
                file.addfile(info, io.BytesIO(IMAGE) if info.size else None)
    content = buffer.getvalue()
    if rng.random() < 2 * DAMAGED:
        content = mutate_bytes(content, rng)
    path.write_bytes(content)
    return path


def read_archive(path: Path) -> None:
    """Read class folders in an archive, and their images."""
    dataset = package.FERFolder(
        f'archive://{path}', val_fraction=0, serialize_data=False
    )
    for info in dataset:
        get(info['img_path'])


TARGETS = [
    target('rafdb', 'RAFDB', rafdb()),
    target('affectnet', 'AffectNet', affectnet()),
    target('ferplus', 'FERPlus', ferplus()),
    target('fer2013', 'FER2013', fer2013(), 250),
    target('expw', 'ExpW', expw()),
    target('ckplus', 'CKPlus', ckplus(), 100),
    Target('class_folders', class_folders, read_folders, cases=250),
    Target('archive', archive, read_archive),
]
