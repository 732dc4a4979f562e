import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader


def test_history_buffers_are_read_as_data(tmp_path):
    path = tmp_path / 'x.pth'
    saved = {
        'buffer': HistoryBuffer([1.0, 3.0], [1, 1]),
        'scalars': [np.float64(0.5), np.float32(0.5), np.int64(2)],
        'flag': np.bool_(True),
    }
    torch.save(saved, path)
    loaded = torch.load(path)
    assert loaded['buffer'].statistics('mean') == 2.0
    assert loaded['scalars'] == [0.5, 0.5, 2]
    assert loaded['flag']


class Attribute:
    """What a hostile file would ask getattr for."""

    def __init__(self, owner, name):
        self.arguments = owner, name

    def __reduce__(self):
        return getattr, self.arguments


@pytest.mark.parametrize(
    'owner, name',
    [
        (HistoryBuffer, '__init__'),
        (np.ndarray, 'tofile'),
        (torch.Tensor, 'max'),
    ],
)
def test_no_other_attribute_can_be_had(tmp_path, owner, name):
    path = tmp_path / 'x.pth'
    torch.save(Attribute(owner, name), path)
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        torch.load(path)


class MakesFolder:
    """What a hostile file would have done by reading it."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_the_host_reads_as_data_too(tmp_path):
    own, hostile, mark = (tmp_path / name for name in ('a.pth', 'b.pth', 'c'))
    torch.save({'buffer': HistoryBuffer([1.0], [1])}, own)
    torch.save(MakesFolder(mark), hostile)
    with pytest.raises(pickle.UnpicklingError):
        CheckpointLoader.load_checkpoint(str(hostile))
    assert not mark.exists()
    # Reading leaves what torch allows as it was.
    CheckpointLoader.load_checkpoint(str(own))
    assert torch.load(own)['buffer'].current() == 1.0
