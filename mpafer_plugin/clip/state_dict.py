import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mpafer_plugin.utils.hashing import sha256
from mpafer_plugin.utils.tensor_files import (
    load_tensors,
    reading,
    unwrap_names,
)

from .weights import is_published

Weights = dict[str, torch.Tensor]

_WHAT = (
    'CLIP weights (a state dict saved by torch.save, bare or under the key '
    "'state_dict', safetensors, or OpenAI's JIT archive)"
)


def read_state_dict(path: Path, trust: bool = False) -> Weights:
    """Read CLIP weights of any common layout.

    Accepted are safetensors, files of ``torch.save`` (a state dict, bare or
    under the key ``state_dict``) and OpenAI's JIT archives, with any of the
    key names of :func:`to_open_clip` and any floating-point type. Pickled
    code is rejected, not run. Opening a JIT archive runs a program: it must
    have the digest of a published one, or be trusted.

    Args:
        path (Path): The file.
        trust (bool): Whether to open a JIT archive of unknown origin, which
            runs its code. Defaults to False.

    Returns:
        dict[str, torch.Tensor]: Keys as in ``open_clip.CLIP.state_dict()``.

    Raises:
        ValueError: If the file cannot be read, holds no such state dict, or
            is a JIT archive that is not trusted.
    """
    with reading(path, _WHAT):
        is_jit = _is_jit_archive(path)
    if is_jit and not trust and not is_published(path):
        raise ValueError(
            f'{path} is a JIT archive, which runs code when opened, and '
            f'its SHA-256 {sha256(path)} is not that of a published one. '
            'If you trust its author, convert it once:\n'
            f'  mpafer convert-weights {path} '
            f'{path.with_suffix(".safetensors")} --trust'
        )
    with reading(path, _WHAT):
        content = _load(path, is_jit)
        if isinstance(content, dict) and 'state_dict' in content:
            content = content['state_dict']
        if not isinstance(content, dict) or not all(
            isinstance(key, str) and isinstance(value, torch.Tensor)
            for key, value in content.items()
        ):
            raise ValueError(
                f'it holds a {type(content).__name__}, not a dict of tensors'
            )
        return to_open_clip(content)


def to_open_clip(weights: Mapping[str, torch.Tensor]) -> Weights:
    """Convert a state dict to the names and shapes of open_clip.

    Supported are the names of open_clip and OpenAI, of Hugging Face's
    ``CLIPModel`` and of mmpretrain's CLIP (both towers, as written by its
    converter ``openai-clip_to_mmpretrain-clip.py``), each with or without
    the prefixes ``module.`` of distributed training and ``_orig_mod.`` of
    ``torch.compile``. Unknown keys keep their names and are reported by the
    strict load that follows.

    Args:
        weights (Mapping[str, torch.Tensor]): A state dict.

    Returns:
        dict[str, torch.Tensor]: Keys as in ``open_clip.CLIP.state_dict()``.
    """
    named = dict(weights)
    unwrap_names(named)
    named = {
        key: value
        for key, value in named.items()
        if not _NOT_WEIGHTS.match(key)
    }
    if 'vision_model.embeddings.class_embedding' in named:
        named = _from_hugging_face(named)
    elif 'visual.patch_embed.projection.weight' in named:
        named = _rename(named, _MMPRETRAIN)
        for key, ndim in (
            ('visual.class_embedding', 1),
            ('visual.positional_embedding', 2),
        ):
            if key in named:  # stored with leading axes of length 1
                named[key] = named[key].reshape(named[key].shape[-ndim:])
    for key in ('logit_scale', 'logit_bias'):
        if key in named:  # () or (1, ), depending on the version
            named[key] = named[key].reshape(())
    return named


def fit_names(weights: Weights, clip: Any) -> Weights:
    """Rename weights as a model of open_clip has them, by open_clip's rules.

    Older files have the text tower's at the top; Apple's MobileCLIP has names
    of its own.

    Args:
        weights (dict[str, torch.Tensor]): See :func:`to_open_clip`.
        clip (nn.Module): The model.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    if hasattr(clip, 'text'):
        weights = convert_to_custom_text_state_dict(weights)
    return convert_state_dict(clip, weights)


def _is_jit_archive(path: Path) -> bool:
    if path.suffix == '.safetensors' or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any('/code/' in name for name in archive.namelist())


def _load(path: Path, is_jit: bool) -> Any:
    if path.suffix == '.safetensors':
        from safetensors.torch import load_file

        return load_file(path)
    if not is_jit:
        return load_tensors(path, mmap=True)
    with warnings.catch_warnings():
        # Deprecated in torch, but the only way to open these files.
        warnings.simplefilter('ignore', FutureWarning)
        return torch.jit.load(path, map_location='cpu').state_dict()


# Entries that are no weights: sizes in OpenAI's state dicts, the mask of a
# traced module, and position indices of older versions of transformers.
_NOT_WEIGHTS = re.compile(
    r'(input_resolution|context_length|vocab_size|attn_mask'
    r'|.*\.position_ids)$'
)

_HUGGING_FACE = (
    (r'^vision_model\.embeddings\.class_embedding$', 'visual.class_embedding'),
    (r'^vision_model\.embeddings\.patch_embedding\.', 'visual.conv1.'),
    (
        r'^vision_model\.embeddings\.position_embedding\.weight$',
        'visual.positional_embedding',
    ),
    (r'^vision_model\.pre_layrnorm\.', 'visual.ln_pre.'),  # misspelt there
    (r'^vision_model\.post_layernorm\.', 'visual.ln_post.'),
    (r'^vision_model\.encoder\.layers\.', 'visual.transformer.resblocks.'),
    (r'^visual_projection\.weight$', 'visual.proj'),
    (r'^text_model\.embeddings\.token_embedding\.', 'token_embedding.'),
    (
        r'^text_model\.embeddings\.position_embedding\.weight$',
        'positional_embedding',
    ),
    (r'^text_model\.final_layer_norm\.', 'ln_final.'),
    (r'^text_model\.encoder\.layers\.', 'transformer.resblocks.'),
    (r'^text_projection\.weight$', 'text_projection'),
    (r'\.layer_norm([12])\.', r'.ln_\1.'),
    (r'\.mlp\.fc1\.', '.mlp.c_fc.'),
    (r'\.mlp\.fc2\.', '.mlp.c_proj.'),
    (r'\.self_attn\.', '.attn.'),
)

_MMPRETRAIN = (
    (r'^visual_proj\.proj$', 'visual.proj'),
    (r'^visual\.patch_embed\.projection\.', 'visual.conv1.'),
    (r'^visual\.pos_embed$', 'visual.positional_embedding'),
    (r'^visual\.cls_token$', 'visual.class_embedding'),
    (r'^visual\.pre_norm\.', 'visual.ln_pre.'),
    (r'^visual\.ln1\.', 'visual.ln_post.'),
    (r'^visual\.layers\.(\d+)\.ln([12])\.', r'visual.layers.\1.ln_\2.'),
    (r'^(visual\.layers\..+)\.ffn\.layers\.0\.0\.', r'\1.mlp.c_fc.'),
    (r'^(visual\.layers\..+)\.ffn\.layers\.1\.', r'\1.mlp.c_proj.'),
    (r'^(visual\.layers\..+)\.attn\.qkv\.', r'\1.attn.in_proj_'),
    (r'^(visual\.layers\..+)\.attn\.proj\.', r'\1.attn.out_proj.'),
    (r'^visual\.layers\.', 'visual.transformer.resblocks.'),
)


def _from_hugging_face(weights: Weights) -> Weights:
    renamed = _rename(weights, _HUGGING_FACE)
    for key in ('visual.proj', 'text_projection'):
        if key in renamed:  # weight of a linear layer; a matrix in open_clip
            renamed[key] = renamed[key].T.contiguous()
    joined: Weights = {}
    for key, value in renamed.items():
        if '.attn.q_proj.' in key:
            parts = [
                renamed.get(key.replace('.q_proj.', f'.{part}_proj.'))
                for part in 'qkv'
            ]
            present = [part for part in parts if part is not None]
            key = key.replace('.q_proj.', '.in_proj_')
            # A missing one gives a shape that the strict load reports.
            value = torch.cat(present)
        elif '.attn.k_proj.' in key or '.attn.v_proj.' in key:
            continue
        joined[key] = value
    return joined


def _rename(weights: Weights, rules: tuple[tuple[str, str], ...]) -> Weights:
    renamed = {}
    for key, value in weights.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        renamed[key] = value
    return renamed
