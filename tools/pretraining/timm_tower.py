import re
from copy import deepcopy
from typing import Any

import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.transformer import QuickGELU
from timm.layers import Mlp, PatchEmbed
from timm.models import VisionTransformer
from timm.models.vision_transformer import Block
from torch import nn

Weights = dict[str, torch.Tensor]

_NAMES = (
    (r'^cls_token$', 'class_embedding'),
    (r'^pos_embed$', 'positional_embedding'),
    (r'^patch_embed\.proj\.', 'conv1.'),
    (r'^norm_pre\.', 'ln_pre.'),
    (r'^norm\.', 'ln_post.'),
    (r'^blocks\.', 'transformer.resblocks.'),
    (r'\.norm([12])\.', r'.ln_\1.'),
    (r'\.attn\.qkv\.', '.attn.in_proj_'),
    (r'\.attn\.proj\.', '.attn.out_proj.'),
    (r'\.mlp\.fc1\.', '.mlp.c_fc.'),
    (r'\.mlp\.fc2\.', '.mlp.c_proj.'),
)


def from_timm(model: Any) -> tuple[dict, Weights]:
    """Convert a plain ViT of timm to the image tower of an open_clip CLIP.

    open_clip's patch convolution has no bias, so that of timm is added to the
    positions of the patches. The mean and std of timm's input are folded into
    both, so that the tower takes images normalised as for CLIP. The projection
    is the identity.

    Args:
        model (timm.models.VisionTransformer): A ViT that pools by its class
            token.

    Returns:
        tuple[dict, dict[str, torch.Tensor]]: Arguments of ``open_clip.CLIP``
        without ``text_cfg``, and weights by the names of ``clip.visual``. A
        ViT with further parts has further names.

    Raises:
        ValueError: If the ViT computes something else than open_clip's.
    """
    if difference := _difference(model):
        raise ValueError(
            f'{type(model).__name__} cannot be converted: {difference}; '
            'supported are plain ViTs, such as vit_tiny_patch16_224'
        )
    block, width = model.blocks[0], model.embed_dim
    renamed = {
        _rename(name): tensor
        for name, tensor in deepcopy(model.state_dict()).items()
        if not name.startswith('head.')
    }
    renamed['class_embedding'] = renamed['class_embedding'].flatten()
    renamed['positional_embedding'] = renamed['positional_embedding'][0]
    renamed['proj'] = torch.eye(width)
    _fold(renamed, model.pretrained_cfg)
    config = dict(
        embed_dim=width,
        quick_gelu=_same(block.mlp.act, QuickGELU()),
        vision_cfg=dict(
            image_size=model.patch_embed.img_size[0],
            patch_size=model.patch_embed.patch_size[0],
            layers=len(model.blocks),
            width=width,
            head_width=width // block.attn.num_heads,
            mlp_ratio=block.mlp.fc1.out_features / width,
            no_ln_pre=isinstance(model.norm_pre, nn.Identity),
            norm_kwargs=dict(eps=model.norm.eps),
        ),
    )
    return config, renamed


def _difference(model: Any) -> str:
    """Return what open_clip would compute otherwise, '' if nothing.

    What shows in the names of weights is left to the strict load.
    """
    if not isinstance(model, VisionTransformer):
        return 'it is no VisionTransformer'
    if model.global_pool != 'token':
        return f'it pools by {model.global_pool!r}'
    if model.pos_embed is None or model.no_embed_class:
        return 'not all of its tokens have positions'
    embed, block = model.patch_embed, model.blocks[0]
    if type(embed) is not PatchEmbed:
        return f'its patches are embedded by {type(embed).__name__}'
    if len({*embed.img_size}) > 1 or len({*embed.patch_size}) > 1:
        return f'it takes images of {embed.img_size}, in {embed.patch_size}'
    if type(block) is not Block or type(block.mlp) is not Mlp:
        return 'its blocks are not the standard ones'
    if not any(_same(block.mlp.act, act()) for act in (nn.GELU, QuickGELU)):
        return f'its activation is {block.mlp.act}'
    return ''


def _same(one: nn.Module, other: nn.Module) -> bool:
    """Compare activations by value: timm has several classes of each."""
    x = torch.linspace(-4, 4, 9)
    return torch.allclose(one(x), other(x))


def _rename(name: str) -> str:
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _fold(weights: Weights, pretrained_cfg: dict) -> None:
    """Fold normalisation and bias of the patches into weights that CLIP has.

    With pixels p, CLIP's input is x = (p - m) / s and timm's
    (p - m') / s' = x s / s' + (m - m') / s'.
    """
    mean, std, clip_mean, clip_std = (
        torch.tensor(values).view(3, 1, 1)
        for values in (
            pretrained_cfg['mean'],
            pretrained_cfg['std'],
            OPENAI_DATASET_MEAN,
            OPENAI_DATASET_STD,
        )
    )
    kernel = weights['conv1.weight']  # (d_v, 3, p, p)
    shift = (kernel * (clip_mean - mean) / std).sum((1, 2, 3))
    shift = shift + weights.pop('conv1.bias', 0)
    weights['conv1.weight'] = kernel * clip_std / std
    weights['positional_embedding'][1:] += shift
