import os

import cv2
import numpy as np
import pytest

from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS
from mpafer_plugin.engine.hooks.fer_visualization_hook import SIDE
from mpafer_plugin.utils.image_files import printable


@pytest.mark.parametrize('name', [b'face.png', b'caf\xe9.png'])
@pytest.mark.parametrize('colour', [(200, 30, 30), (30, 30, 200)])
def test_draws_the_file_in_its_own_colours(
    colour, name, build_runner, tmp_path
):
    image = np.full((40, 40, 3), colour, np.uint8)
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(cv2.imencode('.png', image)[1].tobytes())
    runner = build_runner()
    loader = runner.build_dataloader(runner.cfg.test_dataloader)
    batch = next(iter(loader))
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(img_path=str(path)))
    samples = runner.model.eval().test_step(batch)
    (hook,) = (h for h in runner.hooks if 'Visualization' in type(h).__name__)
    hook.enable, hook.out_dir = True, str(tmp_path / 'drawn')
    hook.after_test_iter(runner, 0, batch, samples)
    file = tmp_path / 'drawn' / f'{printable(path.name)}_0.png'
    drawn = cv2.imread(str(file))
    assert drawn.shape == (SIDE, SIDE, 3)
    # Text is in the upper part; below it is the image.
    np.testing.assert_array_equal(drawn[-5, -5], colour)
    assert drawn[: SIDE // 2].std(axis=(0, 1)).max() > 1


def test_names_are_those_of_either_side(build_runner, data_root, tmp_path):
    """RAF-DB's seven classes on FERPlus, which has contempt too."""
    runner = build_runner(
        **{
            'test_dataloader.dataset': dict(
                _delete_=True,
                type='FERPlus',
                data_root=str(data_root / 'ferplus'),
                split='test',
                classes=['contempt', *SEVEN_EXPRESSIONS],
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='Resize', scale=(32, 32)),
                    dict(type='PackInputs'),
                ],
            )
        }
    )
    loader = runner.build_dataloader(runner.cfg.test_dataloader)
    batch = next(iter(loader))
    samples = runner.model.eval().test_step(batch)
    (hook,) = (h for h in runner.hooks if 'Visualization' in type(h).__name__)
    hook.enable, hook.out_dir = True, str(tmp_path / 'drawn')
    hook.interval = 1
    hook._visualizer.dataset_meta = loader.dataset.metainfo
    drawn = []
    hook._visualizer.visualize_cls = lambda **kwargs: drawn.append(kwargs)
    hook.after_test_iter(runner, 0, batch, samples)
    for given, sample in zip(drawn, samples, strict=True):
        names = given['classes']
        assert names == [*SEVEN_EXPRESSIONS, 'contempt']
        assert given['text_cfg']['parse_math'] is False  # a name may have $
        true = loader.dataset.metainfo['classes'][int(sample.gt_label)]
        assert names[int(given['data_sample'].gt_label)] == true
        predicted = SEVEN_EXPRESSIONS[int(sample.pred_label)]
        assert names[int(given['data_sample'].pred_label)] == predicted
    true = {int(given['data_sample'].gt_label) for given in drawn}
    assert 7 in true  # contempt
