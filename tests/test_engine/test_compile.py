import pytest
import torch


@pytest.mark.slow
def test_compiled_training_is_the_same_training(build_runner):
    """`compile` is mmengine's switch; nothing of ours may stand in its way."""
    contexts = []
    for compile in (False, dict(backend='aot_eager')):
        torch._dynamo.reset()
        runner = build_runner(compile=compile)
        runner.train()
        contexts.append(runner.model.head.text.context.detach().clone())
    torch.testing.assert_close(*contexts, rtol=1e-4, atol=1e-6)
