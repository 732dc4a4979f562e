import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from ..rafdb.rafdb import RAFDB
from .action_units import sample_expression
from .identity import sample_identity
from .nuisance import sample_nuisance
from .renderer import draw_face

VERSION = 1
"""Incremented whenever the same seed draws other images."""

STAMP = 'synthetic_faces.json'
SIZE = 100  # pixels, as RAF-DB's aligned faces
IMAGES_A_PERSON = 4
_JPEG_QUALITY = 95

LABEL_NAMES = {**RAFDB.LABEL_NAMES, 8: 'contempt'}  # RAF-DB has no 8
# How often each number comes in a row of images: mildly unequal.
_SHARES = {1: 4, 2: 3, 3: 3, 4: 5, 5: 4, 6: 4, 7: 4, 8: 3}


@dataclass(frozen=True)
class Recipe:
    """Parameters of a drawn dataset, stored in its folder as a stamp."""

    seed: int
    contempt: bool
    num_train: int
    num_test: int
    version: int = VERSION

    def count(self, part: str) -> int:
        """Return the number of images of 'train' or 'test'."""
        return self.num_train if part == 'train' else self.num_test

    def labels(self, part: str) -> np.ndarray:
        """Return RAF-DB's number of every image of 'train' or 'test'."""
        row = [
            number
            for number, share in _SHARES.items()
            if self.contempt or LABEL_NAMES[number] != 'contempt'
            for _ in range(share)
        ]
        rng = np.random.default_rng([self.seed, STREAMS[part], 2])
        return rng.permutation(np.resize(row, self.count(part)))


def draw_image(
    seed: int, part: str, index: int, expression: str
) -> np.ndarray:
    """Draw one image of the set.

    Args:
        seed (int): Seed of the set.
        part (str): 'train' or 'test'; they share no person.
        index (int): Number of the image in its part, from 0.
        expression (str): What the face shows.

    Returns:
        np.ndarray: RGB image (100, 100, 3), uint8.
    """
    person = sample_identity(person_rng(seed, part, index // IMAGES_A_PERSON))
    rng = image_rng(seed, part, index)
    units = sample_expression(rng, expression)
    return draw_face(person, units, sample_nuisance(rng), SIZE, rng)


def draw_set(root: Path, recipe: Recipe) -> None:
    """Draw the whole set, unless it lies at ``root`` already.

    It is drawn beside ``root`` and renamed into place: whoever sees the
    folder sees all of it.

    Args:
        root (Path): Where the set shall lie.
        recipe (Recipe): What to draw.

    Raises:
        ValueError: If something else lies at ``root``.
    """
    if root.is_dir() and any(root.iterdir()):
        check_stamp(root, recipe)
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f'.{root.name}.drawing-{os.getpid()}')
    try:
        _draw_into(draft, recipe)
        os.rename(draft, root)
    except OSError:
        # another program may have been faster
        if not (root / STAMP).is_file():
            raise
        check_stamp(root, recipe)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_stamp(root: Path, recipe: Recipe) -> None:
    """Refuse a folder that was not drawn by this recipe.

    Raises:
        ValueError: If the folder has no stamp or that of another recipe.
    """
    stamp = root / STAMP
    if not stamp.is_file():
        raise ValueError(
            f'{str(root)!r} is not empty and was not drawn by '
            f'SyntheticFaces (it has no {STAMP}); give another data_root'
        )
    found = json.loads(stamp.read_text(encoding='utf-8'))
    if found != asdict(recipe):
        raise ValueError(
            f'{str(root)!r} was drawn as {found}, but {asdict(recipe)} is '
            'asked for; give another data_root, or remove the folder to '
            'have it drawn anew'
        )


def _draw_into(root: Path, recipe: Recipe) -> None:
    images = root / 'basic' / 'Image' / 'aligned'
    labels = root / 'basic' / 'EmoLabel'
    images.mkdir(parents=True)
    labels.mkdir()
    lines = []
    for part in ('train', 'test'):
        numbers = recipe.labels(part).tolist()
        for index, number in enumerate(
            track(numbers, f'drawing {part} faces')
        ):
            face = draw_image(recipe.seed, part, index, LABEL_NAMES[number])
            name = f'{part}_{index + 1:05d}'
            cv2.imwrite(
                str(images / f'{name}_aligned.jpg'),
                cv2.cvtColor(face, cv2.COLOR_RGB2BGR),
                [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY],
            )
            lines.append(f'{name}.jpg {number}\n')
    (labels / 'list_patition_label.txt').write_text(
        ''.join(lines), encoding='utf-8'
    )
    (root / STAMP).write_text(json.dumps(asdict(recipe)), encoding='utf-8')


STREAMS = {'train': 0, 'test': 1, 'pretrain': 2}
"""Independent sources of people and of showings, by what they are for.

No person of one stream is ever met in another one: face-tiny is trained on
'pretrain' and tested on people it has not seen.
"""


def person_rng(seed: int, stream: str, person: int) -> np.random.Generator:
    """Return the source that person number ``person`` is drawn from."""
    return np.random.default_rng([seed, STREAMS[stream], 0, person])


def image_rng(seed: int, stream: str, index: int) -> np.random.Generator:
    """Return the source that image number ``index`` is drawn from."""
    return np.random.default_rng([seed, STREAMS[stream], 1, index])
