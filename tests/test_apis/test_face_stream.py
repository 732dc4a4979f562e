from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mpafer_plugin.apis.face_stream import Job, answer_jobs


def answers(jobs, prepare, batches=None, **limits):
    def forward(inputs):
        if batches is not None:
            batches.append(len(inputs))
        return np.array([[value] for value in inputs], float)

    limits = dict(batch_size=32, window=8, workers=2) | limits
    return answer_jobs(jobs, prepare, forward, **limits)


def face(value):
    return SimpleNamespace(packed=value)


@pytest.mark.parametrize('with_faces', [[0], [0, 500], []])
def test_where_faces_are_rare_little_is_held(with_faces):
    taken = []

    def jobs():
        for i in range(1000):
            taken.append(i)
            yield Job(i, i)

    def prepare(source, boxes):
        return [face(source)] if source in with_faces else [], -source

    furthest = 0
    for number, answer in enumerate(answers(jobs(), prepare)):
        furthest = max(furthest, len(taken) - number)
        assert answer.name == number
        assert answer.kept == -number
        found = [float(probs[0]) for probs in answer.outputs]
        assert found == ([number] if number in with_faces else [])
    assert number == 999
    assert furthest <= 2 * 8


def test_batches_are_full_where_faces_are_not_rare():
    batches = []
    jobs = [Job(i, i) for i in range(20)]
    found = list(
        answers(jobs, lambda i, _: ([face(i)] * 3, None), batches, window=12)
    )
    assert batches == [32, 28]
    assert [answer.name for answer in found] == list(range(20))


@pytest.mark.parametrize(
    'kind', [ValueError, OSError, RuntimeError, cv2.error]
)
def test_the_error_of_one_image(kind):
    def prepare(source, boxes):
        if source == 1:
            raise kind('no')
        return [face(source)], None

    found = list(answers([Job(i, i) for i in range(3)], prepare))
    assert [type(answer.error) for answer in found] == [
        type(None), kind, type(None)
    ]  # fmt: skip


def test_other_errors_are_bugs():
    def prepare(source, boxes):
        raise KeyError('bug')

    with pytest.raises(KeyError):
        list(answers([Job(0, 0)], prepare))
