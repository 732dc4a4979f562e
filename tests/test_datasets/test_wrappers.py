import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets.wrappers import without_augmentation


def names(dataset):
    return [type(t).__name__ for t in dataset.pipeline.transforms]


def test_plain_and_wrapped_data_sets(load_config):
    cfg = load_config('mpafer_rafdb.py')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
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
    with pytest.raises(TypeError, match='a list cannot be read without'):
        without_augmentation([1], [])
