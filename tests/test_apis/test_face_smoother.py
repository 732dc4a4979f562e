import numpy as np
import pytest

from mpafer_plugin.apis.face_smoother import PATIENCE, FaceSmoother

LEFT, RIGHT = [0, 0, 10, 10], [100, 0, 110, 10]
YES, NO = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def face(bbox, probs):
    return dict(bbox=bbox, pred_scores=probs)


def probs(faces):
    return [found['pred_scores'].tolist() for found in faces]


def test_each_face_has_its_own_mean():
    smooth = FaceSmoother(0.75, ['yes', 'no'])
    assert probs(smooth([face(LEFT, YES), face(RIGHT, NO)])) == [
        [1, 0],
        [0, 1],
    ]
    moved = [2, 0, 12, 10]
    found = smooth([face(RIGHT, YES), face(moved, NO)])  # in another order
    assert probs(found) == [[0.25, 0.75], [0.75, 0.25]]
    assert [f['pred_class'] for f in found] == ['no', 'yes']
    assert found[0]['probs'] == {'yes': 0.25, 'no': 0.75}
    new = smooth([face([50, 50, 60, 60], NO)])
    assert probs(new) == [[0, 1]]


def test_the_best_overlap_wins():
    smooth = FaceSmoother(0.5, ['yes', 'no'])
    smooth([face([0, 0, 10, 10], YES), face([4, 0, 14, 10], NO)])
    # The second overlaps both; the first box is nearer to the first face.
    found = smooth([face([3, 0, 13, 10], NO), face([0, 0, 10, 10], YES)])
    assert probs(found) == [[0, 1], [1, 0]]


@pytest.mark.parametrize('missed, kept', [(PATIENCE, True), (9, False)])
def test_a_lost_face_is_remembered_for_a_while(missed, kept):
    smooth = FaceSmoother(0.5, ['yes', 'no'])
    smooth([face(LEFT, YES)])
    for _ in range(missed):
        assert smooth([]) == []
    assert probs(smooth([face(LEFT, NO)])) == [[0.5, 0.5] if kept else [0, 1]]


@pytest.mark.parametrize('smoothing', [1, -0.1])
def test_out_of_range(smoothing):
    with pytest.raises(ValueError, match=f'smoothing={smoothing}'):
        FaceSmoother(smoothing, ['yes', 'no'])
