"""docs/evidence.md speaks of what is there."""

import csv
import re

import pytest
from mmengine.config import Config

from mpafer_plugin.cli.study.plan import read_study
from tests.conftest import CONFIGS, ROOT

TEXT = (ROOT / 'docs' / 'evidence.md').read_text()
TABLES = {
    'ferplus': 'ferplus_face-mini',
    'ferplus_vit-tiny': 'ferplus_vit-tiny',
    'synthetic': 'synthetic_face-tiny',
}
COLUMNS = (
    'recipe,accuracy_mean,accuracy_std,uar_mean,uar_std,macro_f1_mean,seeds,'
    'learnable,step_seconds'
)


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


@pytest.mark.parametrize('study', TABLES)
def test_tables_are_those_of_the_studies(study):
    with (ROOT / 'docs' / 'evidence' / f'{TABLES[study]}.csv').open() as file:
        assert file.readline().strip() == COLUMNS
        rows = list(csv.reader(file))
    settings = read_study(CONFIGS / 'studies' / f'{study}.yaml', full=False)
    assert [row[0] for row in rows] == [r.name for r in settings.recipes]
    part = TEXT[TEXT.index(f'### {settings.title}') :].partition('\n## ')[0]
    for recipe, *numbers, seeds, learnable, seconds in rows:
        accuracy, accuracy_std, uar, uar_std, _ = numbers
        assert (
            f'| {recipe} | {accuracy} ± {accuracy_std} | {uar} ± {uar_std} |'
        ) in part
        assert int(seeds) == len(settings.seeds) == 3
        assert f'| {int(learnable):,} |' in part
        assert (seconds == '') == (learnable == '0')
        assert 0 < float(uar) < 100 > float(accuracy) > 0
