import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import cv2
from mmengine.logging import MMLogger
from mmpretrain.registry import DATASETS

from mpafer_plugin.faces.image_io import image_format
from mpafer_plugin.utils.image_files import is_image
from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..categories import canonical_name
from .custom_fer_dataset import CustomFERDataset
from .split_folders import split_folders

_LAYOUTS = """the layouts are
  with split folders: train/<class>/1.jpg, test/<class>/2.jpg and, if you
    have one, val/<class>/3.jpg (or valid/, validation/)
  without: <class>/1.jpg"""


@DATASETS.register_module()
class FERFolder(CustomFERDataset):
    """A user's own images in one folder per class, with any class names.

    Two layouts are recognised. With split folders, named in any case, where
    ``val`` may also be ``valid`` or ``validation``: ::

        data_root
        ├── train
        │   ├── Happy
        │   │   ├── 1.jpg
        │   │   ├── person2           # subfolders are read too
        │   │   │   └── 1.PNG
        │   │   └── ...
        │   └── bored                 # any other class
        │       └── ...
        ├── val                       # optional; else held out of train
        │   └── ...
        └── test                      # optional, for split='test'
            └── ...

    And without, where all images are training images: ::

        data_root
        ├── Happy
        │   └── ...
        └── bored
            └── ...

    Images are recognised by their extension, one of :data:`IMG_EXTENSIONS`
    in any case, or else by their content. A warning counts, by class, the
    files that are left out; names that start with a dot and folders such as
    ``__MACOSX`` and ``@eaDir`` are ignored.

    Args:
        data_root (str): The folder ``data_root`` above.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        classes (str | Sequence[str], optional): The classes in label order,
            or a text file of them. Known expressions are matched by alias,
            so 'Happy' is 'happiness'; other names must be the same. Defaults
            to None, which means those of all split folders: known
            expressions in canonical order, then the others sorted.
        val_fraction (float): Share of the training images that is held out
            as 'val' if there is no ``val`` folder, in [0, 1). 0 trains on
            all of them. Defaults to 0.1.
        val_seed (int): Seed of the held-out share. Defaults to 0.
        group (str, optional): A regular expression, searched in the paths
            below the class folders; what it matches, or its last group
            matches, names a person. Of a person's images all or none are
            held out: ``'(.+?)/'`` if the folders in the class folders are
            persons, ``'^S[0-9]+'`` for ``S005_001.png``. Defaults to None.
        names (Mapping[str, str], optional): Class of each label as written,
            such as ``{'0': 'neutral', '1': 'happiness'}`` for numbered
            folders. A label that is neither here nor one of these classes is
            an error. Defaults to None.
        **kwargs: See :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument is wrong, a folder is not a class, or two
            folders are the same one.
        FileNotFoundError: If there are no class folders, or none for the
            split.

    Examples:
        >>> from mpafer_plugin.datasets import FERFolder
        >>> FERFolder('data/mine', split='test')  # 30 test images
        Dataset FERFolder
            Number of samples:  30
            Number of categories:       2
            Root of dataset:    data/mine
            Split:      test, the test images
            Label rule:         by the name of the class folder; passed ...
            Crop:       as released
        >>> FERFolder('data/mine').metainfo['classes']
        ('happiness', 'bored')
        >>> # 200 images in train, no val folder
        >>> len(FERFolder('data/mine')), len(FERFolder('data/mine', 'val'))
        (180, 20)
    """

    labelling = 'by the name of the class folder'

    likely_group = '(.+?)/'

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Detect the layout and list the class folders of each part."""
        try:
            self._group = re.compile(self.group or self.likely_group)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(
                f'group={quote(self.group)} is no regular expression: '
                f'{quote(str(error))[1:-1]}'
            ) from error
        self._folders = split_folders(self.root) or {'train': ''}
        self._classes = {
            part: self._class_folders(folder)
            for part, folder in self._folders.items()
        }
        names = {
            part: {
                label: self.root.join(posixpath.join(self._folders[part], f))
                for f, label in folders.items()
            }
            for part, folders in self._classes.items()
        }
        if not any(names.values()):
            found = '; '.join(map(self.root.describe, self._folders.values()))
            raise FileNotFoundError(
                f'no class folders in {self.root.path!r}: {found}; {_LAYOUTS}'
            )
        return names

    def read_part(self, part: str) -> list[Sample]:
        """List the images in the class folders of one part."""
        top = self._folders[part]
        folders = {
            posixpath.join(top, folder): name
            for folder, name in self._classes[part].items()
        }
        samples = []
        left_out = defaultdict(list)
        for folder, name in folders.items():
            where = self.names[part][name]
            for path, kind in self._files(folder):
                if kind == 'other' or not self._is_image(path):
                    what = f'files of {name!r} that OpenCV does not decode'
                    left_out[what].append(path)
                    continue
                # Independent of the name of the split folder.
                inner = path.removeprefix(f'{folder}/')
                key = f'{canonical_name(name)}/{inner}'
                match = self._group.search(inner)
                group = match[match.lastindex or 0] if match else ''
                if not group and self.group is not None and part == 'train':
                    raise ValueError(
                        f'{self.root.join(path)!r}: group={self.group!r} '
                        f'matches nothing in {inner!r}'
                    )
                samples.append(Sample(path, name, where, 0, key, group=group))
        entries = {
            posixpath.join(folder, name)
            for folder in ('', top)
            for name in self.root.scan(folder)
        }
        outside = sorted(entries - {*folders, *self._folders.values()})
        for path in filter(is_image, outside):
            left_out['images in no class folder'].append(path)
        counts = ', '.join(
            f'{len(paths)} {what}, such as {paths[0]!r}'
            for what, paths in left_out.items()
        )
        if left_out:
            MMLogger.get_current_instance().warning(
                f'{type(self).__name__} {self.split!r} in {self.root.path!r}: '
                f'left out: {counts}'
            )
        self.labelling = (
            f'{type(self).labelling}; left out: {counts or "no file"}; '
            f'{len(outside)} files and folders outside the class folders'
            + (f' such as {outside[0]!r}' if outside else '')
        )
        return samples

    def how_to_add(self, part: str) -> str:
        """Advise on where to put images of a part."""
        advice = f'put them in {part}/<class>/'
        if '' in self._folders.values():
            advice += ', and the present ones in train/<class>/'
        return advice

    def _class_folders(self, folder: str) -> dict[str, str]:
        """List the class folders in a folder, with the class of each."""
        found: dict[str, str] = {}
        same: dict[str, str] = {}
        for name in self.root.folders(folder):
            path = posixpath.join(folder, name)
            if name != name.encode(errors='ignore').decode():
                raise ValueError(
                    f'{self.root.join(path)!r}: the name of a class folder '
                    'has to be UTF-8; rename it'
                )
            label = self.rename(name, f'the class folder {path!r}')
            other = same.setdefault(canonical_name(label), name)
            if other != name:
                raise ValueError(
                    f'{self.root.join(folder)!r}: the folders {other!r} and '
                    f'{name!r} mean the same class {canonical_name(label)!r}; '
                    'move their images into one'
                )
            found[name] = label
        return found

    def _files(
        self, folder: str, above: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, str]]:
        """List all files in a folder and its subfolders, with their kinds."""
        real = os.path.realpath(self.root.join(folder))
        if real in above:
            raise ValueError(
                f'{self.root.join(folder)}: the link leads back to {real!r}, '
                'which contains it'
            )
        for name, kind in self.root.scan(folder).items():
            path = posixpath.join(folder, name)
            if kind == 'folder':
                yield from self._files(path, (*above, real))
            else:
                yield path, kind

    def _is_image(self, path: str) -> bool:
        """Return whether a file is an image, by its name or its content."""
        if is_image(path):
            return True
        with self.root.backend.get_local_path(self.root.join(path)) as file:
            kind = image_format(file)
        if kind in ('AVIF', 'GIF', 'HEIF'):  # only some OpenCV decode these
            return cv2.haveImageWriter(f'a.{kind.lower()}')
        return kind is not None
