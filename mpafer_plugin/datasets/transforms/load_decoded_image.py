import hashlib
import os
import warnings
from pathlib import Path

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmpretrain.registry import TRANSFORMS

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.tensor_files import reading


@TRANSFORMS.register_module()
class LoadDecodedImage(LoadImageFromFile):
    """Load an image from a cache of decoded images (ours).

    The cache is a folder with one file per image, 3 H W bytes for H x W
    pixels, which all workers, ranks and runs share. The key is the image's
    path, size and modification time, so a changed image is decoded again;
    so is, with a warning, one whose file in the cache is damaged. Useful if
    decoding is slow, above all for large images: see docs/performance.md.

    Args:
        cache_dir (str): The folder; created if it does not exist. One that
            cannot be written is a warning.
        **kwargs: See :class:`mmcv.transforms.LoadImageFromFile`.

    Raises:
        ValueError: If an image is not a local file.
    """

    def __init__(self, cache_dir: str, **kwargs):
        super().__init__(**kwargs)
        self.folder = Path(cache_dir)
        # All settings that affect decoding.
        self.rule = LoadImageFromFile.__repr__(self)

    def transform(self, results: dict) -> dict | None:
        """Set ``img``, ``img_shape`` and ``ori_shape``, as mmcv does."""
        path = self._path(results['img_path'])
        img = self._load(path)
        if img is None:
            loaded = super().transform(results)
            if loaded is not None:
                self._store(path, loaded['img'])
            return loaded
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def _load(self, path: Path) -> np.ndarray | None:
        try:
            with path.open('rb') as file, reading(path, 'a decoded image'):
                img = np.load(file)
                if img.dtype.kind not in 'uf' or img.ndim not in (2, 3):
                    raise ValueError(f'it has {img.dtype}{list(img.shape)}')
            return img
        except OSError:
            return None
        except ValueError as error:
            warnings.warn(f'decoded again: {error}', stacklevel=2)
            return None

    def _store(self, path: Path, img: np.ndarray) -> None:
        try:
            # Another worker must never read an incomplete file.
            with atomic_write(path) as part, part.open('wb') as file:
                np.save(file, img)
        except OSError as error:
            # Not the file's name: Python shows equal warnings once.
            warnings.warn(
                f'LoadDecodedImage: cache_dir={str(self.folder)!r} cannot be '
                f'written ({error.strerror}): images are decoded each time',
                stacklevel=2,
            )

    def _path(self, img_path: str) -> Path:
        """Return the image's file in the cache."""
        try:
            stat = os.stat(img_path)
        except FileNotFoundError as error:
            raise ValueError(
                f'{img_path!r} is not a local file: LoadDecodedImage needs '
                'its size and modification time; use LoadImageFromFile for '
                'other backends'
            ) from error
        state = f'{self.rule}\t{os.path.abspath(img_path)}\t{stat.st_size}'
        key = f'{state}\t{stat.st_mtime_ns}'.encode(errors='surrogatepass')
        digest = hashlib.blake2b(key, digest_size=16).hexdigest()
        # About a thousand files per folder for 290,000 images.
        return self.folder / digest[:2] / f'{digest[2:]}.npy'

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, cache_dir={str(self.folder)!r})'
