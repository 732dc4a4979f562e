import pytest
import torch


@pytest.mark.slow
def test_compiled_training_is_the_same_training(build_runner, device):
    """The last batch is smaller; nothing is compiled anew at each step."""
    backend = 'inductor' if device == 'cuda' else 'aot_eager'
    contexts, frames = [], []
    for compile in (False, dict(backend=backend)):
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        runner = build_runner(compile=compile)
        train_step = runner.model.train_step

        def step(*args, train_step=train_step, **kwargs):
            found = train_step(*args, **kwargs)
            counts = torch._dynamo.utils.counters['frames']
            frames.append(counts['total'])
            return found

        runner.model.train_step = step
        runner.train()
        contexts.append(runner.model.head.text.context.detach().clone())
    torch.testing.assert_close(*contexts, rtol=1e-3, atol=1e-6)
    assert frames[-2] == frames[-len(frames) // 4]
