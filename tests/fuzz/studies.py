"""Study files, results of runs and of studies, relabelled configs."""

import json
import os
from pathlib import Path
from random import Random

import yaml
from mmengine.config import Config

from mpafer_plugin.cli.study.plan import read_study
from mpafer_plugin.cli.study.report import read_studies
from mpafer_plugin.cli.study.result import check_classes, read_result
from mpafer_plugin.cli.study.table import Row, csv_row, markdown
from mpafer_plugin.datasets.relabel_config import relabel_config

from .files import DAMAGED, json_file, to_json
from .harness import Finding, Target
from .mutators import mutate_bytes, mutate_tree

STUDY = dict(
    title='title',
    config='configs/mpafer_quickstart.py',
    environment=dict(A='1', B=2),
    amp='bf16',
    options={'train_cfg.max_epochs': 2, 'model.head.top_k': None},
    full={'train_cfg.max_epochs': 4},
    seeds=[0, 1],
    recipes={
        'mpafer': dict(options={'model.head.top_k': 8}),
        'coop': dict(
            config='configs/baselines/coop.py',
            search={'optim_wrapper.optimizer.lr': [0.1, 0.2]},
        ),
        'none': None,
    },
)
SCORES = dict(
    accuracy=50.0,
    uar=49.5,
    macro_f1=48,
    classes=['a', 'b'],
    confusion=[[3, 1], [2, 4]],
)
RESULT = dict(
    train_seconds=3.5,
    step_seconds=0.1,
    val_accuracy=60.0,
    last=SCORES,
    best=SCORES,
    learnable=1234,
    memory_mib=700.0,
)
ROWS = [
    dict(recipe='a', chosen={'a.lr': 0.1}, results=[RESULT, RESULT]),
    dict(recipe='b', chosen={}, results=[RESULT]),
]


def study(rng: Random, folder: Path) -> Path:
    """Write a study, in YAML or JSON, perhaps with a base."""
    path, damaged = folder / 'fuzzed.yaml', rng.random() < DAMAGED
    tree = STUDY if damaged else mutate_tree(STUDY, rng)
    # JSON is YAML, but for deep nesting and some numbers.
    text = to_json(tree)
    if rng.random() < 0.5:
        text = yaml.safe_dump(json.loads(to_json(STUDY)))
        damaged = True
    content = text.encode()
    path.write_bytes(mutate_bytes(content, rng) if damaged else content)
    if rng.random() < 0.3:
        inner = folder / 'fuzzed.yaml.base'
        path.rename(inner)
        bases = rng.choice(
            (inner.name, [inner.name], path.name, 3, ['fuzzed.yaml.no'])
        )
        path.write_text(yaml.safe_dump(dict(_base_=bases, title='other')))
    return path


def read(path: Path) -> None:
    """Read a study as the command does, up to the folders of its runs."""
    for full in (False, True):
        found = read_study(path, full)
    before = dict(os.environ)
    try:
        os.environ.update(found.environment)
    finally:
        os.environ.clear()
        os.environ.update(before)
    runs = path.with_name('runs')
    for recipe in found.recipes:
        recipe.trials(found.seeds[0])
        folder = (runs / recipe.name / 'digest_seed0').resolve()
        folder.mkdir(parents=True)
        if runs not in folder.parents or folder.parent == runs:
            raise Finding(f'{recipe.name!r} is in {folder}')


def read_run(path: Path) -> None:
    """Read a result and put it into tables."""
    found = read_result(path)
    _check_text(markdown('', [Row('a', {}, [found])]))
    csv_row(Row('a', {}, [found, RESULT]))
    check_classes({path: found, path.with_name('other'): RESULT})


def read_rows(path: Path) -> None:
    """Read a study's results, and put them into tables."""
    for rows in read_studies(path.parent).values():
        _check_text(markdown('', rows))
        list(map(csv_row, rows))


def _check_text(text: str) -> None:
    """Check the numbers of a table, not the values that were chosen."""
    numbers = '\n'.join(line.rsplit('|', 2)[0] for line in text.split('\n'))
    for word in ('nan', 'inf', 'True', 'None'):
        if f' {word} ' in numbers:
            raise Finding(text)


CONFIG = dict(
    relabel=dict(
        classes=['joy', 'fear'], merge=dict(joy=['happiness', 'surprise'])
    ),
    model=dict(head=dict(text=dict(classes=['happiness', 'fear']))),
)


def read_relabel(path: Path) -> None:
    """Read the relabelling of a config, as a value of Python."""
    try:
        relabel = json.loads(path.read_text())
    except (ValueError, RecursionError):
        return
    if not isinstance(relabel, dict) or [*relabel] != ['relabel']:
        return
    relabel_config(Config(CONFIG | relabel))


TARGETS = [
    Target('study', study, read),
    Target('result', json_file('result.json', RESULT), read_run),
    Target('runs', json_file('runs.json', ROWS), read_rows),
    Target(
        'relabel',
        json_file('relabel', dict(relabel=CONFIG['relabel'])),
        read_relabel,
        (ValueError,),
    ),
]
