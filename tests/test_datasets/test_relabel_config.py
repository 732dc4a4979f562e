import pytest
from mmengine.config import Config
from mmpretrain.registry import DATASETS, MODELS

from mpafer_plugin.datasets.relabel_config import relabel_config

MERGE = {'low': ['sadness', 'fear', 'disgust', 'anger'], 'joy': ['happiness']}
CLASSES = ['neutral', 'joy', 'low', 'surprise']


def test_data_and_text_by_one_line(load_config):
    cfg = load_config('mpafer_rafdb.py', relabel=dict(merge=MERGE))
    for _ in range(2):  # as of a config that a run has written
        relabel_config(cfg)
        for split in ('train', 'val', 'test'):
            dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
            assert dataset.metainfo['classes'] == tuple(CLASSES)
        text = MODELS.build(cfg.model.head.text)
        assert text.classes == tuple(CLASSES)
    # the descriptions of all that are merged
    assert list(map(len, text.hard_texts)) == [1, 1, 4, 1]
    assert 'facial expression of low, with' in text.hard_texts[2][0]
    assert 'expression of joy, with' in text.hard_texts[1][0]


def test_a_subset_in_another_order(load_config):
    five = ['anger', 'happy', 'sadness', 'fear', 'neutral']
    cfg = load_config('mpafer_rafdb.py', relabel=dict(classes=five))
    relabel_config(cfg)
    assert len(DATASETS.build(cfg.test_dataloader.dataset)) == 20
    assert cfg.model.head.text.classes == five


def test_a_head_without_names(load_config):
    cfg = load_config('baselines/linear_probe.py', relabel=dict(merge=MERGE))
    relabel_config(cfg)
    assert cfg.model.head.num_classes == 4
    cfg.classes = None
    with pytest.raises(ValueError, match=r'relabel\.classes'):
        relabel_config(cfg)


def test_what_cannot_be(load_config):
    cfg = load_config('mpafer_rafdb.py', relabel=dict(merged=MERGE))
    with pytest.raises(ValueError, match=r"'merged'.*'classes', 'merge'"):
        relabel_config(cfg)
    cfg = load_config('mpafer_rafdb.py', relabel=dict(merge=MERGE))
    cfg.test_dataloader.dataset.type = 'CustomDataset'
    with pytest.raises(ValueError, match='CustomDataset of test_dataloader'):
        relabel_config(cfg)


@pytest.mark.parametrize(
    ('relabel', 'message'),
    [
        ('fear', "relabel is 'fear'; it takes"),
        (dict(classes='fear'), "classes='fear' is no list"),
        (dict(classes=[1]), r'classes=\[1\] is no list'),
        (dict(merge=['fear']), r"merge=\['fear'\] is no mapping"),
        (dict(merge=dict(low=[])), "relabel: merge: 'low' has no classes"),
        (dict(merge=dict(low=[1])), r'merge=.* is no mapping'),
    ],
)
def test_wrong_types(relabel, message):
    with pytest.raises(ValueError, match=message):
        relabel_config(Config(dict(relabel=relabel)))
