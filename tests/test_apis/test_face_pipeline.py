import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest


def scores(results):
    return [face['pred_scores'] for faces in results for face in faces]


def test_copies(finder, canvas):
    """By copy and by pickle; each has a detector of its own."""
    expected = scores(finder(canvas[0]))
    assert len(expected) == 6
    for copied in (
        copy.deepcopy(finder),
        pickle.loads(pickle.dumps(finder)),
    ):
        np.testing.assert_array_equal(scores(copied(canvas[0])), expected)
        (detector,), (own,) = copied.prepare._idle, finder.prepare._idle
        assert detector is not own
        assert detector.digest == own.digest
        assert detector.score_threshold == own.score_threshold


@pytest.mark.slow
def test_in_a_spawned_process(finder, canvas, tmp_path):
    """It unpickles before it imports anything of ours."""
    with open(tmp_path / 'finder.pkl', 'wb') as file:
        pickle.dump((finder, canvas[0]), file)
    code = (
        'import pickle\n'
        'finder, image = pickle.load(open("finder.pkl", "rb"))\n'
        'print([face["pred_class"] for face in finder(image)[0]])'
    )
    result = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    classes = [face['pred_class'] for face in finder(canvas[0])[0]]
    assert result.stdout.splitlines()[-1:] == [str(classes)], result.stderr
