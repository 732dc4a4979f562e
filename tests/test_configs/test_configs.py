import re

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mpafer_plugin.clip import image_size
from mpafer_plugin.datasets.categories import COMPOUND_EXPRESSIONS
from tests.conftest import CONFIGS

NAMES = sorted(path.name for path in CONFIGS.glob('mpafer_*.py'))
FEW_FACES = {
    f'{split}_dataloader.dataset.num_{part}': count
    for split in ('train', 'val', 'test')
    for part, count in (('train', 140), ('test', 28))
}
OPTIONS = dict.fromkeys(
    ['mpafer_quickstart.py', 'mpafer_plus_quickstart.py'], FEW_FACES
)


def test_all_are_here():
    sets = ('rafdb', 'ferplus', 'affectnet7', 'affectnet8')
    assert set(NAMES) >= {
        'mpafer_quickstart.py',
        'mpafer_rafdb_compound.py',
        'mpafer_rafdb_laion2b.py',
        *(f'mpafer_{name}.py' for name in sets),
        *(f'mpafer_plus_{name}.py' for name in ('rafdb', 'ferplus')),
        *(f'mpafer_{name}_vit-l14.py' for name in sets),
    }


def train_a_step(runner):
    """Train one step; give the model, its tensors before it, and losses."""
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.call_hook('before_train')
    model = runner.model.train()
    before = {n: p.clone() for n, p in model.named_parameters()}
    losses = model.train_step(
        next(iter(runner.train_dataloader)), runner.optim_wrapper
    )
    return model, before, losses


@pytest.mark.parametrize('name', NAMES)
def test_builds_trains_a_step_and_tests_a_batch(name, build_runner):
    runner = build_runner(name, **OPTIONS.get(name, {}))
    model, before, losses = train_a_step(runner)
    terms = ['loss_cls', 'loss_token', 'loss_prompt', 'loss_proto']
    assert list(losses) == ['loss', *terms]
    torch.testing.assert_close(losses['loss'], sum(losses[t] for t in terms))
    assert losses['loss'].isfinite()
    changed = {
        n for n, p in model.named_parameters() if not torch.equal(p, before[n])
    }
    learned = {'backbone.prompts', 'head.text.context'}
    if '_plus_' in name:
        learned.add('head.proto_offsets')
        rates = {g['lr'] for g in runner.optim_wrapper.param_groups}
        assert sorted(rates) == pytest.approx([0.002, 0.01, 0.02])
    assert changed == learned

    model.eval()
    loader = Runner.build_dataloader(runner.cfg.test_dataloader)
    (sample, *_) = model.test_step(next(iter(loader)))
    assert sample.pred_score.shape == (
        len(loader.dataset.metainfo['classes']),
    )
    assert sample.pred_score.sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    'line, absent',
    [
        ({'model.backbone.num_prompts': 0}, 'backbone.prompts'),
        ({'model.head.loss_proto': None}, 'loss_proto'),
        (
            {'model.head.loss_token': None, 'model.head.loss_prompt': None},
            'loss_prompt',
        ),
        ({'model.head.local_weight': 0.0}, None),
        ({'model.head.text.class_specific_context': True}, None),
    ],
)
def test_parts_go_off_by_one_line(line, absent, build_runner):
    runner = build_runner(**line)
    model, before, losses = train_a_step(runner)
    assert losses['loss'].isfinite()
    assert absent not in losses and absent not in before
    learning = {n for n, p in model.named_parameters() if p.requires_grad}
    assert learning  # and none of it idle, which DDP would not bear
    for name in learning:
        assert not torch.equal(model.get_parameter(name), before[name])


@pytest.mark.parametrize(
    'arch, size',
    [
        ('ViT-B-16-quickgelu', 224),
        ('ViT-L-14-336', 336),
        ('ViT-B-16-SigLIP2', 224),
        ('ViT-L-16-SigLIP2-384', 384),
        ('EVA02-B-16', 224),
        ('EVA02-L-14-336', 336),
        ('PE-Core-B-16', 224),
        ('PE-Core-L-14-336', 336),
    ],
)
def test_the_tower_comes_from_the_environment(arch, size, monkeypatch):
    monkeypatch.setenv('MPAFER_ARCH', arch)
    monkeypatch.setenv('MPAFER_CLIP', 'weights/own.pt')
    monkeypatch.setenv('MPAFER_DATA', 'elsewhere')
    cfg = Config.fromfile(CONFIGS / 'mpafer_ferplus.py')
    for part in (cfg.model.backbone, cfg.model.head.text):
        assert (part.arch, part.pretrained) == (arch, 'weights/own.pt')
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert dataset.data_root == 'elsewhere/ferplus'
        scale = dataset.pipeline[1].scale
        assert scale == (size if split == 'train' else (size, size))
    assert cfg.tta_pipeline[1].scale == (size, size)


def test_defaults_are_the_papers(monkeypatch):
    for name in ('ARCH', 'CLIP', 'DATA'):
        monkeypatch.delenv(f'MPAFER_{name}', raising=False)
    cfg = Config.fromfile(CONFIGS / 'mpafer_rafdb.py')
    assert cfg.model.backbone.arch == 'ViT-B-16-quickgelu'
    assert cfg.model.backbone.pretrained == 'openai'
    assert cfg.model.backbone.num_prompts == 8
    assert cfg.model.head.text.num_context == 10
    assert cfg.model.head.top_k == 16
    assert cfg.train_dataloader.batch_size == 32
    assert cfg.train_cfg.max_epochs == 120
    assert cfg.optim_wrapper.optimizer.lr == 0.032
    assert cfg.test_dataloader.dataset.data_root == 'data/rafdb'


@pytest.mark.parametrize(
    'name, arch, weights',
    [
        *(
            (f'mpafer_{data}_vit-l14.py', 'ViT-L-14-quickgelu', 'openai')
            for data in ('rafdb', 'ferplus', 'affectnet7', 'affectnet8')
        ),
        ('mpafer_rafdb_laion2b.py', 'ViT-B-16', 'laion2b_s34b_b88k'),
    ],
)
def test_variants_differ_in_the_tower_alone(name, arch, weights, monkeypatch):
    for variable in ('ARCH', 'CLIP', 'DATA'):
        monkeypatch.delenv(f'MPAFER_{variable}', raising=False)
    base = re.sub('_(vit-l14|laion2b)', '', name)
    assert image_size(arch) == 224
    own, base = (Config.fromfile(CONFIGS / path) for path in (name, base))
    for part in (own.model.backbone, own.model.head.text):
        assert (part.pop('arch'), part.pop('pretrained')) == (arch, weights)
    for part in (base.model.backbone, base.model.head.text):
        del part['arch'], part['pretrained']
    for key in ('arch', 'clip_weights', '_tower'):
        for cfg in (own, base):
            cfg.pop(key, None)
    assert own.to_dict() == base.to_dict()


def test_affectnet_with_contempt_differs_in_contempt():
    seven, eight = (
        Config.fromfile(CONFIGS / f'mpafer_affectnet{n}.py') for n in (7, 8)
    )
    assert eight.classes == [*seven.classes, 'contempt']
    for n, cfg in ((7, seven), (8, eight)):
        assert len(cfg.model.head.text.classes) == n
        for split in ('train', 'val', 'test'):
            dataset = cfg[f'{split}_dataloader'].dataset
            assert (dataset.num_classes, dataset.split) == (n, split)


def test_compound_expressions_differ_in_classes_alone():
    basic, compound = (
        Config.fromfile(CONFIGS / f'mpafer_rafdb{name}.py')
        for name in ('', '_compound')
    )
    assert tuple(compound.classes) == COMPOUND_EXPRESSIONS
    assert compound.model.head.text.pop('classes') == compound.classes
    del basic.model.head.text['classes']
    for cfg in (basic, compound):
        for key in ('classes', '_loader'):
            cfg.pop(key, None)
    for split in ('train', 'val', 'test'):
        assert compound[f'{split}_dataloader'].dataset.pop('compound')
    assert compound.to_dict() == basic.to_dict()


def test_quickstart_is_the_same_recipe():
    own = Config.fromfile(CONFIGS / 'mpafer_quickstart.py')
    rafdb = Config.fromfile(CONFIGS / 'mpafer_rafdb.py')
    assert own.optim_wrapper == rafdb.optim_wrapper
    assert own.param_scheduler == rafdb.param_scheduler
    for pipeline in (own.test_pipeline, own.tta_pipeline):
        assert pipeline[1].scale == (64, 64)
    for cfg in (own, rafdb):
        for part in (cfg.model.backbone, cfg.model.head.text):
            del part['arch'], part['pretrained']
    assert own.model == rafdb.model


@pytest.mark.parametrize(
    'name', ['fer2013', 'ckplus', 'jaffe', 'kdef', 'sfew', 'expw', 'caers']
)
def test_other_datasets_are_the_same_recipe(name):
    own, base = (
        Config.fromfile(CONFIGS / f'mpafer_{n}.py') for n in (name, 'rafdb')
    )
    assert own.model.head.text.pop('classes') == own.classes
    del base.model.head.text['classes']
    for split in ('train', 'val', 'test'):
        dataset = own[f'{split}_dataloader'].dataset
        assert dataset.split == split
        assert dataset.data_root.endswith(f'/{name}')
        assert dataset.get('folds') == (
            10 if name in ('ckplus', 'jaffe', 'kdef', 'expw') else None
        )
        for cfg in (own, base):
            pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
            cfg[f'{split}_dataloader'].dataset = pipeline
    for cfg in (own, base):
        for key in ('classes', 'data_root', 'dataset'):
            cfg.pop(key)
    assert own.to_dict() == base.to_dict()


def test_learning_rate_warms_up_and_ends_at_zero(build_runner):
    runner = build_runner(**{'train_cfg.max_epochs': 4})
    rates = []

    class Record:
        def __call__(self, runner, **kwargs):
            rates.append(runner.optim_wrapper.get_lr()['lr'][0])

    from mmengine.hooks import Hook

    hook = Hook()
    hook.after_train_iter = Record()
    runner.register_hook(hook)
    runner.train()
    epoch = len(rates) // 4
    assert rates[0] < 0.1 * 0.032
    assert max(rates) == pytest.approx(max(rates[epoch - 1 : epoch + 2]))
    assert rates[-1] < 0.01 * 0.032
