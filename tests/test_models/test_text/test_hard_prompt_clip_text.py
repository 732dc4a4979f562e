import pytest
import torch
from mmpretrain.registry import MODELS

from mpafer_plugin.engine.checkpoints.metadata import CheckpointMeta

CLASSES = ['happiness', 'fear', 'happily surprised']


@pytest.mark.parametrize('granularity', [1, 3, 'mean'])
def test_its_classes_are_the_hard_prompts(tiny, granularity):
    arguments = dict(classes=CLASSES, granularity=granularity, **tiny)
    text = MODELS.build(dict(type='HardPromptCLIPText', **arguments))
    other = MODELS.build(dict(type='PromptedCLIPText', **arguments))
    torch.testing.assert_close(text(), other.hard_features)
    assert not [p for p in text.parameters() if p.requires_grad]


def test_a_context_is_refused(tiny):
    with pytest.raises(ValueError, match='num_context=4'):
        MODELS.build(
            dict(
                type='HardPromptCLIPText',
                classes=CLASSES,
                num_context=4,
                **tiny,
            )
        )


def test_no_checkpoint_claims_to_build_it(load_config):
    """Its prompts would come back as soft ones."""
    for name, built in (
        ('baselines/zero_shot.py', False),
        ('mpafer_rafdb.py', True),
    ):
        model = MODELS.build(load_config(name).model)
        settings = CheckpointMeta.from_model(model).settings
        assert (settings is not None) == built
