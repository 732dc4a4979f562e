import json
import re
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.cli.report import distinct_names, load_models, main
from mpafer_plugin.engine.checkpoints.file import read_checkpoint
from mpafer_plugin.report import content, plots
from mpafer_plugin.report.header import recipe_of
from tests.test_apis.conftest import save  # noqa: F401
from tests.test_datasets.conftest import log  # noqa: F401

RESIZE = dict(scale=[32, 32], interpolation='bicubic')


@pytest.fixture
def run(load_config, save, tmp_path):  # noqa: F811
    """Function that reports on models of a tiny config with other prompts.

    `run.save` saves one more, of the config with some options.
    """
    cfg = load_config('mpafer_rafdb.py')
    paths = []

    def one_more(seed, options=()):
        own = deepcopy(cfg)
        own.merge_from_dict(dict(options))
        torch.manual_seed(seed)
        model = MODELS.build(own.model)
        if model.backbone.prompts is not None:
            torch.nn.init.normal_(model.backbone.prompts)
        if model.head.loss_proto is not None:
            shape = torch.randn_like(model.head.prototypes)
            model.head.set_prototypes(shape)
        paths.append(str(save(model, f'{seed}.pth', resize=RESIZE)))
        return model

    for seed in (0, 1):
        one_more(seed)
    cfg.dump(tmp_path / 'tiny.py')
    out = tmp_path / 'r.html'

    def run(*args, models=1):
        given = str(tmp_path / 'tiny.py'), *paths[:models]
        assert main([*given, '--out', str(out), *args]) == 0
        found = json.loads(out.with_suffix('.json').read_text())
        return found, out.read_text()

    run.cfg, run.paths, run.save = cfg, paths, one_more
    return run


def test_a_report_has_the_numbers_of_a_test(run):
    numbers, html = run()
    (model,) = numbers['models']
    run.cfg.load_from, run.cfg.experiment_name = run.paths[0], 'report'
    expected = Runner.from_cfg(run.cfg).test()
    for name in ('accuracy', 'uar', 'macro_f1'):
        found = model['metrics'][name]
        assert found['value'] == pytest.approx(expected[f'fer/{name}'])
        assert found['low'] <= found['value'] <= found['high']
    assert sum(map(sum, model['confusion'])) == numbers['data']['images'] == 28
    assert model['confidence']['temperature']['images'] == 7  # validation
    assert model['facts']['sha256'] in html
    assert html.count('data:image/jpeg') >= 28
    # Nothing is fetched from elsewhere.
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html)
    (pair, *_) = model['mistakes']['pairs']
    assert pair['images'][0]['path'].endswith('_aligned.jpg')
    assert not pair['images'][0]['path'].startswith('/')


def test_two_checkpoints(run):
    numbers, html = run(models=2)
    first, second = numbers['models']
    (pair,) = numbers['comparison']['pairs']
    for name, found in pair['difference'].items():
        gain = (
            second['metrics'][name]['value'] - first['metrics'][name]['value']
        )
        assert found['value'] == pytest.approx(gain, abs=1e-4)
    right = [
        sum(m['confusion'][c][c] for c in range(7)) for m in (first, second)
    ]
    mcnemar = pair['mcnemar']
    assert mcnemar['only_b'] - mcnemar['only_a'] == right[1] - right[0]
    assert 'id="comparison"' in html
    spread = numbers['comparison']['spread']['accuracy']
    assert spread['mean'] == pytest.approx(100 * sum(right) / 56, abs=1e-4)


def test_checkpoints_with_other_prompts(run, log):  # noqa: F811
    """Each is as in its training, CoOp without visual prompts too."""
    short = {
        'backbone.num_prompts': 3,
        'backbone.prompt_depth': 1,
        'head.text.num_context': 4,
        'head.text.class_specific_context': True,
        'head.top_k': 2,
        'head.logit_scale': 'learnable',
    }
    coop = {
        'backbone.num_prompts': 0,
        'head.local_weight': 0,
        'head.loss_proto': None,
    }
    for seed, options in ((2, short), (3, coop)):
        run.save(seed, {f'model.{k}': v for k, v in options.items()})
    models = load_models(run.cfg, run.paths)
    recipes = [recipe_of(found.model, {}) for found in models]
    assert [r.get('visual prompts') for r in recipes] == [
        *2 * ['8 x 2 layers'], '3 x 1 layers', None,
    ]  # fmt: skip
    assert [r['context vectors'] for r in recipes] == [10, 10, 4, 10]
    assert [r['top_k'] for r in recipes] == [16, 16, 2, 16]
    assert [r['local_weight'] for r in recipes] == [1, 1, 1, 0]
    assert 'num_context=4, not 10' in log.text
    assert 'was trained with other settings' not in log.text
    # As each checkpoint alone gives it.
    images = torch.randn(2, 3, 32, 32)
    for path, found in zip(run.paths[2:], models[2:], strict=True):
        alone = load_model(path, clip=run.cfg.model.backbone.pretrained)
        with torch.no_grad():
            expected, scores = (
                m.model.head(m.model.extract_feat(images))
                for m in (alone, found)
            )
        torch.testing.assert_close(scores, expected)


def test_sections_of_one_checkpoint(run):
    numbers, html = run()
    assert numbers['comparison'] is None and 'id="comparison"' not in html
    (model,) = numbers['models']
    maps = model['patch_maps']
    assert sum(found['images'] for found in maps) == 28
    for found in maps:  # k = 16 of the 16 patches
        assert found['share'] == 4 * [4 * [1]]
    assert model['features']['images'] == 28
    assert len(model['prompts']['context']) == 10
    assert len(model['prompts']['attention']) == 2  # layers
    assert html.count('<svg') >= 6


def test_images_may_be_left_out(run):
    numbers, html = run('--no-images')
    # The maps of patches alone, over a grey square.
    maps = numbers['models'][0]['patch_maps']
    assert html.count('data:image/jpeg') == len(maps)


def test_very_many_classes(run, monkeypatch):
    monkeypatch.setattr(content, 'MOST_CLASSES', 3)
    monkeypatch.setattr(plots, 'MOST_NAMED', 3)
    _, html = run('--no-images', '--split', 'val')
    assert '7 of 7 classes, 1 of each' in re.sub(r'\s+', ' ', html)
    assert 'class="scroll tall"' in html
    assert 'id="confusion"' not in html  # a figure, not a table
    assert 'aria-label="Confusion matrix"' in html
    assert 'Colours and marks repeat' in html


def test_a_temperature_that_is_stored(run, tmp_path):
    (path, _), before = run.paths, read_checkpoint(run.paths[0])
    numbers, _ = run('--store-temperature')
    fitted = numbers['models'][0]['confidence']['temperature']
    after = read_checkpoint(path)
    assert after['mpafer'].pop('calibration') == dict(
        temperature=pytest.approx(fitted['value'], abs=1e-5), images=7
    )
    before['mpafer'].pop('calibration')  # None
    assert after['mpafer'] == before['mpafer']
    for name, value in before['state_dict'].items():
        assert torch.equal(after['state_dict'][name], value)
    # The probabilities are those of logits divided by it.
    config = str(tmp_path / 'tiny.py')
    plain, calibrated = (
        FERInferencer(config, path, face='none', calibrated=asked)
        for asked in (False, True)
    )
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    p, q = (x(image)[0][0]['pred_scores'] for x in (plain, calibrated))
    expected = p ** (1 / fitted['value'])
    np.testing.assert_allclose(q, expected / expected.sum(), rtol=1e-3)
    with pytest.raises(ValueError, match='--store-temperature'):
        FERInferencer(config, run.paths[1], face='none', calibrated=True)


def test_validation_has_no_temperature_of_its_own(run):
    numbers, html = run('--split', 'val')
    assert numbers['models'][0]['confidence']['temperature'] is None
    assert numbers['data']['images'] == 7
    assert numbers['no_temperature'] in html


def test_studies(tmp_path, capsys):
    result = dict(
        best=dict(accuracy=80.0, uar=70.0, macro_f1=60.0),
        last=dict(accuracy=79.0, uar=70.0, macro_f1=60.0),
        val_accuracy=81.0,
        learnable=1234,
        step_seconds=0.5,
    )
    better = result | dict(best=dict(accuracy=84.0, uar=70.0, macro_f1=60.0))
    study = tmp_path / 'studies' / 'one'
    study.mkdir(parents=True)
    row = dict(recipe='my_<b>', chosen={}, results=[result, better])
    (study / 'runs.json').write_text(json.dumps([row]))
    (study / 'table.md').write_text('### My study\n')
    out = tmp_path / 's.html'
    assert main(['--studies', str(tmp_path), '--out', str(out)]) == 0
    html = out.read_text()
    assert '82.00 ± 2.83' in html and 'My study (one)' in html
    assert 'my_&lt;b&gt;' in html and '<svg' in html
    (found,) = json.loads(out.with_suffix('.json').read_text())['studies']
    assert found['runs'][0]['results'][1]['best']['accuracy'] == 84
    (study / 'runs.json').write_text('[{"recipe": 1}]')
    assert main(['--studies', str(tmp_path), '--out', str(out)]) == 1
    assert str(study / 'runs.json') in capsys.readouterr().err
    assert main(['--studies', str(tmp_path / 'no'), '--out', str(out)]) == 1
    assert 'runs.json' in capsys.readouterr().err


def test_wrong_arguments(run, tmp_path, capsys):
    config = str(tmp_path / 'tiny.py')
    with pytest.raises(SystemExit):
        main([config, 'a.pth', '--out', 'r.pdf'])
    assert 'r.pdf' in capsys.readouterr().err
    out = str(tmp_path / 'r.html')
    assert main([config, 'absent.pth', '--out', out]) == 1
    assert 'absent.pth' in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r'twice'):
        main([config, 'a.pth', './a.pth', '--out', out])


def test_names_tell_checkpoints_apart():
    assert distinct_names(['a/best.pth']) == ['best.pth']
    assert distinct_names(['a/x.pth', 'b/x.pth']) == ['a/x.pth', 'b/x.pth']
    assert distinct_names(['a/c/x.pth', 'b/c/x.pth']) == [
        'a/c/x.pth',
        'b/c/x.pth',
    ]
