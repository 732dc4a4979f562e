import json

import pytest
import torch

from mpafer_plugin.apis import build_model
from mpafer_plugin.engine.model_settings import (
    model_settings,
    pipeline_of,
    resize_of,
)

LOAD, PACK = dict(type='LoadImageFromFile'), dict(type='PackInputs')
RESIZE = dict(type='Resize', scale=(64, 32), interpolation='bicubic')


@pytest.mark.parametrize(
    'pipeline, expected',
    [
        ([LOAD, RESIZE, PACK], ([64, 32], 'bicubic')),
        (
            [LOAD, dict(type='Resize', scale=(8, 8)), PACK],
            ([8, 8], 'bilinear'),
        ),
        (
            [dict(type='LoadDecodedImage', cache_dir='x'), RESIZE, PACK],
            ([64, 32], 'bicubic'),
        ),
        (
            [
                dict(type='mmcv.LoadImageFromFile', color_type='color'),
                RESIZE,
                PACK,
            ],
            ([64, 32], 'bicubic'),
        ),
        ([LOAD | dict(color_type='grayscale'), RESIZE, PACK], None),
        ([dict(type='LoadMyOwn'), RESIZE, PACK], None),
        ([LOAD, dict(type='CenterCrop', crop_size=64), PACK], None),
        ([LOAD, RESIZE, dict(type='RandomFlip'), PACK], None),
        ([LOAD, RESIZE | dict(keep_ratio=True), PACK], None),
        (
            [LOAD, dict(type='Resize', scale=64), PACK],
            ([64, 64], 'bilinear'),
        ),
        ([LOAD, dict(type='Resize', scale=(64,)), PACK], None),
        ([LOAD, dict(type='Resize', scale_factor=0.5), PACK], None),
        ([LOAD | dict(to_float32=True), RESIZE, PACK], None),
        ([], None),
        (None, None),
    ],
)
def test_pipelines_that_only_resize(pipeline, expected):
    found = resize_of(pipeline)
    if expected is not None:
        expected = dict(scale=expected[0], interpolation=expected[1])
    assert found == expected


def test_the_test_pipeline_of_a_config():
    test, val = (
        dict(dataset=dict(pipeline=[LOAD, step, PACK]))
        for step in (RESIZE, dict(type='CenterCrop', crop_size=8))
    )
    found = pipeline_of(dict(test_dataloader=test, val_dataloader=val))
    assert found == [LOAD, RESIZE, PACK]
    found = pipeline_of(dict(test_dataloader=None, val_dataloader=val))
    assert found == val['dataset']['pipeline']
    assert pipeline_of(dict(test_dataloader=dict(dataset={}))) is None
    assert pipeline_of({}) is None


def test_settings_are_plain_and_name_no_folder(tiny):
    text = dict(hard_prompts=['a', 'b'])
    model = build_model(['yes', 'no'], **tiny, text=text, head=dict(top_k=5))
    settings = model_settings(model)
    assert settings['top_k'] == 5
    assert settings['logit_scale'] == 'clip'
    assert settings['clip'] == 'tiny.pt'
    assert json.loads(json.dumps(settings)) == settings


def test_other_models_have_none(tiny):
    text = dict(hard_prompts=['a', 'b'])
    model = build_model(
        ['yes', 'no'], **tiny, text=text, head=dict(in_channels=12)
    )
    assert model_settings(model) is None
    assert model_settings(torch.nn.Identity()) is None
