import copy

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mpafer_plugin.clip import FrozenModule, fingerprint


class Frozen(FrozenModule):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.dropout = nn.Dropout()
        self.register_buffer('state', torch.ones(1))
        self.freeze()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = Frozen()
        self.prompt = nn.Parameter(torch.zeros(1))


def test_frozen_never_trains():
    model = Model().train()
    assert model.training and not model.tower.training
    assert not model.tower.dropout.training
    assert [n for n, p in model.named_parameters() if p.requires_grad] == [
        'prompt'
    ]


def test_frozen_is_not_saved_and_loading_is_strict():
    model = Model()
    assert list(model.state_dict()) == ['prompt']
    weight = model.tower.layer.weight.clone()
    model.load_state_dict({'prompt': torch.ones(1)})
    assert model.prompt.item() == 1
    torch.testing.assert_close(model.tower.layer.weight, weight)
    result = model.load_state_dict({}, strict=False)
    assert result.missing_keys == ['prompt']


def test_tensors_for_the_tower_are_unexpected_and_not_loaded():
    model = Model()
    weight = model.tower.layer.weight.clone()
    foreign = {
        'prompt': torch.ones(1),
        'tower.layer.weight': torch.zeros(2, 2),
    }
    result = model.load_state_dict(foreign, strict=False)
    assert result.unexpected_keys == ['tower.layer.weight']
    torch.testing.assert_close(model.tower.layer.weight, weight)


def test_strict_loading_by_mmengine():
    model = Model()
    load_state_dict(model, {'prompt': torch.ones(1)}, strict=True)
    assert model.prompt.item() == 1
    with pytest.raises(RuntimeError, match=r'unexpected key.*tower\.x'):
        load_state_dict(
            model,
            {'prompt': torch.ones(1), 'tower.x': torch.ones(1)},
            strict=True,
        )


def test_moves_with_the_model():
    model = Model().double()
    assert model.tower.layer.weight.dtype == torch.float64
    assert model.tower.state.dtype == torch.float64


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


def test_statistics_of_batch_norm_count():
    model = nn.BatchNorm2d(2)
    other = copy.deepcopy(model)
    assert fingerprint(model) == fingerprint(other)
    other.running_var[1] += 1e-6
    assert fingerprint(model) != fingerprint(other)


def test_dtype_does_not_count():
    model = nn.Linear(2, 2).half()
    assert fingerprint(model) == fingerprint(copy.deepcopy(model).float())


def test_cast_once_it_computes_in_its_dtype():
    model = Model()
    model.tower.register_parameter('scale', nn.Parameter(torch.tensor(1.1)))
    model.tower.cast(torch.bfloat16)
    tower = model.tower
    assert tower.dtype == tower.layer.weight.dtype == torch.bfloat16
    assert tower.state.dtype == torch.bfloat16
    assert tower.scale.dtype == model.prompt.dtype == torch.float32
    x = torch.ones(1, 2, dtype=torch.bfloat16)
    plain = tower.layer(x)
    with torch.autocast('cpu', torch.bfloat16), tower.own_precision():
        assert not torch.is_autocast_enabled('cpu')
        assert torch.equal(tower.layer(x), plain)
    assert list(model.state_dict()) == ['prompt']
    assert copy.deepcopy(tower).dtype == torch.bfloat16


@pytest.mark.parametrize('frozen, dtype', [(1, 'float32'), (0, 'bfloat16')])
def test_others_follow_autocast(frozen, dtype):
    tower = Model().tower.to(getattr(torch, dtype))
    tower.frozen = bool(frozen)
    with torch.autocast('cpu', torch.bfloat16), tower.own_precision():
        assert torch.is_autocast_enabled('cpu')
