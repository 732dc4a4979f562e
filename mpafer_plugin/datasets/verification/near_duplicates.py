from collections.abc import Sequence
from multiprocessing.pool import ThreadPool

import cv2
import numpy as np
from rich.progress import track

from ..annotations import Sample
from ..data_root import DataRoot
from .image_facts import duplicate_groups

_THREADS = 8  # decoding and network disks release the interpreter lock


def difference_hash(image: np.ndarray) -> str:
    """Hash a grey image (H, W) by how its brightness rises and falls.

    The 64 bits of dHash (N. Krawetz, 2013): which of two neighbours of an
    image of 9 x 8 pixels is brighter. Contrast, size and slight compression
    do not change it.

    Returns:
        str: 16 hexadecimal digits.
    """
    small = cv2.resize(image, (9, 8), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def near_duplicates(
    root: DataRoot, samples: Sequence[Sample]
) -> list[list[int]]:
    """Group images that look alike, by the same :func:`difference_hash`.

    Few of these groups are of different images, but images that were cropped
    or compressed in another way may not be found.

    Args:
        root (DataRoot): The folder of the images.
        samples (Sequence[Sample]): Samples. Those that cannot be decoded are
            in no group.

    Returns:
        list[list[int]]: Indices of two or more samples.
    """

    def read(sample: Sample) -> str | None:
        data = np.frombuffer(root.read(sample.path), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if len(data) else None
        return None if image is None else difference_hash(image)

    with ThreadPool(_THREADS) as pool:
        found = pool.imap(read, samples, chunksize=16)
        hashes = list(track(found, 'near-duplicates', len(samples)))
    return duplicate_groups(
        (i, value) for i, value in enumerate(hashes) if value is not None
    )
