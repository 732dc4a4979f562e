"""docs/own_data.md from top to bottom, in a folder that is not the project's.

The images are drawn, the tower is face-tiny: the page's own words for
three of its expressions.
"""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from mpafer_plugin.datasets import SyntheticFaces
from tests.conftest import ROOT

PAGE = (ROOT / 'docs' / 'own_data.md').read_text()
FILES = dict(re.findall(r'```python\n# (\w+\.py)\n(.*?)```', PAGE, re.DOTALL))
(DESCRIPTIONS,) = re.findall(r'```json\n(.*?)```', PAGE, re.DOTALL)
COMMANDS = '\n'.join(re.findall(r'```bash\n(.*?)```', PAGE, re.DOTALL))
WORDS = {'neutral': 'tired', 'happiness': 'joyful', 'anger': 'in pain'}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """What the page has the reader make, with drawn faces."""
    folder = tmp_path_factory.mktemp('own')
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / 'my_descriptions.json').write_text(DESCRIPTIONS)
    drawn = str(tmp_path_factory.mktemp('drawn') / 'faces')
    with (folder / 'labels.csv').open('w', newline='') as file:
        table = csv.writer(file)
        table.writerow(['subject', 'label', 'path', 'split'])
        for split in ('train', 'test'):
            faces = SyntheticFaces(
                drawn, split, num_train=140, num_test=70, val_fraction=0
            )
            for i in range(len(faces)):
                face = faces.get_data_info(i)
                name = WORDS.get(faces.metainfo['classes'][face['gt_label']])
                if name is None:
                    continue
                path = Path('my_faces', split, name, f'{i:04}.jpg')
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                os.link(face['img_path'], folder / path)
                listed = path.relative_to('my_faces').as_posix()
                table.writerow([i, name, listed, split])
    (folder / 'labels.csv').rename(folder / 'my_faces' / 'labels.csv')
    return folder


@pytest.fixture(scope='module')
def environment():
    return os.environ | dict(
        MPAFER_ARCH='face-tiny',
        MPAFER_CLIP='face-tiny',
        PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
    )


@pytest.mark.slow
def test_all_of_the_page(folder, environment):
    (folder / 'without_test.py').write_text(
        "_base_ = ['my_faces.py']\n"
        'test_dataloader = test_cfg = test_evaluator = None\n'
    )
    commands = (
        f'set -e\n{COMMANDS}\npython predict.py > predictions.txt\n'
        'sed s/my_faces.py/without_test.py/ predict.py | python - > same.txt\n'
    )
    result = subprocess.run(
        ['bash', '-c', commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    assert list((folder / 'looked_at').glob('*.png'))
    log = result.stdout + result.stderr
    assert 'ClassBalancedSampler' in log
    # neither counts nor drawings of such classes were ever published
    assert 'the counts are not' not in log
    accuracy = re.findall(r'fer/accuracy: ([\d.]+)', log)[-1]
    found = [
        re.findall(
            r'^my_faces/test/(.+)/\d+\.jpg (.+) [\d.]+$',
            (folder / name).read_text(),
            re.MULTILINE,
        )
        for name in ('predictions.txt', 'same.txt')
    ]
    pairs = found[0]
    assert found[1] == pairs
    assert len(pairs) == len(list(folder.glob('my_faces/test/*/*.jpg')))
    assert {predicted for _, predicted in pairs} <= set(WORDS.values())
    right = sum(true == predicted for true, predicted in pairs) / len(pairs)
    assert right > 0.6  # chance is a third
    assert float(accuracy) > 0


def test_the_table_gives_what_the_folders_give(
    folder, environment, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    found = []
    for config in ('my_faces.py', 'my_table.py'):
        cfg = Config.fromfile(config)
        parts = []
        for split in ('train', 'val', 'test'):
            dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
            assert list(dataset.metainfo['classes']) == list(WORDS.values())
            infos = [dataset.get_data_info(i) for i in range(len(dataset))]
            parts.append({(i['img_path'], i['gt_label']) for i in infos})
        train, val, test = parts
        assert len(val) > 0
        # Other names of the same images: others are held out.
        found.append((train | val, len(train), len(val), test))
    assert found[0] == found[1]
