import pytest
import torch
from open_clip.transformer import ResidualAttentionBlock

from mpafer_plugin.models.utils import prompted_block


def make_block(ls_init_value=None):
    block = ResidualAttentionBlock(16, 2, ls_init_value=ls_init_value)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block.double()


def insert_and_drop(block, x, prompts):
    """The paper's form: append the prompts, run the block, cut them off."""
    prompts = prompts.expand(len(x), -1, -1)
    return block(torch.cat([x, prompts], dim=1))[:, : x.shape[1]]


@pytest.mark.parametrize('ls_init_value', [None, 0.1])
def test_equals_insert_and_drop_with_gradients(ls_init_value):
    block = make_block(ls_init_value)
    x = torch.randn(3, 5, 16, dtype=torch.double, requires_grad=True)
    prompts = torch.randn(4, 16, dtype=torch.double, requires_grad=True)
    weights = torch.randn(3, 5, 16, dtype=torch.double)
    results = []
    for function in (insert_and_drop, prompted_block):
        out = function(block, x, prompts)
        grads = torch.autograd.grad((out * weights).sum(), (x, prompts))
        results.append((out, *grads))
    for literal, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, literal, atol=1e-12, rtol=1e-12)
        assert ours.abs().max() > 0.1


def test_without_prompts_is_the_block_itself():
    block = make_block()
    x = torch.randn(3, 5, 16, dtype=torch.double)
    torch.testing.assert_close(prompted_block(block, x, None), block(x))
