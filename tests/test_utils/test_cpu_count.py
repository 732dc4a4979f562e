import os

from mpafer_plugin.utils.cpu_count import cpu_count


def test_cpus_of_the_affinity(monkeypatch):
    monkeypatch.setattr(
        os, 'sched_getaffinity', lambda pid: {0, 1, 5}, raising=False
    )
    monkeypatch.setattr(os, 'cpu_count', lambda: 64)
    assert cpu_count() == 3


def test_all_cpus_without_an_affinity(monkeypatch):
    monkeypatch.delattr(os, 'sched_getaffinity', raising=False)
    monkeypatch.setattr(os, 'cpu_count', lambda: 8)
    assert cpu_count() == 8
    monkeypatch.setattr(os, 'cpu_count', lambda: None)
    assert cpu_count() == 1
