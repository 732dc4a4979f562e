import pytest
from mmpretrain.registry import MODELS

from mpafer_plugin.report.header import config_values, recipe_of


def test_a_config_is_read_as_data(load_config):
    cfg = load_config('mpafer_rafdb.py')
    found = config_values(cfg.pretty_text)
    assert found['optim_wrapper'] == cfg.optim_wrapper
    assert found['model'] == cfg.model
    assert recipe_of(MODELS.build(cfg.model), found) == {
        'visual prompts': '8 x 2 layers',
        'top_k': 16,
        'local_weight': 1.0,
        'proto_weight': 0.0,
        'logit scale': pytest.approx(2.718**2, abs=0.01),
        'context vectors': 10,
        'alignment losses': 'token, prompt, proto',
        'optimizer type': 'SGD',
        'optimizer lr': cfg.optim_wrapper.optimizer.lr,
        'optimizer weight_decay': cfg.optim_wrapper.optimizer.weight_decay,
        'max_epochs': 1,
        'batch size': 8,
    }


@pytest.mark.parametrize(
    'text',
    [
        None,
        "a = __import__('os').mkdir('no')",
        "a = dict(**print('no'))",
        'import os',
        '(' * 999,
        'a',
        'a = b.c()',
        "a = 'x' * 3",
        'a.b = 1',
    ],
)
def test_nothing_of_a_config_is_executed(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert config_values(text) == {}
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().out


def test_a_config_of_other_values(load_config):
    model = MODELS.build(load_config('mpafer_rafdb.py').model)
    strange = dict(model=5, optim_wrapper=[], train_cfg=None)
    assert 'batch size' not in recipe_of(model, strange)
