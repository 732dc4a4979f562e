import copy

import torch
from torch import nn

from mpafer_plugin.clip import fingerprint


def test_values_names_and_layers_count():
    model = nn.Sequential(nn.Linear(2, 2), nn.GELU())
    same = copy.deepcopy(model)
    assert fingerprint(model) == fingerprint(same)
    assert len(fingerprint(model)) == 64
    with torch.no_grad():
        same[0].bias[0] += 1e-6
    assert fingerprint(model) != fingerprint(same)
    renamed = nn.Sequential()
    renamed.add_module('a', model[0])
    renamed.add_module('1', model[1])
    assert fingerprint(model) != fingerprint(renamed)
    other = nn.Sequential(model[0], nn.ReLU())
    assert fingerprint(model) != fingerprint(other)


def test_dtype_does_not_count():
    model = nn.Linear(2, 2).half()
    assert fingerprint(model) == fingerprint(copy.deepcopy(model).float())
