"""SFEW and CAER-S, which are class folders."""

import pytest

from mpafer_plugin.datasets import CAERS, SFEW

NAMES = ('Angry', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')


def images(part, names=NAMES, number=10):
    return [f'{part}/{n}/{i}.png' for n in names for i in range(number)]


def test_sfew_is_tested_on_its_validation_part(touch, log):
    root = touch(*images('Train'), *images('Val', number=3))
    kwargs = dict(serialize_data=False)
    assert len(SFEW(root, 'train', **kwargs)) == 63
    assert len(SFEW(root, 'val', **kwargs)) == 7
    assert '70 images, but 958 were published' in log.text
    test = SFEW(root, 'test', **kwargs)
    assert len(test) == 21
    assert '21 images, but 436 were published' in log.text
    assert 'withheld' in test.describe()['split_rule']
    info = test.get_data_info(0)
    assert '/Val/' in info['img_path']
    assert test.CLASSES[info['gt_label']] == 'anger'


def test_sfew_with_images_of_its_test_part(touch):
    # They have no labels, and are not read.
    root = touch(*images('Train'), *images('Val'), 'Test/1.png')
    assert len(SFEW(root, 'test', serialize_data=False)) == 70


def test_caers(touch):
    names = ('Anger', *NAMES[1:])
    root = touch(*images('train', names), *images('test', names, 2))
    sizes = [
        len(CAERS(root, split, serialize_data=False))
        for split in ('train', 'val', 'test')
    ]
    assert sizes == [63, 7, 14]
    dataset = CAERS(root, 'test', serialize_data=False)
    assert dataset.describe()['crop'] == CAERS.released_crop
    assert dataset.metainfo['classes'][:2] == ('neutral', 'happiness')


@pytest.mark.parametrize('kind', [SFEW, CAERS])
def test_malformed(touch, kind):
    root = touch(*images('train'))
    with pytest.raises(FileNotFoundError, match=r"only of \['train'\]"):
        kind(root, 'test', serialize_data=False)


@pytest.mark.parametrize('kind', [SFEW, CAERS])
@pytest.mark.parametrize('name', ['Angy', 'Contempt', '0'])
def test_folder_of_no_class(touch, kind, name):
    root = touch(*images('train'), f'train/{name}/1.png')
    with pytest.raises(ValueError, match=f"train/{name}'.*neither a key nor"):
        kind(root, serialize_data=False)


def test_two_folders_of_one_class(touch):
    root = touch('train/Angry/1.png', 'train/anger/2.png')
    with pytest.raises(ValueError, match="same class 'anger'"):
        CAERS(root)
