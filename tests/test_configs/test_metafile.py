"""model-index.yml and configs/metafile.yml, read by the host."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain import get_model, list_models
from mmpretrain.apis import ModelHub

from mpafer_plugin.clip import architecture
from tests.conftest import CONFIGS

PUBLISHED = {
    'rafdb': (92.51, 93.74),
    'ferplus': (91.15, 91.81),
    'affectnet7': (67.85, 68.89),
    'affectnet8': (62.80, 63.74),
}


@pytest.fixture(scope='module')
def models():
    """Entries of the host's model hub, made when the package is imported."""
    names = list_models('mpafer_*')
    return {name: ModelHub._models_dict[name] for name in names}


def test_each_config_is_listed_once(models):
    paths = sorted(CONFIGS.glob('mpafer_*.py'))
    assert sorted(models) == [path.stem for path in paths]
    listed = sorted(Path(model.config) for model in models.values())
    assert [path.resolve() for path in listed] == paths


def test_numbers_are_said_to_be_published_or_measured(models):
    for model in models.values():
        assert model.weights is None  # there are none to link to
        for result in model.results:
            assert all(
                key.endswith(('(published)', '(measured)'))
                for key in result.metrics
            )
    for data, accuracies in PUBLISHED.items():
        for arch, accuracy in zip(('', '_vit-l14'), accuracies, strict=True):
            (result,) = models[f'mpafer_{data}{arch}'].results
            assert result.metrics == {'Top 1 Accuracy (published)': accuracy}


def test_metadata_is_what_the_configs_say(models, monkeypatch):
    for variable in ('ARCH', 'CLIP', 'DATA'):
        monkeypatch.delenv(f'MPAFER_{variable}', raising=False)
    for model in models.values():
        cfg = Config.fromfile(model.config)
        metadata = model.metadata
        assert metadata.epochs == cfg.train_cfg.max_epochs
        assert metadata.batch_size == cfg.train_dataloader.batch_size
        clip = architecture(cfg.model.backbone.arch)
        vision, text = clip['vision_cfg'], clip['text_cfg']
        learnt = (
            vision['layers'] * cfg.model.backbone.num_prompts * vision['width']
            + cfg.model.head.text.get('num_context', 10) * text['width']
        )
        if cfg.model.head.get('proto_weight'):
            learnt += len(cfg.classes) * clip['embed_dim']
        assert metadata.data['Learnable Parameters'] == learnt


def test_a_model_by_its_name(build_runner):
    """The host's `get_model` builds it and loads what training saved."""
    runner = build_runner()
    runner.train()
    path = Path(runner.work_dir, 'epoch_1.pth')
    model = get_model('mpafer_rafdb', pretrained=str(path))
    own = runner.model.eval()
    batch = own.data_preprocessor(next(iter(runner.test_dataloader)))
    with torch.no_grad():
        expected = own.head(own.extract_feat(batch['inputs']))
        scores = model.head(model.extract_feat(batch['inputs']))
    torch.testing.assert_close(scores, expected, rtol=0, atol=0)
