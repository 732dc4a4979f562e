import torch

from mpafer_plugin.apis.trained_setting import TrainedSetting
from mpafer_plugin.faces import FaceCrop

TIGHT, WIDE = FaceCrop(margin=0), FaceCrop(margin=0.3)


def choose(stated, *args):
    contract = stated and stated.to_dict()
    return TrainedSetting(torch.nn.Identity(), [], [], True, contract).crop(
        *args
    )


def test_the_training_says(log):
    assert choose(WIDE, 'yunet') == WIDE
    assert choose(WIDE, 'yunet', FaceCrop(margin=0.3)) == WIDE
    assert log.text == ''


def test_it_is_not_known(log):
    assert choose(None, 'yunet') == FaceCrop()
    for part in ('WARNING', 'is not known', 'margin 0.1', '--margin',
                 'face_crop=FaceCrop(margin=...)'):  # fmt: skip
        assert part in log.text


def test_the_caller_says(log):
    assert choose(None, 'yunet', TIGHT) == TIGHT
    assert log.text == ''
    assert choose(WIDE, 'yunet', TIGHT) == TIGHT
    assert f'by {TIGHT}, those of the training data were by {WIDE}' in log.text


def test_where_nothing_is_cut_out_nothing_is_said(log):
    choose(None, 'none')
    choose(WIDE, 'none', TIGHT)
    assert log.text == ''
