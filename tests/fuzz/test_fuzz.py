import pytest

from .harness import Worker, describe, run_target
from .targets import TARGETS


@pytest.fixture(scope='module')
def worker():
    worker = Worker()
    yield worker
    worker.close()


@pytest.mark.slow
@pytest.mark.parametrize('name', TARGETS)
def test_target(name, worker):
    counts, findings = run_target(worker, name, 0, TARGETS[name].cases)
    assert not findings, '\n' + describe(name, 0, findings)
    # Else what is mutated may never have been valid.
    assert counts['accepted']
