import hashlib
import os
from pathlib import Path

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmpretrain.registry import TRANSFORMS

from mpafer_plugin.utils.atomic_write import atomic_write


@TRANSFORMS.register_module()
class LoadDecodedImage(LoadImageFromFile):
    """Load an image, and decode it only the first time (ours).

    The decoded pixels are kept in a folder, a file an image, which all
    workers, ranks and runs share: 3 H W bytes for an image of H x W pixels.
    A file is found by the image's path, size and time, so an image that
    changes is decoded again. Worth it where decoding is slow, for large
    images above all: docs/performance.md.

    Args:
        cache_dir (str): The folder; made if it is not there.
        **kwargs: See :class:`mmcv.transforms.LoadImageFromFile`.

    Raises:
        ValueError: If an image is not a local file.
    """

    def __init__(self, cache_dir: str, **kwargs):
        super().__init__(**kwargs)
        self.folder = Path(cache_dir)
        # All that decides what a file decodes to.
        self.rule = LoadImageFromFile.__repr__(self)

    def transform(self, results: dict) -> dict | None:
        """Set ``img``, ``img_shape`` and ``ori_shape``, as the host does."""
        path = self._path(results['img_path'])
        try:
            img = np.load(path)
        except FileNotFoundError:
            loaded = super().transform(results)
            if loaded is not None:
                self._save(path, loaded['img'])
            return loaded
        except (ValueError, EOFError) as error:
            raise ValueError(
                f'{path} is damaged ({error}): delete it, and '
                f'{results["img_path"]} is decoded again'
            ) from error
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def _path(self, img_path: str) -> Path:
        try:
            stat = os.stat(img_path)
        except FileNotFoundError as error:
            raise ValueError(
                f'{img_path!r} is not a local file: LoadDecodedImage knows by '
                'size and time that an image is the same; take '
                'LoadImageFromFile for other backends'
            ) from error
        state = f'{self.rule}\t{os.path.abspath(img_path)}\t{stat.st_size}'
        key = f'{state}\t{stat.st_mtime_ns}'.encode()
        digest = hashlib.blake2b(key, digest_size=16).hexdigest()
        # Folders of a few thousand files each, for 290,000 images.
        return self.folder / digest[:2] / f'{digest[2:]}.npy'

    def _save(self, path: Path, img: np.ndarray) -> None:
        # Another worker never reads half a file.
        with atomic_write(path) as part, part.open('wb') as file:
            np.save(file, img)

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, cache_dir={str(self.folder)!r})'
