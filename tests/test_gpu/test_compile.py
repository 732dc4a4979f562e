import pytest
import torch


@pytest.mark.gpu
def test_compiled_training_is_the_same_training(build_runner):
    """By inductor; its last batch is smaller than the others."""
    contexts = []
    for compile in (False, True):
        torch._dynamo.reset()
        runner = build_runner(compile=compile)
        runner.train()
        contexts.append(runner.model.head.text.context.detach().clone())
    torch.testing.assert_close(*contexts, rtol=1e-3, atol=1e-6)
