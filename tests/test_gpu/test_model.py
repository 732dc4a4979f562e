"""Numbers of the model: as on the CPU, in mixed precision, without waits."""

import contextlib
import copy
import warnings

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch.nn.attention import SDPBackend, sdpa_kernel

from mpafer_plugin.clip.precision import cast_towers
from mpafer_plugin.models.utils import frozen_mlp, prompted_block
from tests.test_gpu.conftest import gradients_of, losses_of

HALF = dict(bf16=torch.bfloat16, fp16=torch.float16)
WAITS = 4
"""Of one training step, hooks not counted."""


def distance(found, expected):
    """Relative L2 distance in float64, on the CPU."""
    found, expected = (t.detach().cpu().double() for t in (found, expected))
    return float((found - expected).norm() / expected.norm())


def cosine(a, b):
    a, b = (t.detach().cpu().double().flatten() for t in (a, b))
    return float(F.cosine_similarity(a, b, dim=0))


def test_losses_and_gradients_as_on_the_cpu(face_tiny, model, batch):
    cpu = copy.deepcopy(face_tiny)
    expected, losses = losses_of(cpu, batch), losses_of(model, batch)
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():  # logits are multiplied by 100
        torch.testing.assert_close(
            loss.cpu(), expected[name], rtol=1e-4, atol=1e-5
        )
    gradients = gradients_of(cpu, expected)
    for name, gradient in gradients_of(model, losses).items():
        assert distance(gradient, gradients[name]) <= 1e-3, name


@pytest.mark.parametrize('cast', [False, True])
@pytest.mark.parametrize('half', HALF)
def test_mixed_precision_is_near(model, batch, half, cast):
    """Near, not equal: the best patches of a class may be others."""
    expected = losses_of(model, batch)
    gradients = gradients_of(model, expected)
    if cast:
        cast_towers(model, HALF[half])
    rtol, least = dict(bf16=(2e-2, 0.98), fp16=(5e-3, 0.998))[half]
    losses = losses_of(model, batch, HALF[half])
    for name, loss in losses.items():
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, expected[name], rtol=rtol, atol=1e-3)
    for name, gradient in gradients_of(model, losses).items():
        assert gradient.dtype == torch.float32 and gradient.isfinite().all()
        assert cosine(gradient, gradients[name]) >= least, name


def test_checkpointing_in_mixed_precision(model, batch):
    gradients = []
    for with_cp in (False, True):
        model.backbone.with_cp = with_cp
        losses = losses_of(model, batch, torch.bfloat16)
        gradients.append(gradients_of(model, losses))
    for name, gradient in gradients[0].items():
        assert distance(gradients[1][name], gradient) <= 1e-3, name


@pytest.mark.parametrize('half', [None, *HALF])
def test_frozen_mlp_and_block_as_open_clip(device, half):
    """At the widths of a B/16."""
    tolerance = {None: 1e-5, 'bf16': 1e-2, 'fp16': 2e-3}[half]
    block = ResidualAttentionBlock(768, 12, act_layer=QuickGELU)
    block.requires_grad_(False).eval()
    exact = copy.deepcopy(block).double()
    block.to(device)
    x, prompts = torch.randn(2, 50, 768), torch.randn(8, 768)

    def textbook(x):
        tokens = torch.cat([x, prompts.double().expand(2, -1, -1)], 1)
        return exact(tokens)[:, :50]

    for ours, theirs in (
        (lambda x: frozen_mlp(block.mlp, x), exact.mlp),
        (lambda x: prompted_block(block, x, prompts.to(device)), textbook),
    ):
        given = x.to(device).clone().requires_grad_()
        target = x.double().requires_grad_()
        dtype = HALF.get(half)
        with torch.autocast(device, dtype, enabled=dtype is not None):
            out = ours(given)
        expected = theirs(target)
        assert distance(out, expected) <= tolerance
        out.float().square().sum().backward()
        expected.square().sum().backward()
        assert distance(given.grad, target.grad) <= tolerance


def test_gradient_of_the_frozen_mlp(model):
    mlp = copy.deepcopy(model.backbone.tower.blocks[0].mlp).double()
    x = torch.randn(2, 3, mlp.c_fc.in_features, dtype=torch.double)
    x = x.to(next(mlp.parameters()).device).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: frozen_mlp(mlp, x), x, fast_mode=True
    )


@pytest.mark.gpu
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32])
def test_attention_is_fused(dtype):
    """Raises if only torch's kernel for any case, MATH, fits a B/16."""
    block = ResidualAttentionBlock(768, 12).requires_grad_(False).cuda()
    x = torch.randn(4, 197, 768, device='cuda', requires_grad=True)
    prompts = torch.randn(8, 768, device='cuda')
    fused = [
        SDPBackend.FLASH_ATTENTION,
        SDPBackend.EFFICIENT_ATTENTION,
        SDPBackend.CUDNN_ATTENTION,
    ]
    half = dtype != torch.float32
    with sdpa_kernel(fused), torch.autocast('cuda', dtype, enabled=half):
        prompted_block(block, x, prompts).float().sum().backward()
    assert x.grad.isfinite().all()


@contextlib.contextmanager
def waits(mode):
    """List the waits of the host for the GPU; there are none on the CPU."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        seen: list[str] = []
        if torch.cuda.is_available():
            torch.cuda.set_sync_debug_mode(mode)
        try:
            yield seen
        finally:
            if torch.cuda.is_available():
                torch.cuda.set_sync_debug_mode('default')
    seen += [str(w.message) for w in found if 'synchron' in str(w.message)]


def test_forward_and_backward_do_not_wait(model, batch):
    data = model.data_preprocessor(batch, training=True)
    gradients_of(model.train(), model(**data, mode='loss'))
    with waits('error'):
        losses = model(**data, mode='loss')
        sum(losses.values()).backward()


def test_a_step_hardly_waits(model, batch):
    parameters = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(
        torch.optim.SGD(parameters, 0.01), clip_grad=dict(max_norm=1.0)
    )
    if torch.cuda.is_available():
        batch['inputs'] = batch['inputs'].pin_memory()
    model.train().train_step(copy.deepcopy(batch), wrapper)
    with waits('warn') as seen:
        model.train_step(batch, wrapper)
    assert len(seen) <= WAITS, seen


def test_class_vectors_follow_device_and_dtype(face_tiny, device):
    model = copy.deepcopy(face_tiny)
    with torch.no_grad():
        first = model.head.class_vectors()
        assert model.to(device).head.class_vectors().device.type == device
        torch.testing.assert_close(
            model.head.class_vectors().cpu(), first, rtol=1e-5, atol=1e-5
        )
        half = model.half().head.class_vectors()
        assert half.dtype == torch.float16
        again = model.float().cpu().head.class_vectors()
        torch.testing.assert_close(again, first, rtol=1e-2, atol=1e-2)
        model.head.text.context.add_(0.1)
        assert not torch.allclose(model.head.class_vectors(), again)
