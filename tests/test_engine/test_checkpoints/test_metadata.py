import json

import pytest
import torch

from mpafer_plugin.apis import FERInferencer, build_model
from mpafer_plugin.engine.checkpoints.metadata import ENTRY, CheckpointMeta
from mpafer_plugin.engine.checkpoints.test_pipeline import (
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
    absent = dict(test_dataloader=None, val_dataloader=None)
    assert pipeline_of(dict(absent, test_pipeline=[LOAD])) == [LOAD]


def test_settings_are_plain_and_name_no_folder(tiny):
    text = dict(hard_prompts=['a', 'b'])
    model = build_model(['yes', 'no'], **tiny, text=text, head=dict(top_k=5))
    settings = CheckpointMeta.from_model(model).settings
    assert settings['top_k'] == 5
    assert settings['logit_scale'] == 'clip'
    assert settings['clip'] == 'tiny.pt'
    assert json.loads(json.dumps(settings)) == settings


def test_other_models_have_none(tiny):
    text = dict(hard_prompts=['a', 'b'])
    model = build_model(
        ['yes', 'no'], **tiny, text=text, head=dict(in_channels=12)
    )
    assert CheckpointMeta.from_model(model).settings is None
    meta = CheckpointMeta.from_model(torch.nn.Identity())
    assert meta.settings is None


def in_entry(**values):
    return lambda checkpoint: checkpoint[ENTRY].update(values)


def resize(**values):
    return in_entry(resize=dict(scale=[64, 64], interpolation='area') | values)


def settings(**values):
    return lambda checkpoint: checkpoint[ENTRY]['settings'].update(values)


@pytest.mark.parametrize(
    'edit, message',
    [
        (lambda c: c.update({ENTRY: {}}), 'format=None is not a number'),
        (lambda c: c.update({ENTRY: 'x'}), "mpafer='x' is not a dict"),
        (lambda c: c.update({ENTRY: None}), 'mpafer=None is not a dict'),
        (lambda c: c.update(meta=None), 'meta=None is not a dict'),
        (lambda c: c.update(state_dict={'a': 3}), 'is not a dict of tensors'),
        (in_entry(format='1'), "format='1' is not a number"),
        (in_entry(versions={}), 'versions={} is not'),
        (in_entry(classes='yes'), "classes='yes' is not a list of names"),
        (in_entry(classes=[1]), r'classes=\[1\] is not a list of names'),
        (in_entry(image_tower={'arch': 3}), "image_tower={'arch': 3} is not"),
        (in_entry(hard_prompts=[[]]), r'hard_prompts=\[\[\]\] is not'),
        (in_entry(settings=[1]), r'settings=\[1\] is not a dict'),
        (in_entry(resize='x'), "resize='x' is not a dict of scale"),
        (resize(scale=5), "resize={.*'scale': 5} is not"),
        (resize(scale=[64, -1]), 'is not a dict of scale'),
        (resize(interpolation='nonsense'), 'nonsense.* one of nearest'),
        (resize(interpolation=['area']), 'is not a dict of scale'),
        (in_entry(face_crop='x'), "no crop config: 'x'"),
        (in_entry(format=True), 'format=True is not a number'),
        (in_entry(format=10**400), 'format=an integer of 1329 bits'),
        (in_entry(classes=[]), r'classes=\[\] is not a list of names'),
        (in_entry(classes=torch.ones(2)), 'is not a list of names'),
        (in_entry(classes=['\ud800']), 'is not a list of names'),
        (in_entry(calibration=dict(temperature=True)), 'a positive number'),
        (resize(scale=[64, True]), 'is not a dict of scale'),
        (settings(logit_scale=1e300), 'logit_scale=1e.300 is not'),
        (settings(top_k=True), 'top_k=True is not'),
        (settings(top_k=torch.tensor(2)), 'top_k=tensor.2. is not a whole'),
        (
            settings(std=[1, 1, float('nan')]),
            r'std=\[1, 1, nan\] is not three',
        ),
        (settings(local_weight='1'), "local_weight='1' is not"),
        (
            lambda c: c['meta'].update(dataset_meta=[1]),
            r'meta.dataset_meta=\[1\] is not a dict',
        ),
        (
            lambda c: c['meta'].update(dataset_meta=torch.ones(2)),
            r'meta.dataset_meta=tensor.* is not a dict',
        ),
    ],
)
@pytest.mark.parametrize('alone', [True, False])
def test_values_of_other_kinds(face_tiny, save, edit, message, alone):
    """One error that names file and value, with and without a model."""
    path = save(face_tiny)
    checkpoint = torch.load(path)
    edit(checkpoint)
    torch.save(checkpoint, path)
    given = (path,) if alone else (face_tiny, path)
    with pytest.raises(ValueError, match=rf'model\.pth.*: .*{message}'):
        FERInferencer(*given, face='none', device='cpu')


def test_what_other_programs_leave_out(face_tiny, tmp_path):
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict=face_tiny.state_dict()), path)
    FERInferencer(face_tiny, path, face='none', device='cpu')
