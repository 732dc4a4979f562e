"""The config of docs/weights.md, at a tiny size."""

import re

import pytest
from mmengine.runner import Runner

from mpafer_plugin.apis import FERInferencer
from tests.conftest import CONFIGS, ROOT, RUNNERS

PAGE = (ROOT / 'docs' / 'weights.md').read_text()
(CONFIG,) = re.findall(r'```python\n# larger_images.py\n(.*?)```', PAGE, re.S)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'larger_images.py'
    assert CONFIG.count('448') == 1
    path.write_text(CONFIG.replace('448', '48'))
    return path


def test_larger_images(load_config, config, tmp_path, tiny):
    cfg = load_config(CONFIGS / config)  # an absolute path stays
    cfg.experiment_name = f'larger_{next(RUNNERS)}'
    runner = Runner.from_cfg(cfg)
    runner.train()
    runner.test()
    log = next((tmp_path / 'work_dir').rglob('*.log')).read_text()
    assert 'from 4 x 4 to 6 x 6 patches' in log
    assert cfg.tta_pipeline[1].scale == (48, 48)
    inferencer = FERInferencer(
        str(tmp_path / 'work_dir' / 'epoch_1.pth'),
        face='none',
        clip=tiny['pretrained'],
    )
    assert inferencer.model.backbone.tower.image_size == (48, 48)
