import re

import pytest
import torch


def weights(runner):
    return [p.clone() for p in runner.model.parameters() if p.requires_grad]


def train_until_it_stops(runner, after=3):
    """Give the weights before the iteration that stops it, and the error."""
    head, seen = runner.model.head, []
    compute = head.loss_proto.forward

    def break_at(*args):
        seen.append(weights(runner))
        loss = compute(*args)
        return loss * float('inf') if len(seen) >= after else loss

    head.loss_proto.forward = break_at
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    return seen[after - 1], str(error.value)


def test_a_loss_that_is_not_finite(build_runner, data_root):
    runner = build_runner()
    before, message = train_until_it_stops(runner)
    assert message.startswith('iteration 3: ')
    assert "the losses ['loss_proto']" in message
    assert "the gradients of ['backbone.prompts'" in message
    images = re.findall(r"'([^']+_aligned.jpg)'", message)
    assert len(images) == 8
    assert all(path.startswith(str(data_root)) for path in images)
    for old, new in zip(before, weights(runner), strict=True):
        assert torch.equal(old, new)  # not harmed
        assert new.isfinite().all()


def test_a_loss_without_a_gradient(build_runner):
    runner = build_runner()
    runner.model.head.loss_prompt.forward = lambda *args: torch.tensor(
        float('nan')
    )
    with pytest.raises(FloatingPointError, match="'loss_prompt'"):
        runner.train()
    for weight in weights(runner):
        assert weight.isfinite().all()


def test_a_gradient_of_a_finite_loss(build_runner):
    runner = build_runner()
    runner.model.head.text.context.register_hook(lambda grad: grad / 0)
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    assert "gradients of ['head.text.context']" in str(error.value)
    assert 'losses' not in str(error.value).split('are not')[0]
