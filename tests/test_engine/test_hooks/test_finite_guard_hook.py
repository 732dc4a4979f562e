import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook

from mpafer_plugin.engine import FiniteGuardHook


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


def test_the_losses_are_those_of_the_step(build_runner):
    """Computed again, a batch would be mixed anew, without autocast."""
    runner = build_runner()
    calls = []
    runner.model.register_forward_hook(lambda *args: calls.append(args))
    train_until_it_stops(runner, after=3)
    assert len(calls) == 3


def test_gradients_that_are_not_clipped(build_runner):
    runner = build_runner(**{'optim_wrapper.clip_grad': None})
    before, message = train_until_it_stops(runner)
    assert "the losses ['loss_proto']" in message
    for old, new in zip(before, weights(runner), strict=True):
        assert torch.equal(old, new)


def test_a_fused_optimizer_skips_a_step_itself():
    """Under float16 the scaler tells it that gradients are not finite."""
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, fused=True)
    guard = FiniteGuardHook()
    wrapper = SimpleNamespace(optimizer=optimizer)
    runner = SimpleNamespace(iter=0, model=model, optim_wrapper=wrapper)
    guard.before_train_iter(runner, 0, dict(data_samples=[]))
    (model(torch.ones(1, 2)) / 0).sum().backward()
    before = model.weight.detach().clone()
    optimizer.found_inf = torch.tensor(1.0)
    optimizer.step()
    assert torch.equal(model.weight, before)
    optimizer.found_inf = torch.tensor(0.0)
    with pytest.raises(FloatingPointError, match=r"of \['weight'"):
        optimizer.step()


def test_losses_are_left_on_the_cpu_for_other_hooks(build_runner):
    runner = build_runner()
    seen = []

    class Reader(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch, outputs):
            seen.append(outputs)

    runner.register_hook(Reader(), priority='VERY_HIGH')
    runner.train()
    assert len(seen) == 10
    for losses in seen:
        assert set(losses) >= {'loss', 'loss_cls', 'loss_proto'}
        for loss in losses.values():
            assert loss.device.type == 'cpu' and not loss.requires_grad
            assert torch.isfinite(loss)  # a tensor, as CheckInvalidLossHook
