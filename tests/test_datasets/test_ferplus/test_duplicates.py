import tarfile
from collections import Counter
from pathlib import PurePosixPath

import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.ferplus.labels import majority
from mpafer_plugin.datasets.ferplus.layouts import read_votes
from mpafer_plugin.datasets.verification.image_facts import (
    duplicate_groups,
    image_digest,
)
from tests.test_datasets.test_ferplus.test_ferplus import TAR, USAGES


def crossing(digests):
    """Count groups of equal images by the splits that they lie in."""
    splits = [
        ' '.join(sorted({path.parent.name[7:] for path in group}))
        for group in duplicate_groups(digests)
    ]
    return Counter(names for names in splits if ' ' in names)


def test_duplicates_cross_the_splits(tmp_path):
    """Groups of the same decoded pixels, of the real files."""
    if not TAR.is_file():
        pytest.skip(f'the real FER+ is not here: {TAR}')
    digests = []
    with tarfile.open(TAR) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if path.suffix == '.png':
                data = np.frombuffer(tar.extractfile(member).read(), np.uint8)
                image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
                digests.append((path, image_digest(image)))
            elif path.name == 'fer2013new.csv':
                votes = tar.extractfile(member).read()
                (tmp_path / path.name).write_bytes(votes)
    assert len(digests) == 28558 + 3579 + 3573
    assert crossing(digests) == {
        'Test Train': 261,
        'Train Valid': 252,
        'Test Valid': 26,
        'Test Train Valid': 17,
    }
    labels = {
        name: majority(row)
        for usage in USAGES.values()
        for _, name, row in read_votes(
            DataRoot(str(tmp_path)), 'fer2013new.csv', usage
        )
    }
    labelled = [(path, d) for path, d in digests if labels[path.name]]
    assert crossing(labelled) == {
        'Test Train': 235,
        'Train Valid': 227,
        'Test Valid': 25,
        'Test Train Valid': 15,
    }
