"""That no tensor stays on the CPU, on fake CUDA tensors, without a GPU."""

from contextlib import contextmanager

import pytest
import torch
from mmpretrain.structures import DataSample
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from mpafer_plugin.apis import build_model, explain
from mpafer_plugin.clip.precision import cast_towers

pytestmark = pytest.mark.skipif(
    torch.__version__ < (2, 10),
    reason='torch 2.8 asks for a driver for fake CUDA tensors',
)
BATCH, CLASSES = 4, 7
L1 = dict(
    loss_proto=dict(type='PrototypeAlignmentLoss', metric='l1'),
    loss_prompt=dict(type='SoftHardAlignmentLoss', mode='l1'),
    loss_token=dict(type='SoftHardAlignmentLoss', direction='symmetric'),
)
HALF = [None, torch.bfloat16, torch.float16]
WEIGHTED = dict(type='CrossEntropyLoss', class_weight=[1.0] * CLASSES)
VARIANTS = {
    'default': dict(),
    'soft labels': dict(),
    'prototype head': dict(head=dict(proto_weight=1.0)),
    'l1': dict(head=L1),
    'learnable scale, class context, masked names': dict(
        text=dict(class_specific_context=True, mask_name=True),
        head=dict(logit_scale='learnable'),
    ),
    'no prompts, no local score': dict(
        backbone=dict(num_prompts=0),
        head=dict(logit_scale=30.0, local_weight=0),
    ),
    'activation checkpointing': dict(backbone=dict(with_cp=True)),
    'class weights': dict(head=dict(loss_cls=WEIGHTED)),
}
CAST = ['default', 'prototype head', 'activation checkpointing']


def to_fake_cuda(model):
    """Replace every tensor of a model, as `.to('cuda')` would."""
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is not None:
                fake = torch.empty_like(value, device='cuda')
                module._parameters[name] = nn.Parameter(
                    fake, value.requires_grad
                )
        for name, value in module._buffers.items():
            if value is not None:
                module._buffers[name] = torch.empty_like(value, device='cuda')
    model._set_device(torch.device('cuda'))  # of the data preprocessor


@contextmanager
def autocast(dtype):
    """torch.autocast, which turns itself off without a GPU."""
    torch.set_autocast_enabled('cuda', dtype is not None)
    torch.set_autocast_dtype('cuda', dtype or torch.float16)
    try:
        yield
    finally:
        torch.set_autocast_enabled('cuda', False)


@pytest.mark.parametrize('dtype', HALF, ids=str)
@pytest.mark.parametrize('variant', VARIANTS)
def test_no_tensor_stays_on_the_cpu(tiny, variant, dtype):
    check(build_model(**tiny, **VARIANTS[variant]), dtype, variant)


@pytest.mark.parametrize('dtype', HALF[1:], ids=str)
@pytest.mark.parametrize('variant', CAST)
def test_nor_with_frozen_towers_in_half_precision(tiny, variant, dtype):
    model = build_model(**tiny, **VARIANTS[variant])
    cast_towers(model, dtype)
    check(model, dtype, variant)


def check(model, dtype, variant):
    """Run losses, prediction and explanation on fake CUDA tensors."""
    samples = [DataSample().set_gt_label(0) for _ in range(BATCH)]
    if variant == 'soft labels':
        samples = [DataSample().set_gt_score([0.0] * 7) for _ in range(BATCH)]
    model.head._prototypes_seen = True  # fake tensors have no values
    with FakeTensorMode(allow_non_fake_inputs=True):
        to_fake_cuda(model)
        raw = torch.empty(BATCH, 3, 32, 32, dtype=torch.uint8)  # of a loader
        data = model.data_preprocessor(
            dict(inputs=raw, data_samples=samples), training=True
        )
        with autocast(dtype):
            losses = model.train()(**data, mode='loss')
        for name, loss in losses.items():
            assert loss.device.type == 'cuda', name
            assert loss.dtype == torch.float32, name
        with torch.no_grad(), autocast(dtype):
            features = model.eval().extract_feat(data['inputs'])
            classes = model.head.text()
            # Without the cache, which compares values.
            model.head.class_vectors = lambda: classes
            assert model.head(features).device.type == 'cuda'
            found = explain(model, data['inputs'])
        for name, value in vars(found).items():
            assert value.device.type == 'cuda', name
