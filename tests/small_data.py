"""Small random images in the layouts of the datasets."""

from pathlib import Path

import cv2
import numpy as np


def rafdb(root: Path) -> None:
    """12 training and 4 test images of each class, basic and compound."""
    rng = np.random.default_rng(0)
    for folder, classes in (('basic', 7), ('compound', 11)):
        base = root / 'rafdb' / folder
        aligned = base / 'Image' / 'aligned'
        aligned.mkdir(parents=True)
        lines = []
        for split, count, width in (('train', 12, 5), ('test', 4, 4)):
            for i in range(1, count * classes + 1):
                name, label = f'{split}_{i:0{width}d}', 1 + i % classes
                draw(rng, aligned / f'{name}_aligned.jpg', label, (40, 40, 3))
                lines.append(f'{name}.jpg {label}')
        labels = base / 'EmoLabel'
        labels.mkdir()
        text = '\n'.join(lines) + '\n'
        (labels / 'list_patition_label.txt').write_text(text)


def ferplus(root: Path) -> None:
    """4 images of each of eight classes in each split."""
    rng = np.random.default_rng(1)
    number, rows = 0, []
    for folder, usage in (
        ('FER2013Train', 'Training'),
        ('FER2013Valid', 'PublicTest'),
        ('FER2013Test', 'PrivateTest'),
    ):
        (root / 'ferplus' / folder).mkdir(parents=True)
        for i in range(32):
            name = f'fer{number:07d}.png'
            draw(rng, root / 'ferplus' / folder / name, i % 8, (48, 48))
            votes = [10 if i % 8 == k else 0 for k in range(10)]
            rows.append(','.join([usage, name, *map(str, votes)]))
            number += 1
    header = (
        'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,'
        'fear,contempt,unknown,NF'
    )
    text = '\n'.join([header, *rows]) + '\n'
    (root / 'ferplus' / 'fer2013new.csv').write_text(text)


def affectnet(root: Path) -> None:
    """12 training and 4 test images of each of ten ids, new release."""
    rng = np.random.default_rng(2)
    for part, count in (('train_set', 120), ('val_set', 40)):
        folder = root / 'affectnet' / part
        (folder / 'images').mkdir(parents=True)
        (folder / 'annotations').mkdir()
        for i in range(count):
            draw(rng, folder / 'images' / f'{i}.jpg', i % 10, (40, 40, 3))
            np.save(folder / 'annotations' / f'{i}_exp.npy', str(i % 10))


def published(root: Path) -> None:
    """A few images of each class of the datasets that are in no table."""
    rng = np.random.default_rng(3)
    basic = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
    for name, parts in dict(
        fer2013=('train', 'val', 'test'),
        sfew=('Train', 'Val'),
        caers=('train', 'test'),
    ).items():
        for part in parts:
            for k, label in enumerate(basic):
                for i in range(12 if part.lower() == 'train' else 4):
                    path = root / name / part / label / f'{i}.png'
                    path.parent.mkdir(parents=True, exist_ok=True)
                    draw(rng, path, k, (48, 48))
    for name in ('jaffe', 'kdef', 'ckplus', 'expw'):
        (root / name).mkdir()
    lines = []
    for person in range(12):
        letters = f'K{chr(ord("A") + person)}'
        for k, label in enumerate(('AN', 'DI', 'FE', 'HA', 'SA', 'SU', 'NE')):
            path = root / 'jaffe' / f'{letters}.{label}1.{person}.png'
            draw(rng, path, k, (40, 40))
            code = 'AF' if label == 'FE' else label
            path = root / 'kdef' / f'AF{person + 1:02d}{code}S.JPG'
            draw(rng, path, k, (40, 40, 3))
            path = root / 'expw' / 'image' / f'{person}_{k}.jpg'
            path.parent.mkdir(exist_ok=True)
            draw(rng, path, k, (60, 60, 3))
            lines.append(f'{path.name} 0 5 10 50 55 90.5 {k}')
        for k in range(1, 8):
            sequence = f'S{person:03d}/{k:03d}'
            frames = root / 'ckplus' / 'cohn-kanade-images' / sequence
            labels = root / 'ckplus' / 'Emotion' / sequence
            frames.mkdir(parents=True)
            labels.mkdir(parents=True)
            (labels / 'x_emotion.txt').write_text(f'  {k}.0000000e+00\n')
            for i in range(4):
                stem = sequence.replace('/', '_')
                draw(rng, frames / f'{stem}_{i}.png', k * bool(i), (48, 48))
    (root / 'expw' / 'label.lst').write_text('\n'.join(lines))


def draw(rng, path: Path, label: int, shape: tuple) -> None:
    """Write noise with the class in its mean, so that it can be learnt."""
    noise = rng.integers(0, 60, shape)
    cv2.imwrite(str(path), (noise + 20 * label).astype(np.uint8))
