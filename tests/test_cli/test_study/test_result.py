import json
import math
from pathlib import Path

import pytest

from mpafer_plugin.cli.study.report import read_studies
from mpafer_plugin.cli.study.result import check_classes, read_result
from mpafer_plugin.cli.study.scheduler import Scheduler

SCORES = dict(
    accuracy=50.0,
    uar=49,
    macro_f1=0.0,
    classes=['a', 'b'],
    confusion=[[3, 1], [0, 4]],
)
RESULT = dict(
    best=SCORES, last=SCORES, val_accuracy=60.0, learnable=9, step_seconds=0.1
)


def changed(place, value):
    """Change a value of RESULT, given its keys; None removes it."""
    result = json.loads(json.dumps(RESULT))
    holder, *inner, key = [result, *place.split('.')]
    for name in inner:
        holder = holder[name]
    holder[key] = value
    if value is None:
        del holder[key]
    return result


WRONG = [
    ('best.accuracy', math.nan, r'best\.accuracy=nan'),
    ('best.uar', True, r'best\.uar=True'),
    ('last.uar', '49', r"last\.uar='49'"),
    ('last.macro_f1', 100.1, r'last\.macro_f1=100\.1 .* 0 to 100'),
    ('last.accuracy', None, r'last\.accuracy=None'),
    ('best', [1], r'best=\[1\] is no object'),
    ('val_accuracy', 10**400, 'val_accuracy=an integer of 1329 bits'),
    ('learnable', 1.5, r'learnable=1\.5'),
    ('learnable', -1, r'learnable=-1'),
    ('step_seconds', math.inf, 'step_seconds=inf'),
    ('best.confusion', [[3, 1]], r'best\.confusion=\[\[3, 1\]\] is no square'),
    (
        'best.confusion',
        [[3, 1], [0, -4]],
        r'best\.confusion=.* is no square of counts',
    ),
    ('best.classes', ['a'], r"best\.confusion=.* classes \['a'\]"),
]


@pytest.mark.parametrize('place, value, message', WRONG)
def test_wrong_values(tmp_path, place, value, message):
    path = tmp_path / 'result.json'
    path.write_text(json.dumps(changed(place, value)))
    with pytest.raises(ValueError, match=rf'result\.json: {message}.*delete'):
        read_result(path)


def test_a_scheduler_names_a_damaged_result(tmp_path):
    class Run:
        name = 'mpafer/0_seed0'

    scheduler = Scheduler(tmp_path, 1)
    path = scheduler.result_file(Run)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(RESULT))
    assert scheduler.start(Run).result() == RESULT
    path.write_text('{')
    with pytest.raises(ValueError, match=r'0_seed0.result\.json:1: not valid'):
        scheduler.start(Run).result()
    scheduler.pool.shutdown()


def test_folds_have_the_same_classes():
    files = {Path('a'): RESULT, Path('b'): RESULT}
    check_classes(files)
    for value in (None, ['b', 'a']):
        files[Path('b')] = changed('best.classes', value)
        with pytest.raises(ValueError, match=r"^b has .*\['a', 'b'\]; delete"):
            check_classes(files)


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ({}, r'\{\} is no list'),
        ([[1]], r'\[1\] has not the keys'),
        ([dict(recipe='a', chosen={})], 'has not the keys'),
        ([dict(recipe=3, chosen={}, results=[RESULT])], 'recipe=3'),
        ([dict(recipe='a', chosen=[1], results=[RESULT])], r'chosen=\[1\]'),
        ([dict(recipe='a', chosen={}, results=[])], r'results=\[\]'),
        (
            [
                dict(
                    recipe='a',
                    chosen={},
                    results=[RESULT, changed('learnable', True)],
                )
            ],
            "result 1 of 'a': learnable=True",
        ),
    ],
)
def test_studies_of_wrong_types(tmp_path, rows, message):
    (tmp_path / 'runs.json').write_text(json.dumps(rows))
    with pytest.raises(ValueError, match=rf'runs\.json is not .*{message}'):
        read_studies(tmp_path)


def test_a_title_that_is_not_utf8(tmp_path):
    row = dict(recipe='a', chosen={}, results=[RESULT])
    (tmp_path / 'runs.json').write_text(json.dumps([row]))
    (tmp_path / 'table.md').write_bytes(b'### \xe4\n')
    (title,) = read_studies(tmp_path)
    assert title == f'\ufffd ({tmp_path.name})'
