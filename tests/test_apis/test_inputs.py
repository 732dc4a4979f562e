import io
import os

import numpy as np
import pytest
import torch
from PIL import Image

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.apis.inputs import images_of
from mpafer_plugin.faces import ImageError
from tests.test_faces.images import saved


@pytest.fixture
def lock(monkeypatch):
    """Function that makes folders of a name impossible to list."""
    scandir = os.scandir

    def lock(name):
        def refuse(path):  # not by rights: root may list all
            if os.path.basename(path) == name:
                raise PermissionError(13, 'Permission denied', str(path))
            return scandir(path)

        monkeypatch.setattr(os, 'scandir', refuse)

    return lock


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'in'
    for name in ('a.png', 'below/b.png', 'below/notes.txt', 'z.jpg'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def listed(folder):
    """Paths below the folder, and errors."""
    found = list(images_of(folder))
    errors = [s for _, s in found if isinstance(s, ImageError)]
    paths = [path for path, source in found if path == source]
    assert len(errors) + len(paths) == len(found)
    return [os.path.relpath(path, folder) for path in paths], errors


def test_links_are_followed(folder, tmp_path):
    (tmp_path / 'else').mkdir()
    (tmp_path / 'else/c.png').touch()
    (folder / 'link').symlink_to(tmp_path / 'else')
    paths, errors = listed(folder)
    assert paths == ['a.png', 'below/b.png', 'link/c.png', 'z.jpg']
    assert errors == []


def test_paths_are_in_order(folder):
    """Whole paths, in which a dot comes before a slash."""
    (folder / 'a').mkdir()
    (folder / 'a/b.png').touch()
    assert listed(folder)[0][:2] == ['a.png', 'a/b.png']


def test_a_folder_that_can_not_be_listed(folder, lock):
    """The others are, and their images come first."""
    lock('below')
    *images, (path, error) = images_of(folder)
    assert [path for path, _ in images] == [
        str(folder / 'a.png'),
        str(folder / 'z.jpg'),
    ]
    assert path == str(folder / 'below')
    with pytest.raises(ImageError, match=r"below' cannot be listed: .*Perm"):
        raise error


def test_a_root_that_can_not_be_listed(folder, lock):
    lock('in')
    paths, (error,) = listed(folder)
    assert paths == []
    assert f'{str(folder)!r} is not read: ' in str(error)
    assert 'Permission denied' in str(error)


def test_a_link_that_leads_back(folder):
    (folder / 'below/up').symlink_to(folder)
    paths, (error,) = listed(folder)
    assert paths == []
    assert f'{str(folder)!r} is not read: ' in str(error)
    assert 'the link leads back' in str(error)


def test_the_inferencer_goes_on(whole, folder, images, lock):
    lock('below')
    for name in ('a.png', 'z.jpg'):
        (folder / name).unlink()
    found = list(whole.stream([str(folder), images[0]]))
    assert [len(one.faces) for one in found] == [0, 1]
    assert 'cannot be listed' in str(found[0].error)
    with pytest.raises(ImageError, match='cannot be listed'):
        whole(str(folder))


def test_images_in_memory(face_tiny, whole, images):
    """All are the same image, alone and in a list."""
    bgr = images[5]
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    pillow = Image.fromarray(rgb)
    kinds = [
        bgr,
        np.dstack([bgr, bgr[..., :1]]),
        torch.from_numpy(rgb).permute(2, 0, 1),
        pillow,
        saved(pillow),
        bytearray(saved(pillow)),
        io.BytesIO(saved(pillow)),
    ]
    results = whole(kinds)
    assert results.paths == [None] * len(kinds)
    other = FERInferencer(face_tiny, face='none', channel_order='rgb')
    results += [*other([rgb, pillow]), *other(iter([rgb])), *whole(pillow)]
    expected = results[0][0]['pred_scores']
    for (face,) in results:
        np.testing.assert_allclose(face['pred_scores'], expected, atol=1e-6)
    ((wrong,),) = other(bgr)
    assert np.abs(wrong['pred_scores'] - expected).max() > 1e-4
    grey = whole([bgr[..., 0], Image.fromarray(bgr[..., 0])])
    np.testing.assert_allclose(
        grey[0][0]['pred_scores'], grey[1][0]['pred_scores'], atol=1e-6
    )
    (explained,) = whole.explain(pillow)
    np.testing.assert_allclose(
        explained.face['pred_scores'], expected, atol=1e-6
    )


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((400, 400, 3)),
        {'image': np.zeros((400, 400, 3), np.uint8)},
        [[np.zeros((400, 400)).tolist()]],
        torch.rand(400, 400, 3),
        bytes(40_000),
        'A' * 40_000,
        None,
    ],
)
def test_no_error_holds_an_image(whole, image):
    with pytest.raises(ValueError) as caught:
        whole(image)
    assert 20 < len(str(caught.value)) < 400
