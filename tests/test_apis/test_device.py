import pytest
import torch

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.apis.device import find_device


@pytest.mark.parametrize('device', ['foo', 'cuda:99', 'mps:9'])
def test_devices_that_are_none(device):
    with pytest.raises(ValueError, match=f"device='{device}' can not be used"):
        FERInferencer('absent.pth', device=device)


def test_devices():
    assert find_device('cpu') == torch.device('cpu')
    kind = 'cuda' if torch.cuda.is_available() else 'cpu'
    assert find_device(None).type == kind
