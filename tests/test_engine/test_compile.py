import copy

import pytest
import torch
from torch._dynamo.utils import counters

from mpafer_plugin.models import PromptedCLIPViT

EAGER = dict(backend='aot_eager')


@pytest.fixture(autouse=True)
def _nothing_is_compiled():
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.parametrize(
    'option', ['compile', 'model.backbone.compile'], ids=['step', 'blocks']
)
def test_compiled_training_is_the_same_training(build_runner, option):
    """`compile` is mmengine's switch; nothing of ours may stand in its way."""
    contexts = []
    for compile in (False, EAGER):
        runner = build_runner(**{option: compile})
        runner.train()
        contexts.append(runner.model.head.text.context.detach().clone())
    torch.testing.assert_close(*contexts, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('with_cp', [False, True])
def test_blocks_are_compiled_once(tiny, with_cp):
    """For all blocks and steps; a short last batch is no new length."""
    plain = PromptedCLIPViT(**tiny)
    compiled = PromptedCLIPViT(**tiny, with_cp=with_cp, compile=EAGER)
    compiled.prompts.data = plain.prompts.data.clone()
    frames = []
    for number in (4, 3, 4, 2, 4):
        images = torch.randn(number, 3, 32, 32)
        for backbone in (plain, compiled):
            backbone.prompts.grad = None
            ((feature, patches),) = backbone(images)
            (feature.sum() + patches.square().sum()).backward()
        torch.testing.assert_close(compiled.prompts.grad, plain.prompts.grad)
        frames.append(counters['frames']['total'])
    assert frames[1] == frames[-1] <= 4  # of the first block, of the others
    assert not counters['graph_break']
    copy.deepcopy(compiled)(images)
