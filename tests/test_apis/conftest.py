import cv2
import numpy as np
import pytest
import torch

from mpafer_plugin.apis import FERInferencer, build_model
from mpafer_plugin.engine.checkpoints.metadata import ENTRY, CheckpointMeta
from tests.test_datasets.conftest import log  # noqa: F401
from tests.test_faces.conftest import canvas, real_faces, yunet_file  # noqa: F401
from tests.videos import motion_jpeg

RESIZE = dict(scale=[64, 64], interpolation='bicubic')


@pytest.fixture(scope='session')
def face_tiny():
    """A model on face-tiny whose prompts were shaken, not trained."""
    torch.manual_seed(3)
    model = build_model(arch='face-tiny', pretrained='face-tiny')
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    with torch.no_grad():
        model.backbone.prompts.normal_()
    return model.eval()


@pytest.fixture
def save(tmp_path):
    """Function that saves a model as PromptCheckpointHook would."""

    def save(model, name='model.pth', **entry):
        entry = dict(face_crop=None, resize=RESIZE) | entry
        path = tmp_path / name
        checkpoint = {
            'meta': {},
            'state_dict': model.state_dict(),
            ENTRY: CheckpointMeta.from_model(model).to_dict() | entry,
        }
        torch.save(checkpoint, path)
        return path

    return save


@pytest.fixture
def whole(face_tiny):
    return FERInferencer(face_tiny, face='none', batch_size=4)


@pytest.fixture
def finder(face_tiny, yunet_file):  # noqa: F811
    return FERInferencer(face_tiny, face_model=yunet_file)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
        for i in range(10)
    ]


@pytest.fixture
def video(tmp_path, images):
    """12 frames, 10 a second."""
    frames = [cv2.resize(images[i % 10], (64, 64)) for i in range(12)]
    return motion_jpeg(tmp_path / 'video.avi', frames, 10)
