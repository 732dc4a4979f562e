import os

import pytest

from mpafer_plugin.apis.inputs import images_of
from mpafer_plugin.faces import ImageError


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
