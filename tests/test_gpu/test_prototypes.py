import numpy as np
import torch
from mmengine.runner import Runner

from mpafer_plugin.engine import PrototypeHook
from mpafer_plugin.engine.prototypes import class_prototypes
from tests.test_gpu.conftest import CLASSES


def prototypes_of(model):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(28, 3, 64, 64, generator=generator)
    labels = torch.arange(28) % CLASSES
    batches = zip(images.split(9), labels.split(9), strict=True)
    return class_prototypes(model.backbone, batches, CLASSES).cpu()


def test_prototypes_as_on_the_cpu(face_tiny, model):
    found = prototypes_of(model)
    expected = prototypes_of(face_tiny)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    # The order of sums may differ.
    torch.testing.assert_close(
        prototypes_of(model), found, rtol=1e-7, atol=1e-9
    )


def test_cached_prototypes(build_runner, device, tmp_path):
    runner: Runner = build_runner()
    hook = PrototypeHook(cache_dir=str(tmp_path), num_workers=0)
    hook.before_train(runner)
    head = runner.model.head
    computed = head.prototypes.clone()
    assert computed.device.type == device
    assert computed.dtype == torch.float32
    (cache,) = tmp_path.glob('prototypes_*.npy')
    saved = torch.from_numpy(np.load(cache)).float()
    assert torch.equal(saved, computed.cpu())
    head.prototypes.zero_()
    hook.before_train(runner)
    assert torch.equal(head.prototypes, computed)
