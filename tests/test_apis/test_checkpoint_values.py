import pytest
import torch

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.engine.checkpoint_entry import ENTRY


def in_entry(**values):
    return lambda checkpoint: checkpoint[ENTRY].update(values)


def resize(**values):
    return in_entry(resize=dict(scale=[64, 64], interpolation='area') | values)


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
        (in_entry(face_crop='x'), "no crop contract: 'x'"),
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
