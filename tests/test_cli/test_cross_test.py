import csv

import cv2
import pytest
import torch
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

from mpafer_plugin.cli import cross_test as command
from mpafer_plugin.cli import test as test_command
from mpafer_plugin.cli.cross_test import main
from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS
from tests.test_apis.conftest import save  # noqa: F401

RESIZE = dict(scale=[32, 32], interpolation='bicubic')


@pytest.fixture
def models(load_config, save, tmp_path):  # noqa: F811
    """A described checkpoint, the work dir of a linear probe, two configs."""
    configs = {}
    for name in ('mpafer_rafdb', 'mpafer_ferplus', 'baselines/linear_probe'):
        cfg = configs[name] = load_config(f'{name}.py')
        if name.startswith('mpafer'):
            cfg.dump(tmp_path / f'{name}.py')
    torch.manual_seed(0)
    model = MODELS.build(configs['mpafer_rafdb'].model)
    torch.nn.init.normal_(model.backbone.prompts)
    model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    described = save(model, 'mpa.pth', resize=RESIZE)
    probe = MODELS.build(configs['baselines/linear_probe'].model)
    torch.nn.init.normal_(probe.head.fc.weight)
    folder = tmp_path / 'probe'
    folder.mkdir()
    configs['baselines/linear_probe'].dump(folder / 'linear_probe.py')
    torch.save(
        {
            'meta': {'dataset_meta': {'classes': SEVEN_EXPRESSIONS}},
            'state_dict': probe.state_dict(),
        },
        folder / 'best_fer_accuracy_epoch_1.pth',
    )
    return described, folder, configs


def cross_test(models, tmp_path, *args):
    data = [tmp_path / f'mpafer_{name}.py' for name in ('rafdb', 'ferplus')]
    out = tmp_path / 'out'
    code = main(
        list(map(str, [*models, '--data', *data, '--out', out, *args]))
    )
    assert code == 0
    with (out / 'cross_test.csv').open() as file:
        rows = list(csv.DictReader(file))
    return {(row['model'], row['data']): row for row in rows}, out


def test_each_model_on_each_dataset(models, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    described, folder, configs = models
    cells, out = cross_test([described, folder], tmp_path)
    assert len(cells) == 4
    name = described.parent.name
    across = cells[name, 'mpafer_ferplus']
    assert (across['images'], across['left_out']) == ('28', '4')  # contempt
    assert across['classes'].split() == [*SEVEN_EXPRESSIONS]
    cfg = configs['mpafer_rafdb']
    cfg.load_from, cfg.experiment_name = str(described), 'cross'
    expected = Runner.from_cfg(cfg).test()
    found = cells[name, 'mpafer_rafdb']
    assert float(found['accuracy']) == pytest.approx(
        expected['fer/accuracy'], abs=1e-4
    )
    assert float(found['uar']) == pytest.approx(expected['fer/uar'], abs=1e-4)
    assert cells['probe', 'mpafer_ferplus']['images'] == '28'
    text = (out / 'cross_test.md').read_text()
    assert f'| {name} | ' in text and '4 left out' in text
    assert cv2.imread(str(out / 'cross_test.png')) is not None
    assert 'accuracy / UAR' in capsys.readouterr().out


def test_an_interrupted_command_is_resumed(
    models, tmp_path, monkeypatch, capsys
):
    """A cell is tested again only if its files or data are others."""
    monkeypatch.chdir(tmp_path)
    described, folder, _ = models
    tested = []

    def evaluate(loaded, cfg, dataset):
        if len(tested) == 3:
            raise KeyboardInterrupt
        tested.append(1)
        return dict(accuracy=float(len(tested)), uar=2.0, macro_f1=3.0)

    monkeypatch.setattr(command, 'evaluate', evaluate)
    data = [str(tmp_path / f'mpafer_{n}.py') for n in ('rafdb', 'ferplus')]
    given = [str(described), str(folder), '--data', *data, '--out', 'out']
    assert main(given) == 130
    assert 'the same command resumes' in capsys.readouterr().err
    tested[:2] = []
    cells, _ = cross_test([described, folder], tmp_path)
    assert [row['accuracy'] for row in cells.values()] == [
        '1.0000', '2.0000', '3.0000', '2.0000'
    ]  # fmt: skip
    assert len(tested) == 2
    cells, _ = cross_test([folder], tmp_path)
    assert len(cells) == len(tested) == 2
    content = torch.load(described)
    content['state_dict']['backbone.prompts'] += 1
    torch.save(content, described)
    tested.clear()
    cross_test([described, folder], tmp_path)
    assert len(tested) == 2  # of the changed checkpoint
    (tmp_path / 'out/cells.json').write_text('{"a": {"model": 5}}')
    assert main(given) == 1
    assert 'cells.json' in capsys.readouterr().err


def test_a_baseline_by_mpafer_test_on_other_classes(
    models, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    _, folder, _ = models
    out = tmp_path / 'metrics.json'
    code = test_command.main(
        [
            str(folder / 'linear_probe.py'),
            str(folder / 'best_fer_accuracy_epoch_1.pth'),
            '--data', str(tmp_path / 'mpafer_ferplus.py'),
            '--out', str(out), '--out-item', 'metrics',
        ]
    )  # fmt: skip
    assert code == 0
    assert '"fer/left_out": 12.5' in out.read_text()


def test_wrong_models(models, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _, folder, _ = models
    config = str(tmp_path / 'mpafer_rafdb.py')
    alone = str(folder / 'best_fer_accuracy_epoch_1.pth')
    for path, message in (
        ('absent.pth', "no file or work dir 'absent.pth'"),
        (alone, 'its work dir'),
        (str(tmp_path), 'must have one *.py'),
    ):
        assert main([path, '--data', config]) == 1
        assert message in capsys.readouterr().err
