import cv2
import numpy as np
import pytest

from mpafer_plugin.engine.hooks.fer_visualization_hook import SIDE


@pytest.mark.parametrize('colour', [(200, 30, 30), (30, 30, 200)])
def test_draws_the_file_in_its_own_colours(colour, build_runner, tmp_path):
    picture = np.full((40, 40, 3), colour, np.uint8)
    cv2.imwrite(str(tmp_path / 'face.png'), picture)
    runner = build_runner()
    loader = runner.build_dataloader(runner.cfg.test_dataloader)
    batch = next(iter(loader))
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(img_path=str(tmp_path / 'face.png')))
    samples = runner.model.eval().test_step(batch)
    (hook,) = (h for h in runner.hooks if 'Visualization' in type(h).__name__)
    hook.enable, hook.out_dir = True, str(tmp_path / 'drawn')
    hook.after_test_iter(runner, 0, batch, samples)
    drawn = cv2.imread(str(tmp_path / 'drawn' / 'face.png_0.png'))
    assert drawn.shape == (SIDE, SIDE, 3)
    # Text is in the upper part; below it is the picture.
    np.testing.assert_array_equal(drawn[-5, -5], colour)
    assert drawn[: SIDE // 2].std(axis=(0, 1)).max() > 1
