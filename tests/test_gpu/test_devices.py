from pathlib import Path

import pytest
import torch

from mpafer_plugin.apis import FERInferencer


def test_checkpoints_move_between_devices(train, images, device):
    """Trained on one, used on both."""
    (best,) = Path(train('trained').work_dir).glob('best_*.pth')
    found = [
        FERInferencer(best, device=place, face='none')(images)
        for place in (device, 'cpu')
    ]
    for (face,), (other,) in zip(*found, strict=True):
        assert face['pred_class'] == other['pred_class']
        assert face['pred_scores'] == pytest.approx(
            other['pred_scores'], abs=1e-4
        )


def test_checkpoints_hold_no_tensor_of_a_gpu(train, device):
    path = Path(train('trained').work_dir, 'epoch_2.pth')
    assert path.stat().st_size < 2**20
    found = []

    def see(storage, place):
        found.append(place)
        return storage

    torch.load(path, map_location=see)
    assert set(found) == {'cpu'}
