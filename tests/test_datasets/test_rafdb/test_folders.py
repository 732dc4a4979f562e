from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.rafdb.folders import read_folders
from mpafer_plugin.datasets.rafdb.labels import BASIC_LABELS
from tests.rafdb_copies import named


def test_each_folder_is_listed_once(tmp_path, monkeypatch):
    """On network disks it takes long."""
    named(tmp_path)
    listed, entries = [], DataRoot.entries
    monkeypatch.setattr(
        DataRoot,
        'entries',
        lambda root, name: listed.append(name) or entries(root, name),
    )
    samples = read_folders(
        DataRoot(str(tmp_path)), 'train', None, BASIC_LABELS
    )
    assert len(list(samples)) == 84
    classes = {path.name for path in (tmp_path / 'train').iterdir()}
    expected = ['train', *(f'train/{name}' for name in classes)]
    assert sorted(listed) == sorted(expected)
