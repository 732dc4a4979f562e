import os
import resource
import time

import pytest

from .files import json_file
from .harness import (
    MEMORY,
    SECONDS,
    Finding,
    Target,
    Worker,
    describe,
    run_case,
    run_target,
)


def write(rng, folder):
    return json_file('x.json', [1, 'a'])(rng, folder)


def leave(path):
    used = time.process_time()
    limit, _ = resource.getrlimit(resource.RLIMIT_CPU)
    if not SECONDS < limit - used <= SECONDS + 1:
        raise Finding(f'{limit} s, of which {used} are used')


TARGETS = {
    target.name: target
    for target in (
        Target('dies', write, lambda path: os.abort()),
        Target('takes', write, lambda path: bytearray(2 * MEMORY)),
        Target('limited', write, leave),
    )
}


@pytest.fixture(scope='module')
def worker():
    worker = Worker(__name__)
    yield worker
    worker.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, text', [('dies', '6, SIGABRT'), ('takes', '2 GB: MemoryError')]
)
def test_what_ends_a_process_is_a_finding(worker, name, text):
    counts, findings = run_target(worker, name, 0, 2)
    assert counts == dict(accepted=0, refused=0, finding=2)
    report = describe(name, 0, findings)
    assert text in report
    assert f'python -m tests.fuzz {name} --seed 0 --case 0  # 2' in report


@pytest.mark.slow
def test_time_is_limited(worker):
    assert worker.run('limited', 0, 0).kind == 'accepted'


def refuse(error):
    def read(path):
        raise error

    return read


@pytest.mark.parametrize(
    'error, text',
    [
        (ValueError('x.json: 3'), ''),
        (FileNotFoundError('no x.json'), ''),
        (KeyError('x.json'), 'not a documented error'),
        (UnicodeError('x.json'), 'not a documented error'),  # a ValueError
        (ValueError('3'), "does not name 'x.json'"),
        (ValueError('x.json' * 1000), '4000 characters'),
        (ValueError('x.json \ud800'), 'cannot be printed'),
        (Finding('a row is lost'), 'a row is lost'),
    ],
)
def test_errors(error, text, tmp_path):
    outcome = run_case(Target('x', write, refuse(error)), 0, 0, tmp_path)
    assert outcome.kind == ('finding' if text else 'refused')
    assert text in outcome.text


def test_a_case_is_the_same_each_time(tmp_path):
    contents = []
    for index in (0, 1, 2, 0):
        seen = []
        target = Target('x', write, lambda path, seen=seen: seen.append(path))
        assert run_case(target, 0, index, tmp_path).kind == 'accepted'
        contents.append(seen[0].read_bytes())
    assert contents[0] == contents[3]
    assert len(set(contents)) == 3
