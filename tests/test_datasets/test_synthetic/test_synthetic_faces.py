import json
import shutil

import pytest

from mpafer_plugin.datasets import RAFDB
from mpafer_plugin.datasets.categories import EXPRESSIONS, SEVEN_EXPRESSIONS
from mpafer_plugin.datasets.synthetic.synthetic_faces import SyntheticFaces

FEW = dict(num_train=27, num_test=12)


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp('drawn') / 'faces'
    SyntheticFaces(str(root), **FEW)
    return root


def test_layout_is_rafdbs(drawn):
    lines = (
        (drawn / 'basic/EmoLabel/list_patition_label.txt')
        .read_text()
        .splitlines()
    )
    assert len(lines) == 39
    assert lines[0].split()[0] == 'train_00001.jpg'
    assert lines[-1].split()[0] == 'test_00012.jpg'
    assert (drawn / 'basic/Image/aligned/test_00012_aligned.jpg').is_file()
    data = RAFDB(str(drawn), 'train', val_fraction=0)
    ours = SyntheticFaces(str(drawn), 'train', val_fraction=0, **FEW)
    assert data.get_gt_labels().tolist() == ours.get_gt_labels().tolist()


def test_splits(drawn):
    train = SyntheticFaces(str(drawn), 'train', **FEW)
    val = SyntheticFaces(str(drawn), 'val', **FEW)
    test = SyntheticFaces(str(drawn), 'test', **FEW)
    assert len(train) + len(val) == 27
    assert len(val) > 0
    assert len(test) == 12
    assert train.CLASSES == SEVEN_EXPRESSIONS


def test_label_counts(drawn):
    data = SyntheticFaces(str(drawn), 'train', val_fraction=0, **FEW)
    labels = data.get_gt_labels().tolist()
    counts = {name: labels.count(i) for i, name in enumerate(data.CLASSES)}
    assert counts == {
        'neutral': 4,
        'happiness': 5,
        'sadness': 4,
        'surprise': 4,
        'fear': 3,
        'disgust': 3,
        'anger': 4,
    }
    assert counts == data.published_counts()


def test_same_seed_draws_the_same(drawn, tmp_path):
    SyntheticFaces(str(tmp_path / 'again'), **FEW)
    files = sorted(p for p in drawn.rglob('*') if p.is_file())
    assert len(files) == 41
    for file in files:
        again = tmp_path / 'again' / file.relative_to(drawn)
        assert again.read_bytes() == file.read_bytes(), file.name


def test_other_seed_draws_others(drawn, tmp_path):
    SyntheticFaces(str(tmp_path / 'other'), seed=1, **FEW)
    name = 'basic/Image/aligned/test_00001_aligned.jpg'
    assert (tmp_path / 'other' / name).read_bytes() != (
        drawn / name
    ).read_bytes()


def test_contempt(tmp_path):
    data = SyntheticFaces(
        str(tmp_path / 'eight'), 'test', contempt=True, num_train=2,
        num_test=30,
    )  # fmt: skip
    assert data.CLASSES == EXPRESSIONS
    assert data.get_gt_labels().tolist().count(7) == 3


def test_nothing_is_drawn_twice(drawn):
    file = drawn / 'basic/Image/aligned/train_00001_aligned.jpg'
    before = file.stat().st_mtime_ns
    SyntheticFaces(str(drawn), 'test', **FEW)
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    'other', [dict(seed=3), dict(contempt=True), dict(num_test=13)]
)
def test_folder_of_other_settings_is_refused(drawn, other):
    with pytest.raises(ValueError, match=r'was drawn as .* is asked for'):
        SyntheticFaces(str(drawn), **{**FEW, **other})


def test_folder_of_another_version_is_refused(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / 'old')
    stamp = tmp_path / 'old' / 'synthetic_faces.json'
    stamp.write_text(
        json.dumps({**json.loads(stamp.read_text()), 'version': 0})
    )
    with pytest.raises(ValueError, match="'version': 0"):
        SyntheticFaces(str(tmp_path / 'old'), **FEW)


def test_foreign_folder_is_refused(tmp_path):
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(ValueError, match=r'has no synthetic_faces\.json'):
        SyntheticFaces(str(tmp_path), **FEW)
    assert [p.name for p in tmp_path.iterdir()] == ['thesis.txt']


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        'mpafer_plugin.datasets.synthetic.drawn_set.draw_image', stop
    )
    with pytest.raises(KeyboardInterrupt):
        SyntheticFaces(str(tmp_path / 'faces'), **FEW)
    assert list(tmp_path.iterdir()) == []


def test_empty_folder_is_filled(tmp_path):
    (tmp_path / 'faces').mkdir()
    data = SyntheticFaces(str(tmp_path / 'faces'), 'test', **FEW)
    assert len(data) == 12
