import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmpretrain.datasets import KFoldDataset
from mmpretrain.registry import DATASETS
from torch.utils.data import Subset

from mpafer_plugin.datasets.wrappers import (
    inner_datasets,
    resolve_subset,
    without_augmentation,
)


@pytest.fixture
def dataset(load_config):
    cfg = load_config('mpafer_rafdb.py')
    return DATASETS.build(cfg.train_dataloader.dataset)


def names(dataset):
    return [type(t).__name__ for t in dataset.pipeline.transforms]


def test_datasets_inside_wrappers(dataset, load_config):
    both = ConcatDataset([dataset, dataset])
    assert inner_datasets(RepeatDataset(dataset, 3)) == [dataset]
    assert inner_datasets(dataset) == [dataset]
    assert inner_datasets(Subset(both, [0, 1])) == [dataset, dataset]
    assert inner_datasets([1]) == [[1]]
    config = load_config('mpafer_rafdb.py').train_dataloader.dataset
    fold = KFoldDataset(dict(config, lazy_init=True))
    assert inner_datasets(fold) == [fold.dataset]


def test_configs_inside_wrappers():
    one, two = dict(type='A', data_root='a'), dict(type='B', data_root='b')
    repeated = dict(type='RepeatDataset', times=2, dataset=one)
    assert inner_datasets(dict(datasets=[repeated, two])) == [one, two]
    assert inner_datasets(one) == [one]


def test_subset_of_a_subset():
    data = list('abcdef')
    subset = Subset(Subset(data, [5, 3, 1]), [2, 0])
    assert resolve_subset(subset) == (data, [1, 5])
    assert resolve_subset(data) == (data, range(6))


def test_plain_and_wrapped_datasets(dataset, load_config):
    cfg = load_config('mpafer_rafdb.py')
    plain = without_augmentation(dataset, cfg.test_pipeline)
    inner = without_augmentation(RepeatDataset(dataset, 3), cfg.test_pipeline)
    both = without_augmentation(
        ConcatDataset([dataset, dataset]), cfg.test_pipeline
    )
    assert len(plain) == len(inner) == len(dataset)
    assert len(both) == 2 * len(dataset)
    for part in (plain, inner, *both.datasets):
        assert names(part) == ['LoadImageFromFile', 'Resize', 'PackInputs']
    assert 'RandomErasing' in names(dataset)  # the original keeps its own


def test_other_wrappers_are_refused():
    with pytest.raises(TypeError, match='a list without augmentation'):
        without_augmentation([1], [])
