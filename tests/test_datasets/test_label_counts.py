import re

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmpretrain.datasets import BaseDataset
from torch.utils.data import Subset, TensorDataset

from mpafer_plugin.datasets.label_counts import count_labels, count_table


class Listed(BaseDataset):
    """Dataset of records that are given."""

    def __init__(self, records, classes=('calm', 'cross', 'glad')):
        self.records = records
        super().__init__('', metainfo=dict(classes=classes) if classes else {})

    def load_data_list(self):
        return [
            {'img_path': f'{i}.png'} | r for i, r in enumerate(self.records)
        ]


def labelled(*labels, **kwargs):
    return Listed([dict(gt_label=label) for label in labels], **kwargs)


DATASET = labelled(2, 0, 2, 1, 2)


@pytest.mark.parametrize(
    'dataset, labels',
    [
        (DATASET, [2, 0, 2, 1, 2]),
        (RepeatDataset(DATASET, 2), [2, 0, 2, 1, 2] * 2),
        (ConcatDataset([labelled(0, 1), DATASET]), [0, 1, 2, 0, 2, 1, 2]),
        (Subset(DATASET, [3, 1, 4]), [1, 0, 2]),
        (Subset(Subset(DATASET, [4, 3, 1, 0]), [3, 2, 1]), [2, 0, 1]),
    ],
    ids=['plain', 'repeated', 'joined', 'subset', 'nested'],
)
def test_labels_and_counts(dataset, labels):
    found = count_labels(dataset)
    assert found.classes == ('calm', 'cross', 'glad')
    assert found.labels.tolist() == labels
    assert found.counts.tolist() == [labels.count(c) for c in range(3)]


def test_soft_targets_without_a_label_count_for_the_largest():
    records = [
        dict(gt_score=[0.5, 0.3, 0.2]),
        dict(gt_score=[0.1, 0.7, 0.2], gt_label=2),  # the label decides
        dict(gt_score=[0.1, 0.7, 0.2]),
    ]
    assert count_labels(Listed(records)).labels.tolist() == [0, 2, 1]


def test_the_readers_of_faces(load_config):
    from mmpretrain.registry import DATASETS

    cfg = load_config('mpafer_ferplus.py').train_dataloader.dataset
    cfg.label_rule = 'distribution'
    dataset = DATASETS.build(cfg)
    found = count_labels(dataset)
    assert np.array_equal(found.labels, dataset.get_gt_labels())
    assert set(found.counts) == {4}


@pytest.mark.parametrize(
    'dataset, error, message',
    [
        (
            labelled(0, 0),
            ValueError,
            r"no training images of ['cross', 'glad']: classes",
        ),
        (
            labelled(0, 1, 3, 2),
            ValueError,
            "image 2, '2.png', has gt_label 3; it must be from 0 to 2",
        ),
        (
            labelled(0, 1, [0, 1]),
            ValueError,
            "image 2, '2.png', has gt_label [0, 1]; it must be",
        ),
        (Listed([{}]), ValueError, "'0.png', has gt_label None"),
        (
            labelled(0, classes=None),
            ValueError,
            "the metainfo of a Listed has no 'classes'",
        ),
        (
            Subset(TensorDataset(), [0]),
            TypeError,
            'of a Subset: it has no get_data_info',
        ),
    ],
    ids=['empty', 'range', 'multi', 'unlabelled', 'names', 'others'],
)
def test_errors(dataset, error, message):
    with pytest.raises(error, match=re.escape(message)):
        count_labels(dataset)


def test_table_of_very_many_classes():
    names = [f'class {i}' for i in range(31)]
    counts = {name: i for i, name in enumerate(names)}
    lines = count_table(names, dict(read=counts, split={})).splitlines()
    assert len(lines) == 33  # heads, classes, total
    assert lines[0].split() == ['read', 'split']
    assert lines[31].split() == ['class', '30', '30', '0']
    assert lines[32].split() == ['total', str(sum(range(31))), '0']
