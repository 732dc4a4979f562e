"""A tiny architecture of each family of open_clip, with random weights.

A family is open_clip's own config of one of its architectures, with few and
narrow layers: what makes it a family (norms, positions, pooling, masks) stays.
"""

import json
from copy import deepcopy

import timm
import torch
from open_clip import get_model_config
from open_clip.model import CLIP, CustomTextCLIP
from timm.models import vision_transformer_hybrid
from timm.models.vision_transformer_hybrid import ConvStem

FAMILIES = {
    'plain': 'ViT-B-16-quickgelu',
    'layer-scale': 'ViT-M-16-alt',
    'CLIPA': 'ViT-L-14-CLIPA',
    'worldwide': 'ViT-H-14-worldwide-quickgelu',
    'SigLIP': 'ViT-B-16-SigLIP',
    'SigLIP 2': 'ViT-B-16-SigLIP2',
    'SigLIP i18n': 'ViT-B-16-SigLIP-i18n-256',
    'EVA-01': 'EVA01-g-14',
    'EVA-02': 'EVA02-B-16',
    'EVA-02 E': 'EVA02-E-14',
    'PE': 'PE-Core-B-16',
    'PE bigG': 'PE-Core-bigG-14-448',
    'MobileCLIP B': 'MobileCLIP2-B',
    'MobileCLIP L': 'MobileCLIP2-L-14',
    'average': 'vit_medium_patch16_gap_256',
}

WIDTHS = dict(embed_dim=16, num_heads=2, depth=2, patch_size=8, img_size=32)


def tiny_config(family, text=()):
    """Config of a tiny tower, with CLIP's tokenizer."""
    config = deepcopy(get_model_config(FAMILIES[family]))
    config['embed_dim'] = 12
    vision = config['vision_cfg']
    vision['image_size'] = 64 if family == 'MobileCLIP B' else 32  # by 16
    if 'timm_model_name' not in vision:
        vision.update(width=16, head_width=8, layers=2, patch_size=8)
    elif vision['timm_pool'] == 'map' and vision.get('timm_proj') == 'none':
        config['embed_dim'] = 16  # without a projection
    config['text_cfg'].pop('hf_tokenizer_name', None)
    config['text_cfg'].update(width=16, heads=2, layers=2, vocab_size=49408)
    config['text_cfg'].update(text)
    if config['text_cfg'].get('pool_type') == 'eos':
        config['text_cfg']['eos_id'] = 49407
    if config['text_cfg'].get('proj_type') == 'none':
        config['text_cfg']['width'] = config['embed_dim']
    return config


def shrink_timm(monkeypatch):
    """Make timm's ViTs tiny, whatever the name."""
    create_model = timm.create_model

    def create_tiny(name, **kwargs):
        widths = dict(WIDTHS)
        if 'mci' in name:  # its stem has a size of its own
            widths.update(img_size=64, patch_size=1)
        if '_pe_' in name:
            widths['attn_pool_num_heads'] = 4
        return create_model(name, **kwargs, **widths)

    def tiny_stem(channels, **kwargs):
        return ConvStem(channels=(4, 4, WIDTHS['embed_dim']), **kwargs)

    monkeypatch.setattr(timm, 'create_model', create_tiny)
    monkeypatch.setattr(vision_transformer_hybrid, 'ConvStem', tiny_stem)


def reference(config):
    """open_clip's model of a config, with random weights."""
    config = deepcopy(config)
    model_type = CustomTextCLIP if config.pop('custom_text', 0) else CLIP
    model = model_type(**config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if (
            parameter.ndim == 1
        ):  # biases, norms: defaults hide what is left out
            parameter += 0.2 * torch.randn_like(parameter)
        elif parameter.ndim:
            looked_up = 'pos' in name or 'token' in name
            std = 0.5 if looked_up else parameter[0].numel() ** -0.5
            torch.nn.init.normal_(parameter, std=std)
    for name, buffer in model.named_buffers():
        if 'running' in name:
            buffer.uniform_(0.5, 1.5)
    return model


def write(model, config, folder):
    """Write architecture and weights; return arguments that name them."""
    arch, weights = folder / 'tiny.json', folder / 'tiny.pt'
    arch.write_text(json.dumps(config))
    torch.save(model.state_dict(), weights)
    return dict(arch=str(arch), pretrained=str(weights))
