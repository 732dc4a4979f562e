from mpafer_plugin.datasets.synthetic.drawn_set import (
    STREAMS,
    draw_image,
    person_rng,
)
from mpafer_plugin.datasets.synthetic.identity import sample_identity


def people(stream, seed=0, count=700):
    return {
        sample_identity(person_rng(seed, stream, number))
        for number in range(count)
    }


def test_no_person_is_in_two_streams():
    streams = [people(stream) for stream in STREAMS]
    assert sum(map(len, streams)) == len(set().union(*streams)) == 2100


def test_pretraining_with_any_seed_meets_no_test_person():
    assert not people('test') & people('pretrain', seed=1)


def test_a_person_comes_back():
    first = draw_image(0, 'test', 8, 'anger')
    again = draw_image(0, 'test', 8, 'anger')
    assert (first == again).all()
    assert (draw_image(0, 'test', 9, 'anger') != first).any()
    assert people('test', count=1) == people('test', count=1)
