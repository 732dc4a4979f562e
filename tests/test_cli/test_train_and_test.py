import json
import os
import pickle
import subprocess
import sys

import pytest
from mmengine.config import Config

from mpafer_plugin.cli import test as test_command
from mpafer_plugin.cli import train
from mpafer_plugin.cli.zero_shot import score
from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS
from tests.conftest import CONFIGS, ROOT

# One process makes what the tests share.
pytestmark = pytest.mark.xdist_group('train_and_test')
SMALL = [
    f'{split}_dataloader.num_workers=0' for split in ('train', 'val', 'test')
]


@pytest.fixture(scope='module')
def run(tmp_path_factory, tiny_arch, tiny_weights, data_root):
    """Return a function that runs a tool in another folder."""
    folder = tmp_path_factory.mktemp('elsewhere')
    environment = os.environ | dict(
        MPAFER_ARCH=tiny_arch,
        MPAFER_CLIP=tiny_weights,
        MPAFER_DATA=str(data_root),
    )

    def run(tool, *args):
        result = subprocess.run(
            [sys.executable, str(ROOT / 'tools' / tool), *map(str, args)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        result.folder = folder
        return result

    return run


@pytest.fixture(scope='module')
def trained(run):
    result = run(
        'train.py',
        CONFIGS / 'mpafer_rafdb.py',
        '--work-dir',
        'out',
        '--amp',
        'bf16',
        '--auto-scale-lr',
        '--no-pin-memory',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    return result


def test_train(trained):
    out = trained.folder / 'out'
    assert (out / 'epoch_1.pth').is_file()
    assert list(out.glob('best_fer_accuracy_epoch_1.pth'))
    log = trained.stdout + trained.stderr
    assert log.count('dtype bfloat16: as requested') == 1
    # The learning rate is meant for a batch of 32.
    assert 'original LR by 1.0' in log
    assert 'fer/accuracy' in log
    for term in ('loss_cls', 'loss_token', 'loss_prompt', 'loss_proto'):
        assert term in log
    assert 'shares' not in log


@pytest.mark.slow
def test_resume(trained, run):
    result = run(
        'train.py',
        CONFIGS / 'mpafer_rafdb.py',
        '--work-dir',
        'out',
        '--resume',
        '--no-validate',
        '--no-persistent-workers',
        '--cfg-options',
        'train_cfg.max_epochs=2',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    assert 'resumed epoch: 1' in result.stdout + result.stderr
    assert (result.folder / 'out' / 'epoch_2.pth').is_file()


def test_test(trained, run):
    (best,) = (trained.folder / 'out').glob('best_*.pth')
    result = run(
        'test.py',
        CONFIGS / 'mpafer_rafdb.py',
        best,
        '--out',
        'metrics.json',
        '--out-item',
        'metrics',
        '--show-dir',
        'drawn',
        '--interval',
        '10',
        '--cfg-options',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    metrics = json.loads((result.folder / 'metrics.json').read_text())
    assert 0 <= metrics['fer/accuracy'] <= 100
    # Without --work-dir it is named after the config.
    work_dir = result.folder / 'work_dirs' / 'mpafer_rafdb'
    assert (work_dir / 'per_class.csv').is_file()
    assert (work_dir / 'confusion_matrix.png').is_file()
    assert list(result.folder.rglob('drawn/**/*.png'))


def test_checkpoint_is_required(run):
    # 2 layers x 8 prompts and 10 context vectors, of 16 channels
    result = run('test.py', CONFIGS / 'mpafer_rafdb.py')
    assert result.returncode == 1
    assert 'CHECKPOINT' in result.stderr
    assert '416 trainable' in result.stderr


@pytest.mark.slow
def test_test_with_augmentation_and_predictions(trained, run):
    (best,) = (trained.folder / 'out').glob('best_*.pth')
    result = run(
        'test.py',
        CONFIGS / 'mpafer_rafdb.py',
        best,
        '--tta',
        '--show-dir',
        'drawn_tta',
        '--out',
        'predictions.pkl',
        '--cfg-options',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    with open(result.folder / 'predictions.pkl', 'rb') as file:
        predictions = pickle.load(file)
    assert len(predictions) == 28
    assert len(list(result.folder.rglob('drawn_tta/*.png'))) == 28
    assert len(predictions[0]['pred_score']) == 7


@pytest.mark.slow
def test_on_the_data_of_another_config(trained, run):
    """RAF-DB's seven classes on FERPlus, which has contempt too."""
    (best,) = (trained.folder / 'out').glob('best_*.pth')
    result = run(
        'test.py',
        CONFIGS / 'mpafer_rafdb.py',
        best,
        '--data',
        CONFIGS / 'mpafer_ferplus.py',
        '--tta',
        '--out',
        'across.json',
        '--out-item',
        'metrics',
        '--cfg-options',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    metrics = json.loads((result.folder / 'across.json').read_text())
    assert metrics['fer/left_out'] == pytest.approx(100 / 8)
    assert "The model lacks ['contempt']" in result.stdout + result.stderr
    # The results on its own data are kept.
    folder = result.folder / 'work_dirs' / 'mpafer_rafdb_on_mpafer_ferplus'
    report = (folder / 'per_class.csv').read_text()
    assert [line.split(',')[:2] for line in report.splitlines()[1:]] == [
        [name, '4'] for name in SEVEN_EXPRESSIONS
    ]


@pytest.mark.slow
def test_select_on_test(run):
    result = run(
        'train.py',
        CONFIGS / 'mpafer_rafdb.py',
        '--work-dir',
        'chosen',
        '--select-on-test',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    assert 'selected on the test set' in log
    assert 'all official training images, nothing held out' in log
    cfg = Config.fromfile(result.folder / 'chosen' / 'mpafer_rafdb.py')
    # Scores on validation and on the test set cannot be compared.
    other = run(
        'train.py', CONFIGS / 'mpafer_rafdb.py', '--work-dir', 'chosen',
        '--resume',
    )  # fmt: skip
    assert other.returncode == 1
    assert 'was started with --select-on-test' in other.stderr
    assert cfg.select_on_test
    assert cfg.val_dataloader.dataset.split == 'test'
    assert cfg.train_dataloader.dataset.val_fraction == 0


def test_tta_without_its_pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tmp_path / 'plain.py'
    config.write_text(
        f"_base_ = ['{CONFIGS}/mpafer_rafdb.py']\ntta_pipeline = []\n"
    )
    with pytest.raises(SystemExit, match='has no tta_pipeline'):
        test_command.main([str(config), 'x.pth', '--tta'])


def test_zero_shot(run):
    result = run(
        'zero_shot.py',
        CONFIGS / 'mpafer_ferplus.py',
        '--out',
        'zero.json',
        '--cfg-options',
        *SMALL,
    )
    assert result.returncode == 0, result.stderr
    results = json.loads((result.folder / 'zero.json').read_text())
    assert list(results) == ['1', '2', '3', 'mean']
    for kinds in results.values():
        assert 0 <= kinds['token']['accuracy'] <= 100
        assert 0 <= kinds['both']['uar'] <= 100
    assert 'global-local' in result.stdout


def test_zero_shot_classes_must_differ_at_each_granularity(load_config):
    cfg = load_config(
        'mpafer_rafdb.py',
        **{
            'model.head.text.class_specific_context': True,
            'model.head.text.prompt_names': dict(fear='anger'),
        },
    )
    with pytest.raises(ValueError, match=r"'fear'.*'a photo of anger'"):
        score(cfg)


def test_select_on_test_in_wrappers():
    cfg = Config.fromfile(CONFIGS / 'mpafer_rafdb.py')
    part = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ConcatDataset', datasets=[part, part]),
    )
    train.select_on_test(cfg)
    parts = cfg.train_dataloader.dataset.dataset.datasets
    assert [found.val_fraction for found in parts] == [0, 0]
    cfg.test_dataloader = None
    with pytest.raises(SystemExit, match='no test_dataloader'):
        train.select_on_test(cfg)


@pytest.mark.parametrize(
    'args, message',
    [
        (['--out', 'x.txt'], 'must end in .json or .pkl'),
        (['--out', 'x.json'], 'predictions are written as .pkl'),
    ],
)
def test_wrong_arguments(args, message, capsys):
    with pytest.raises(SystemExit) as end:
        test_command.main([str(CONFIGS / 'mpafer_rafdb.py'), 'x.pth', *args])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_folder_is_named(run):
    result = run(
        'train.py',
        CONFIGS / 'mpafer_rafdb.py',
        '--cfg-options',
        'train_dataloader.dataset.data_root=nowhere',
    )
    assert result.returncode != 0
    assert "'nowhere' is no folder" in result.stderr
