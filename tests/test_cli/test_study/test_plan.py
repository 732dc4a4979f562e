import argparse
from pathlib import Path

import pytest
import yaml

from mpafer_plugin.cli.study import plan
from mpafer_plugin.cli.study.scheduler import Scheduler, add_jobs_argument
from tests.conftest import CONFIGS
from tests.test_cli.test_study.test_command import STUDY


def test_other_weights_are_another_run(
    tiny_arch, data_root, tmp_path, monkeypatch
):
    (tmp_path / 'three.yaml').write_text(STUDY)
    weights = tmp_path / 'weights.pt'
    weights.write_bytes(b'one')
    for name, value in dict(
        ARCH=tiny_arch, CLIP=weights, DATA=data_root
    ).items():
        monkeypatch.setenv(f'MPAFER_{name}', str(value))
    monkeypatch.setenv('MPAFER_ON', 'mpafer_rafdb')
    (*_, recipe) = plan.read_study(tmp_path / 'three.yaml', full=False).recipes
    name = recipe.run(0).name
    assert recipe.run(0).name == name
    assert recipe.run(1).name != name
    other = tmp_path / 'other.pt'
    other.write_bytes(b'two')
    weights.rename(tmp_path / 'same.pt')
    other.rename(weights)
    plan._digest.cache_clear()  # as in a new process
    second = recipe.run(0).name
    assert second != name
    monkeypatch.setenv('MPAFER_DATA', 'elsewhere')
    third = recipe.run(0).name
    assert third not in (name, second)
    arch = tmp_path / 'arch.json'
    arch.write_text(Path(tiny_arch).read_text() + '\n')
    monkeypatch.setenv('MPAFER_ARCH', str(arch))
    fourth = recipe.run(0).name
    arch.write_text(Path(tiny_arch).read_text() + '\n\n')
    plan._digest.cache_clear()
    assert len({name, second, third, fourth, recipe.run(0).name}) == 5
    assert fourth.split('/')[0] == 'mpafer'


@pytest.mark.parametrize(
    'text',
    [
        'title: !!python/object/apply:os.mkdir [ran]',
        'custom_imports: {imports: [hostile]}',
        '_base_: hostile.py',
        'title: [a',
        'title',
        '_base_: absent.yaml',
    ],
)
def test_reading_runs_nothing(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'hostile.py').write_text('import os\nos.mkdir("ran")\n')
    (tmp_path / 'study.yaml').write_text(text)
    names = r'study\.yaml|hostile\.py|absent\.yaml'
    with pytest.raises(ValueError, match=names):
        plan.read_study(Path('study.yaml'), full=False)
    assert {p.name for p in tmp_path.iterdir()} == {'hostile.py', 'study.yaml'}


def test_bases(tmp_path):
    path = tmp_path / 'study.yaml'
    path.write_text(
        '_base_: [mpafer_plugin::studies/ferplus.yaml]\n'
        'options: {train_cfg.max_epochs: 1}\n'
        'recipes: {_delete_: true, mpafer: {}}\n'
    )
    study = plan.read_study(path, full=False)
    (recipe,) = study.recipes
    assert study.title == 'FER+ with face-mini'
    assert recipe.options['train_cfg.max_epochs'] == 1
    assert recipe.options['train_cfg.val_interval'] == 2


SHIPPED = [
    path
    for path in (CONFIGS / 'studies').glob('*.yaml')
    if not path.name.startswith('_')
]


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped(path):  # reading checks that their configs exist
    study = plan.read_study(path, full=False)
    assert ('ViT-Ti' in study.title) == ('vit-tiny' in path.stem)
    named = [*study.environment.values()]
    for recipe in study.recipes:
        named += [v for k, v in recipe.options.items() if 'leave_out' in k]
    towers = {str(Path(v).parent) for v in named if v.startswith('work_dirs')}
    assert len(towers) == ('ferplus' in path.stem)


def test_every_rate_is_searched():
    path = CONFIGS / 'studies' / 'ferplus_vit-tiny.yaml'
    rate = 'optim_wrapper.optimizer.lr'
    for recipe in plan.read_study(path, full=False).recipes:
        if recipe.name in ('mpafer-contrastive', 'mpafer-no-visual'):
            assert rate in recipe.options  # as selected for mpafer
        elif recipe.name == 'zero-shot':
            assert list(recipe.search) == ['model.head.text.granularity']
        else:
            assert list(recipe.search) == [rate]


def test_gpus_are_those_given(tmp_path, monkeypatch):
    def gpus(jobs):
        queue = Scheduler(tmp_path, jobs).gpus
        return [queue.get_nowait() for _ in range(jobs)]

    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3,GPU-5e')
    assert gpus(3) == ['3', 'GPU-5e', '3']
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES')
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    assert gpus(3) == ['0', '1', '0']
    monkeypatch.setattr('torch.cuda.device_count', lambda: 0)
    assert gpus(1) == ['']


@pytest.mark.parametrize('value', ['0', '-1', 'two', '1.5'])
def test_wrong_jobs(value, capsys):
    parser = argparse.ArgumentParser()
    add_jobs_argument(parser)
    assert parser.parse_args([]).jobs is None
    assert parser.parse_args(['--jobs', '3']).jobs == 3
    with pytest.raises(SystemExit):
        parser.parse_args([f'--jobs={value}'])
    assert value in capsys.readouterr().err


def test_full_size(tmp_path, monkeypatch):
    (tmp_path / 'three.yaml').write_text(STUDY)
    small = plan.read_study(tmp_path / 'three.yaml', full=False)
    whole = plan.read_study(tmp_path / 'three.yaml', full=True)
    assert whole.title == 'three recipes, full size'
    taken_back = small.recipes[-1].options.keys() - whole.recipes[-1].options
    assert taken_back == {
        'train_dataloader.dataset.subset.per_class',
        'train_dataloader.dataset.subset.seed',
    }


def test_mixed_precision_is_another_run(tmp_path):
    content = (
        'title: t\nconfig: configs/mpafer_rafdb.py\nseeds: [0]\n'
        'recipes: {full: {}}\n'
    )
    path = tmp_path / 's.yaml'
    names = []
    for line in ('', 'amp: bf16\n', 'amp: auto\n'):
        path.write_text(content + line)
        run = plan.read_study(path, full=False).recipes[0].run(0)
        assert run.amp == (line.strip()[5:] or None)
        names.append(run.name)
    assert len(set(names)) == 3
    path.write_text(content + 'amp: half\n')
    with pytest.raises(ValueError, match="amp='half' is not one of"):
        plan.read_study(path, full=False)


GOOD = dict(
    title='t', config='configs/mpafer_rafdb.py', seeds=[0], recipes={'a': {}}
)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(title=3), 'title=3 is not a text'),
        (dict(config=['a']), r"config=\['a'\] is not a text"),
        (dict(config='x' * 5000), "no config 'xxx"),
        (dict(seeds=3), 'seeds=3 is not a list'),
        (dict(seeds=[True]), r'seeds=\[True\] is not'),
        (dict(seeds=[-1]), r'seeds=\[-1\] is not'),
        (dict(seeds=[1, 1]), r'seeds=\[1, 1\] has duplicates'),
        (dict(amp=['bf16']), r"amp=\['bf16'\] is not one of"),
        (dict(options=[1]), r'options=\[1\] is not a mapping'),
        (dict(options={1: 2}), r'options=\{1: 2\} is not a mapping'),
        (dict(environment={'A': [1]}), r'A=\[1\] is not an env'),
        (dict(environment={'A=B': 1}), 'A=B=1 is not an env'),
        ({1: 2, 'b': 3}, r"\[1, 'b'\] is not among"),
        (dict(recipes=['a']), r"recipes=\['a'\] is not a mapping"),
        (dict(recipes={1: {}}), 'is not a mapping'),
        (dict(recipes={'a': 3}), "'a': 3 is no mapping"),
        (dict(recipes={'../a': {}}), r"'\.\./a': the name"),
        (dict(recipes={'x' * 201: {}}), "'xxx.*: the name"),
        (dict(recipes={'a': {'options': 'b'}}), "'a': options='b' is not"),
        (dict(recipes={'a': {'search': {'lr': 'b'}}}), "'a': lr='b' is not"),
        (dict(recipes={'a': {'search': {'lr': []}}}), r"'a': lr=\[\] is not"),
    ],
)
def test_wrong_types(tmp_path, change, message):
    path = tmp_path / 's.yaml'
    path.write_text(yaml.safe_dump(GOOD | change))
    with pytest.raises(ValueError, match=rf's\.yaml: .*{message}'):
        plan.read_study(path, full=False)


def test_an_absent_value_is_none(tmp_path):
    path = tmp_path / 's.yaml'
    path.write_text(yaml.safe_dump(GOOD | dict(options=None, amp=None)))
    assert plan.read_study(path, full=False).recipes[0].options == {}


def test_options_that_do_not_fit(tmp_path):
    path = tmp_path / 's.yaml'
    options = {'train_cfg.max_epochs.a': 1}
    path.write_text(yaml.safe_dump(GOOD | dict(options=options)))
    (recipe,) = plan.read_study(path, full=False).recipes
    with pytest.raises(ValueError, match=r"'a': .*max_epochs\.a.* do not fit"):
        _ = recipe.run(0).name
