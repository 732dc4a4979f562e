"""model-index.yml and configs/metafile.yml, read by the host."""

import pytest
from mmengine.config import Config
from mmpretrain.apis import ModelHub

from mpafer_plugin.clip import architecture
from tests.conftest import CONFIGS, ROOT

PUBLISHED = {
    'rafdb': (92.51, 93.74),
    'ferplus': (91.15, 91.81),
    'affectnet7': (67.85, 68.89),
    'affectnet8': (62.80, 63.74),
}


@pytest.fixture(scope='module')
def models():
    before = set(ModelHub._models_dict)
    ModelHub.register_model_index(ROOT / 'model-index.yml', ROOT)
    own = set(ModelHub._models_dict) - before
    yield {name: ModelHub._models_dict[name] for name in own}
    for name in own:
        del ModelHub._models_dict[name]


def test_each_config_is_listed_once(models):
    listed = sorted(model.config for model in models.values())
    assert listed == sorted(map(str, CONFIGS.glob('mpafer_*.py')))


def test_numbers_are_said_to_be_published_or_measured(models):
    for model in models.values():
        assert model.weights is None  # there are none to link to
        for result in model.results:
            assert all(
                key.endswith(('(published)', '(measured)'))
                for key in result.metrics
            )
    for data, accuracies in PUBLISHED.items():
        for arch, accuracy in zip(
            ('vit-b16', 'vit-l14'), accuracies, strict=True
        ):
            (result,) = models[f'mpafer_{arch}_{data}'].results
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
