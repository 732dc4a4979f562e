"""The whole report, on environments that consist of metadata only."""

import pytest

from mpafer_plugin.doctor import Environment, run
from mpafer_plugin.doctor.notes import NOTES
from mpafer_plugin.doctor.problems import PROBLEMS
from mpafer_plugin.doctor.report import MODULES, Trial

GOOD = {
    'torch': '2.15.0',
    'torchvision': '0.29.2',
    'mmengine': '0.10.7',
    'mmcv-lite': '2.2.0',
    'mmpretrain': '1.2.0',
    'open_clip_torch': '3.3.0',
    'safetensors': '0.8.0',
    'numpy': '2.4.6',
    'filelock': '3.21.0',
    'Pillow': '12.0.0',
    'rich': '15.0.0',
    'Jinja2': '3.1.6',
    'opencv-python': '4.12.0.88',
    'setuptools': '80.9.0',
    'matplotlib': '3.10.0',
}
FORK = {
    'mmengine': None,
    'mmcv-lite': None,
    'mmpretrain': None,
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv-cu128-torch2-8': '2.3.1',
    'onedl-mmpretrain': '1.3.6',
}
PIP = 'python -m pip'
BOTH_TORCHES = (
    f'{PIP} uninstall -y torch torchvision && {PIP} install "torch>=2.6" '
    'torchvision'
)


def environment(
    folder, changed=None, cuda="'13.2'", vision='+cu132', requires='', **fields
):
    """A good environment with changed versions; None is not installed."""
    for name, version in {**GOOD, **(changed or {})}.items():
        if version is None:
            continue
        info = folder / f'{name.replace("-", "_")}-{version}.dist-info'
        info.mkdir()
        text = f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
        if name == 'torchvision':
            text += 'Requires-Dist: numpy\nRequires-Dist: torch'
            text += f'{requires or " (>=2.14.0)"}\n'
        (info / 'METADATA').write_text(text)
    for name, text in (
        ('torch', f'cuda: Optional[str] = {cuda}\nhip = None\n'),
        ('torchvision', f"__version__ = '0.29.2{vision}'\n"),
    ):
        (folder / name).mkdir()
        (folder / name / 'version.py').write_text(text)
    fields.setdefault('gpus', ('NVIDIA H200',))
    return Environment(path=['/no/such/folder', str(folder)], **fields)


def findings(rules, env):
    return [found for rule in rules for found in rule(env)]


def test_a_good_environment(tmp_path, capsys):
    env = environment(tmp_path)
    assert run(env, lambda: Trial(MODULES)) == 0
    output = capsys.readouterr().out
    assert 'Problems' not in output
    assert output.endswith('No problem found.\n')
    rows = [line.split(None, 2) for line in output.splitlines()]
    assert ['torch', '2.15.0', 'CUDA 13.2, wanted >=2.6'] in rows
    assert ['mmcv-lite', '2.2.0', 'wanted >=2.0.1,<2.3'] in rows
    assert ['MPAFER_CLIP', 'not', 'set, so openai'] in rows


def test_what_an_interrupted_installation_leaves(tmp_path):
    env = environment(tmp_path, {'numpy': None, 'rich': None})
    (tmp_path / 'numpy-2.4.6.dist-info').mkdir()
    (tmp_path / 'rich.egg-info').write_bytes(b'\xff\xfe\n\n')
    (tmp_path / '~orch-2.13.0.dist-info').mkdir()
    (tmp_path / 'mmengine-0.9.0.dist-info').mkdir()
    assert not findings(PROBLEMS, env)
    notes = {note.what: note for note in findings(NOTES, env)}
    note = notes['The metadata of numpy cannot be read']
    assert note.remedy == f'{PIP} install --force-reinstall --no-deps numpy'
    assert 'The metadata of rich cannot be read' in notes
    assert 'The metadata of mmengine cannot be read' not in notes
    assert run(env, lambda: Trial(MODULES)) == 0


@pytest.mark.parametrize(
    'fields, failed, error',
    [
        (
            dict(changed={'mmengine': '1.0.0'}),
            'mmpretrain.models',
            'AssertionError: MMEngine==1.0.0 is used but incompatible.',
        ),
        (
            dict(changed={'mmcv-lite': None}),
            'mmcv',
            "ModuleNotFoundError: No module named 'mmcv'",
        ),
        (
            dict(cuda='None', gpus=()),
            'torchvision',
            'RuntimeError: operator torchvision::nms does not exist',
        ),
        (
            dict(changed={'transformers': '5.2', 'pycocotools': '2.0.11'}),
            'mmpretrain.models',
            'TypeError: NoneType takes no arguments',
        ),
        (
            dict(absent_libraries=('libGL.so.1',)),
            'cv2',
            'ImportError: libGL.so.1: cannot open shared object file',
        ),
    ],
)
def test_a_failed_trial_that_is_explained(
    tmp_path, capsys, fields, failed, error
):
    imported = MODULES[: MODULES.index(failed)]
    env = environment(tmp_path, **fields)
    assert run(env, lambda: Trial(imported, failed, error)) == 1
    output = capsys.readouterr().out
    assert f'import {failed}: {error}' in ' '.join(output.split())
    assert 'This is problem 1.' in output
    assert output.splitlines()[-1].startswith('1 problem.')


@pytest.mark.parametrize(
    'error, line',
    [
        ('ValueError: odd', 'python -c "import open_clip"'),
        ("ModuleNotFoundError: No module named 'ftfy'", f'{PIP} check'),
    ],
)
def test_a_failed_trial_that_is_not(tmp_path, capsys, error, line):
    outcome = Trial(MODULES[:-2], 'open_clip', error)
    assert run(environment(tmp_path), lambda: outcome) == 1
    output = capsys.readouterr().out
    assert '1. open_clip does not import.' in output
    assert f'     type: {line}\n' in output
    assert 'not tried after it: mpafer_plugin' in output
