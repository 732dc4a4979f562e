"""docs/evidence.md speaks of what is there."""

import re

import pytest
from mmengine.config import Config

from tests.conftest import CONFIGS, ROOT

TEXT = (ROOT / 'docs' / 'evidence.md').read_text()


def test_configs_that_it_names():
    named = set(re.findall(r'(?:baselines|ablations|studies)/\w+\.\w+', TEXT))
    assert len(named) > 8
    for path in named:
        assert (CONFIGS / path).is_file(), path


@pytest.mark.parametrize('name', ['ferplus', 'synthetic'])
def test_recipes_are_those_of_the_studies(name):
    recipes = Config.fromfile(CONFIGS / 'studies' / f'{name}.yaml').recipes
    rows = re.findall(r'^\| `([\w-]+)` \|', TEXT, re.MULTILINE)
    assert list(recipes) == rows


@pytest.mark.parametrize(
    'path', sorted((CONFIGS / 'studies').glob('*.yaml')), ids=lambda p: p.stem
)
def test_studies_are_of_configs_that_exist(path):
    study = Config.fromfile(path)
    configs = [r.config for r in study.recipes.values() if r]
    if not path.stem.startswith('_'):
        configs.append(study.config)
    for config in configs:
        assert (ROOT / config).is_file(), config
