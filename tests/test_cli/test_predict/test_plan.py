import argparse
import os
from pathlib import Path

import pytest

from mpafer_plugin.cli.predict.plan import Plan


@pytest.fixture
def plan(monkeypatch, tmp_path):
    """Function that plans for inputs in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*inputs, out='out', weights='w.pth'):
        args = argparse.Namespace(
            inputs=inputs, out=out, weights=weights, config=None, clip=None,
            face_model=None,
        )  # fmt: skip
        return Plan(args)

    return run


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def places(found):
    return [
        (work.place.relative_to('out').as_posix(), work.why.name)
        for work in found.works
    ]


def test_both_names_are_reserved(plan):
    """What explains one image is not the drawing of another."""
    touch('in/a.png', 'in/a_why.jpg', 'in/b_why.png', 'in/c/a.png')
    assert places(plan('in', 'in/b.jpg')) == [
        ('a.png', 'a_why.png'),
        ('a_why_2.png', 'a_why_2_why.png'),
        ('b_why.png', 'b_why_why.png'),
        ('c/a.png', 'a_why.png'),
        ('b_2.png', 'b_2_why.png'),
    ]


def test_kinds_of_inputs(plan):
    touch('7')
    works = plan('v1.2.AVI', '7', '0', 'x/y.png').works
    assert [work.source for work in works] == ['v1.2.AVI', '7', 0, 'x/y.png']
    assert [work.is_video for work in works] == [True, False, True, False]
    names = [work.place.name for work in works]
    assert names == ['v1.2.mp4', '7.png', 'camera_0.mp4', 'y.png']


def test_addresses_are_videos(plan):
    host = 'rtsp://me:secret@example.com:554'
    sources = f'{host}/door/a.1', f'{host}/', 'https://example.com/a.1?b=c'
    works = plan(*sources).works
    assert [work.source for work in works] == list(sources)
    names = [work.place.name for work in works]
    assert names == ['a.mp4', 'example.com.mp4', 'a_2.mp4']


@pytest.mark.parametrize(
    'inputs, out',
    [
        (['a.png'], '.'),
        (['v.mp4'], '.'),
        (['x.jpg', 'x_why.png'], '.'),
        (['predictions.json'], '.'),
    ],
)
def test_an_input_would_be_overwritten(plan, inputs, out):
    touch(*inputs)
    with pytest.raises(ValueError, match='would overwrite the input'):
        plan(*inputs, out=out)


def test_weights_are_an_input_too(plan):
    touch('a.jpg', 'a.png')
    with pytest.raises(ValueError, match=r"the input 'a\.png'"):
        plan('a.jpg', out='.', weights='a.png')


def test_what_may_be_overwritten(plan):
    """Results of an earlier run."""
    touch('in/a.png', 'out/a.png', 'b.jpg')
    plan('in')
    plan('b.jpg', out='.')


def test_results_are_passed_over(plan):
    touch('a.png', 'out/a.png', 'out/below/b.png')
    found = plan('.')
    assert [work.source for work in found.works] == ['./a.png']
    assert found.remarks == ["'.': passed over 2 images of --out 'out'"]
    found = plan('out')
    assert not found.works
    assert found.failures == ["'out': there is no image in it"]
    assert len(found.remarks) == 1


def test_folders_that_can_not_be_listed(plan, monkeypatch):
    """They are named; that there is no image is not known."""
    touch('in/a.png', 'in/below/b.png', 'other/c.png')
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) in ('below', 'other'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    found = plan('in', 'other')
    assert [work.source for work in found.works] == ['in/a.png']
    below, other = found.failures
    assert below.startswith("'in/below' cannot be listed: ")
    assert other.startswith("'other' is not read: ")


def test_links_into_the_results_are_passed_over(plan):
    touch('in/a.png', 'out/b.png')
    Path('in/link').symlink_to(Path('out').resolve())
    found = plan('in')
    assert [work.source for work in found.works] == ['in/a.png']
    assert found.remarks == ["'in': passed over 1 images of --out 'out'"]
