import pytest
import torch
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import nn

from mpafer_plugin.clip import frozen_mlp, prompted_block
from mpafer_plugin.clip.prompted_block import _Attention


def make_block(ls_init_value=None, act_layer=nn.GELU):
    block = ResidualAttentionBlock(
        16, 2, ls_init_value=ls_init_value, act_layer=act_layer
    )
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


def test_gradient_of_attention_in_bfloat16():
    block = ResidualAttentionBlock(64, 2, act_layer=QuickGELU)
    block = block.requires_grad_(False).double()
    x = torch.randn(2, 9, 64, dtype=torch.double)
    prompts = torch.randn(3, 64, dtype=torch.double)
    grads = []
    for dtype in (torch.double, torch.bfloat16):
        tensors = [t.to(dtype).requires_grad_() for t in (x, prompts)]
        out = prompted_block(block.to(dtype), *tensors)
        grads.append(torch.autograd.grad(out.square().sum(), tensors))
    for exact, found in zip(*grads, strict=True):
        error = (found - exact).norm() / exact.norm()
        assert 0 < error < 0.02
    q, k, v = torch.randn(3, 1, 2, 5, 8, dtype=torch.double).unbind()
    q = q[..., :3, :]
    inputs = [t.requires_grad_() for t in (q, k, v)]
    assert torch.autograd.gradcheck(_Attention.apply, inputs)


def test_without_prompts_is_the_block_itself():
    block = make_block()
    x = torch.randn(3, 5, 16, dtype=torch.double)
    torch.testing.assert_close(prompted_block(block, x, None), block(x))


@pytest.mark.parametrize('hooked', [False, True])
def test_causal_is_the_block_with_a_mask(hooked):
    block = make_block(act_layer=QuickGELU).requires_grad_(False)
    if hooked:  # then it is called
        block.register_forward_hook(lambda *args: None)
    x = torch.randn(3, 5, 16, dtype=torch.double, requires_grad=True)
    mask = torch.full((5, 5), float('-inf'), dtype=torch.double).triu(1)
    results = []
    for out in (
        block(x, attn_mask=mask),
        prompted_block(block, x, None, causal=True),
    ):
        results.append((out, *torch.autograd.grad(out.square().sum(), x)))
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)
    assert not torch.allclose(results[0][0], block(x))


@pytest.fixture
def mlp():
    layers = dict(
        c_fc=nn.Linear(6, 24), gelu=QuickGELU(), c_proj=nn.Linear(24, 6)
    )
    mlp = nn.Sequential()
    for name, layer in layers.items():
        mlp.add_module(name, layer)
    return mlp.requires_grad_(False)


@pytest.fixture
def x():
    return 2 * torch.randn(3, 5, 6)


def test_equals_open_clip(mlp, x):
    torch.testing.assert_close(frozen_mlp(mlp, x), mlp(x))
    with torch.no_grad():
        torch.testing.assert_close(frozen_mlp(mlp, x), mlp(x))


def test_gradient(mlp, x):
    mlp, x = mlp.double(), x.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: frozen_mlp(mlp, x), x)
    ours, theirs = (
        torch.autograd.grad(f(x).square().sum(), x)[0]
        for f in (lambda x: frozen_mlp(mlp, x), mlp)
    )
    torch.testing.assert_close(ours, theirs)


def test_keeps_one_tensor_for_the_gradient(mlp, x):
    """open_clip keeps two of the hidden width: less memory is the point."""

    def kept(f):
        tensors = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: tensors.append(t) or t, lambda t: t
        ):
            f(x.flatten(0, 1).requires_grad_())
        hidden = [t for t in tensors if t.shape[-1] == 24 and len(t) > 6]
        return len({t.data_ptr() for t in hidden})

    assert kept(lambda x: frozen_mlp(mlp, x)) == 1
    assert kept(mlp) == 2


def test_under_autocast(mlp, x):
    x.requires_grad_()
    outputs, grads = [], []
    for f in (lambda x: frozen_mlp(mlp, x), mlp):
        with torch.autocast('cpu', torch.bfloat16):
            out = f(x)
        assert out.dtype == torch.bfloat16
        outputs.append(out)
        grads.append(torch.autograd.grad(out.float().square().sum(), x)[0])
    torch.testing.assert_close(*outputs, atol=0.02, rtol=0.02)
    torch.testing.assert_close(*grads, atol=0.05, rtol=0.05)
    assert grads[0].dtype == torch.float32


@pytest.mark.parametrize('change', ['activation', 'learning'])
def test_what_is_left_to_open_clip(mlp, x, change):
    if change == 'activation':
        mlp.gelu = nn.GELU()
    else:
        mlp.requires_grad_(True)
    out = frozen_mlp(mlp, x)
    torch.testing.assert_close(out, mlp(x), rtol=0, atol=0)
    if change == 'learning':
        out.sum().backward()
        assert mlp.c_fc.weight.grad.abs().sum() > 0


def test_compiles_without_a_break(mlp, x):
    compiled = torch.compile(
        lambda x: frozen_mlp(mlp, x), backend='eager', fullgraph=True
    )
    x.requires_grad_()
    torch.testing.assert_close(compiled(x), mlp(x))


@pytest.mark.parametrize('name', ['c_fc.bias', 'c_proj.weight', 'c_proj.bias'])
def test_whatever_of_it_learns_has_a_gradient(mlp, x, name):
    parameter = mlp.get_parameter(name).requires_grad_()
    frozen_mlp(mlp, x).sum().backward()
    assert parameter.grad.abs().sum() > 0


class Doubled(nn.Module):
    """A wrapper, as LoRA's are: the layer it wraps has the weights."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.layer, name)

    def forward(self, *args, **kwargs):
        out = self.layer(*args, **kwargs)
        if isinstance(out, tuple):
            return 2 * out[0], *out[1:]
        return 2 * out


@pytest.mark.parametrize(
    'name', ['attn', 'mlp', 'mlp.c_fc', 'mlp.gelu', 'mlp.c_proj']
)
def test_a_wrapped_layer_is_called(name):
    block = make_block(act_layer=QuickGELU).requires_grad_(False)
    x, prompts = torch.randn(3, 5, 16).double(), torch.randn(4, 16).double()
    plain = prompted_block(block, x, prompts)
    block.set_submodule(name, Doubled(block.get_submodule(name)))
    out = prompted_block(block, x, prompts)
    torch.testing.assert_close(out, insert_and_drop(block, x, prompts))
    assert (out - plain).abs().max() > 0.1
    if name != 'attn':
        torch.testing.assert_close(frozen_mlp(block.mlp, x), block.mlp(x))


@pytest.mark.parametrize('prompts', [None, torch.ones(4, 16).double()])
@pytest.mark.parametrize('name', ['', 'ln_1', 'attn', 'mlp', 'mlp.gelu'])
def test_hooks_run(name, prompts):
    block = make_block(act_layer=QuickGELU).requires_grad_(False)
    x = torch.randn(3, 5, 16).double().requires_grad_()
    plain = prompted_block(block, x, prompts)
    ran = []
    layer = block.get_submodule(name)
    layer.register_forward_pre_hook(lambda *args: ran.append('before'))
    layer.register_forward_hook(lambda *args: ran.append('after'))
    layer.register_full_backward_hook(lambda *args: ran.append('backward'))
    out = prompted_block(block, x, prompts)
    out.sum().backward()
    assert {'before', 'after', 'backward'} == set(ran)
    torch.testing.assert_close(out, plain)


def test_a_wrapped_block_is_called():
    block, x = make_block(), torch.randn(3, 5, 16).double()
    prompts = torch.randn(4, 16).double()
    out = prompted_block(Doubled(block), x, prompts)
    torch.testing.assert_close(out, 2 * prompted_block(block, x, prompts))


def test_a_replaced_forward_runs(mlp, x, monkeypatch):
    monkeypatch.setattr(mlp.c_fc, 'forward', lambda x: x.new_zeros(24))
    assert torch.equal(frozen_mlp(mlp, x), mlp.c_proj.bias)


def test_more_layers_run(mlp, x):
    mlp.add_module('adapter', nn.Linear(6, 6))
    mlp.requires_grad_(False)
    torch.testing.assert_close(frozen_mlp(mlp, x), mlp(x))
