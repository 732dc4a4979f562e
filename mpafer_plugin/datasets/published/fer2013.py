import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mmengine.dist import barrier, is_main_process
from mmengine.fileio import LocalBackend
from mmengine.logging import MMLogger
from mmpretrain.registry import DATASETS

from mpafer_plugin.utils.quoting import quote

from ..categories import SEVEN_EXPRESSIONS
from ..custom import FERFolder
from ..custom.split_folders import split_folders
from ..ferplus.layouts import write_png
from ..ferplus.pixels import USAGES, find_pixels, pixel_rows

PARTS = dict(zip(USAGES, ('train', 'val', 'test'), strict=True))


@DATASETS.register_module()
class FER2013(FERFolder):
    """FER2013, 35,887 faces from the web search of 2013, seven expressions.

    A copy is a table, from which rank 0 writes class folders beside it on
    first use, in all 150 MB: ::

        fer2013
        └── fer2013.csv         # emotion,pixels,Usage in any order; or
                                # icml_face_data.csv

    or class folders, by name or by number. Without ``val`` (PublicTest), the
    two test parts are in ``test`` together, and a share of ``train`` is held
    out: ::

        fer2013
        ├── train
        │   ├── angry           # or 0
        │   │   ├── 1.png
        │   │   └── ...
        │   └── ...
        ├── val                 # PublicTest
        └── test                # PrivateTest

    Args:
        data_root (str): The folder ``fer2013`` above.
        split (str): 'train', 'val' or 'test', officially called Training,
            PublicTest and PrivateTest. Defaults to 'train'.
        **kwargs: See :class:`FERFolder`.

    Raises:
        ValueError: If an argument, a row or a folder is wrong.
        FileNotFoundError: If there is neither a table nor class folders.
        OSError: If images are to be written and cannot be.

    Examples:
        >>> from mpafer_plugin.datasets import FER2013
        >>> len(FER2013('data/fer2013', 'test'))
        3589
    """

    METAINFO: dict = {
        'classes': SEVEN_EXPRESSIONS,
        'paper': 'Goodfellow et al., "Challenges in representation learning: '
        'A report on three machine learning contests", ICONIP 2013',
    }
    NAMES = {
        '0': 'anger',
        '1': 'disgust',
        '2': 'fear',
        '3': 'happiness',
        '4': 'sadness',
        '5': 'surprise',
        '6': 'neutral',
    }
    PUBLISHED_COUNTS = {
        'train': dict(
            zip(
                NAMES.values(),
                (3995, 436, 4097, 7215, 4830, 3171, 4965),
                strict=True,
            )
        )
    }
    PUBLISHED_TOTALS = {'val': 3589, 'test': 3589}
    TEST_RULE = 'the official test split, PrivateTest'
    TRAIN_RULE = 'official training images'
    released_crop = '48 x 48 grey, as released'

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Write the images of a table, then list the class folders."""
        try:
            if is_main_process():
                self._write_folders()
        finally:
            # Also after an error: the other ranks then raise it below.
            barrier()
        return super().find_names()

    def published_total(self) -> int | None:
        """Return the published number of images of the official part."""
        total = super().published_total()
        if self.official_part == 'test' and not self.has_val_part:
            total = sum(self.PUBLISHED_TOTALS.values())
        return total

    def _write_folders(self) -> None:
        """Write the class folders of a table, each part at once."""
        table, root = find_pixels(self.root), self.root
        if table is None:
            return
        wanted = set(PARTS.values()).difference(split_folders(root))
        if not wanted:
            return
        if not isinstance(root.backend, LocalBackend):
            raise ValueError(
                f'{root.path!r} has no folders {sorted(wanted)}, and a '
                f'{type(root.backend).__name__} cannot write them from '
                f'{table}: read the data from a local disk once'
            )
        draft = Path(root.path) / f'.fer2013.writing-{os.getpid()}'
        written: Counter[str] = Counter()
        try:
            for index, row in enumerate(pixel_rows(root, table)):
                if row.emotion not in self.NAMES:
                    raise ValueError(
                        f'{row.where}: unknown emotion {quote(row.emotion)}; '
                        f'the emotions are {self.NAMES}'
                    )
                part, name = PARTS[row.usage], self.NAMES[row.emotion]
                # FER+'s names of the same images.
                path = draft / part / name / f'fer{index:07d}.png'
                if part in wanted:
                    write_png(path, row.image())
                    written[part] += 1
            for part in written:
                (draft / part).rename(Path(root.path) / part)
        except OSError as error:
            raise OSError(
                f'the images of {root.join(table)!r} cannot be written into '
                f'{root.path!r}: {error}; make the folder writable, with '
                '150 MB free, or copy the table to such a folder'
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        MMLogger.get_current_instance().info(
            f'wrote the images of {root.join(table)!r}: {dict(written)}'
        )
