import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmpretrain.registry import DATASETS

from ..annotations import Sample
from ..categories import EXPRESSIONS
from ..rafdb import RAFDB
from .drawn_set import LABEL_NAMES, Recipe, check_stamp, draw_set, person_of


@DATASETS.register_module()
class SyntheticFaces(RAFDB):
    """Drawn faces in RAF-DB's layout, to try things out offline.

    Each face shows an expression through facial action units (FACS) of
    random intensity, some left out and some added, on a random person in
    random pose and light. Rank 0 draws the dataset when it is first used, in
    well under a minute, into RAF-DB's layout: ::

        data_root
        ├── synthetic_faces.json                  # seed and numbers
        └── basic
            ├── EmoLabel/list_patition_label.txt  # train_00001.jpg 5
            └── Image/aligned/train_00001_aligned.jpg  # 100 x 100

    There are four images of each person; no person is in both the training
    and the test images, and ``folds`` keep each whole. The held-out share is
    drawn image by image, as that of RAF-DB, whose persons are not known.
    Results on drawings say nothing about real faces.

    Args:
        data_root (str): The folder of the dataset, created if it is absent.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        seed (int): Seed of people and images. Defaults to 0.
        contempt (bool): Whether there is an eighth class, number 8 in the
            label file. Defaults to False.
        num_train (int): Images for 'train' and 'val'. Defaults to 2800.
        num_test (int): Images for 'test'. Defaults to 1000.
        pipeline (Sequence): Transforms, as in mmpretrain. Defaults to ().
        **kwargs: See :class:`RAFDB`.

    Raises:
        ValueError: If ``data_root`` holds other files, or faces drawn with
            other arguments.

    Examples:
        >>> from mpafer_plugin.datasets import SyntheticFaces
        >>> len(SyntheticFaces('data/synthetic', 'train'))
        2520
        >>> len(SyntheticFaces('data/synthetic', 'test'))
        1000
    """

    COUNTS_SOURCE = 'drawn'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        *,
        seed: int = 0,
        contempt: bool = False,
        num_train: int = 2800,
        num_test: int = 1000,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        self.recipe = Recipe(seed, contempt, num_train, num_test)
        self.LABEL_NAMES = {
            number: name
            for number, name in LABEL_NAMES.items()
            if contempt or name != 'contempt'
        }
        if contempt:
            kwargs.setdefault('classes', EXPRESSIONS)
        if kwargs.get('folds') is not None:
            self.group = 'person'
        super().__init__(data_root, split, pipeline=pipeline, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Draw the faces unless they exist, then load them as RAF-DB."""
        root = Path(os.path.abspath(self.data_root))
        try:
            if is_main_process():
                draw_set(root, self.recipe)
        finally:
            barrier()  # after an error too: the other ranks raise it below
        check_stamp(root, self.recipe)
        return super().load_data_list()

    def load_samples(self) -> list[Sample]:
        """Read all images of the part, with the number of each's person."""
        return [
            sample._replace(group=person_of(sample.key))
            for sample in super().load_samples()
        ]

    def published_counts(self) -> Mapping[str, int]:
        """Return the number of drawn images of each class."""
        part = self.official_part
        numbers = Counter(self.recipe.labels(part).tolist())
        return {LABEL_NAMES[number]: n for number, n in numbers.items()}
