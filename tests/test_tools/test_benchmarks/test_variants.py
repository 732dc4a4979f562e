import copy

import pytest
import torch

from tools.benchmarks.variants import VARIANTS, Setting


@pytest.mark.filterwarnings('ignore:CLIP')  # random weights
def test_towers_are_cast_once_or_left_to_autocast(tiny_arch):
    setting = Setting(tiny_arch, 2, 'cpu', torch.bfloat16)
    assert setting.model().backbone.tower.dtype == torch.bfloat16
    setting.cast = False
    assert setting.model().backbone.tower.dtype == torch.float32
    setting = Setting(tiny_arch, 2, 'cpu', torch.float32)
    before = copy.copy(vars(setting))
    for name in 'isu':
        VARIANTS[name](setting)()
    assert vars(setting) == before
