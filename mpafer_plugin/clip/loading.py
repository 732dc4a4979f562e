import json
import warnings
from functools import cache
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.utils import to_2tuple

from mpafer_plugin.utils.tensor_files import misfit, reading

from .architectures import architecture
from .hf_tokenizer import require_transformers
from .state_dict import fit_names, read_state_dict
from .weights import resolve_weights

LARGEST = 10**10
"""Parameters up to which an architecture file is taken for a CLIP (ours)."""


def load_clip(arch: str, pretrained: str | None) -> Any:
    """Build a CLIP and load its weights.

    OpenAI's weights and a few others were trained with QuickGELU and silently
    lose accuracy with GELU. The activation is chosen by the tag, for a local
    file by its SHA-256 if it is a published one, and otherwise by the
    architecture. The choice is logged.

    Args:
        arch (str): See :func:`architecture`.
        pretrained (str | None): A tag that open_clip knows for ``arch``,
            ``'face-tiny'``, or a local file in any layout that
            :func:`read_state_dict` reads. None means random weights, with a
            warning.

    Returns:
        open_clip.CLIP | open_clip.CustomTextCLIP: In float32, in evaluation
        mode, on the CPU.

    Raises:
        ValueError: If ``pretrained`` is neither a file nor a known tag, or if
            the file's keys or shapes do not match ``arch``, or its values
            are not finite, or the architecture file builds no model.
        ConnectionError: If the file of a tag is not cached and cannot be
            downloaded.
    """
    config = architecture(arch)
    if arch.endswith('.json'):
        with reading(arch, 'a CLIP architecture'):
            _try_out(json.dumps(config))
    if pretrained is None:
        warnings.warn(
            f'CLIP {arch} has RANDOM weights (pretrained=None): its outputs '
            'are meaningless',
            stacklevel=2,
        )
        return build_clip(config).eval()

    path, quick_gelu = resolve_weights(arch, pretrained)
    by_name = bool(config.get('quick_gelu', False))
    if quick_gelu is None:
        reason = f'set by the architecture {arch!r}'
    else:
        config['quick_gelu'] = quick_gelu
        reason = f'{pretrained!r} was trained with it'
        if quick_gelu != by_name:
            reason += f', unlike the default of the architecture {arch!r}'
    activation = 'QuickGELU' if config.get('quick_gelu') else 'GELU'
    print_log(
        f'CLIP {arch} from {path.name}; activation {activation}: {reason}',
        logger='current',
    )

    state_dict = read_state_dict(path)
    # Built on the meta device and assigned the file's tensors: initialising a
    # ViT-L/14 at random takes longer than reading its weights.
    from_hub = config['text_cfg'].get('hf_model_name')
    with torch.device('cpu' if from_hub else 'meta'):
        clip = build_clip(config)
    state_dict = fit_names(state_dict, clip)
    problem = misfit(state_dict, clip.state_dict())
    if problem:
        raise ValueError(
            f'the weights in {path} do not match the architecture {arch}: '
            f'{problem}'
        )
    clip.load_state_dict(state_dict, assign=True)
    _fill_buffers(clip)
    return clip.float().eval()


def build_clip(config: dict) -> Any:
    """Build open_clip's model of a config, with random weights.

    Args:
        config (dict): See :func:`architecture`.

    Raises:
        ImportError: If the text tower needs the package ``transformers``.
    """
    from open_clip.model import CLIP, CustomTextCLIP

    config = dict(config)
    custom_text = config.pop('custom_text', False)
    # Neither tower's own weights are downloaded.
    if config['vision_cfg'].get('timm_model_name'):
        config['vision_cfg'] |= dict(timm_model_pretrained=False)
    if config['text_cfg'].get('hf_model_name'):
        require_transformers(config['text_cfg']['hf_model_name'])
        config['text_cfg'] |= dict(hf_model_pretrained=False)
        custom_text = True
    return (CustomTextCLIP if custom_text else CLIP)(**config)


@cache
def _try_out(text: str) -> None:
    """Build and run the towers on the meta device, where it costs little.

    open_clip refuses numbers that do not fit together by errors of any kind,
    some of them only when a tower runs.

    Args:
        text (str): The config as JSON.

    Raises:
        ValueError: If the model has more than :data:`LARGEST` parameters.
    """
    config = json.loads(text)
    if config['text_cfg'].get('hf_model_name'):
        return  # a file of Hugging Face describes this tower
    with torch.device('meta'):
        clip = build_clip(config)
        number = sum(x.numel() for x in clip.parameters())
        if number > LARGEST:
            raise ValueError(f'{number:,} parameters, more than {LARGEST:,}')
        clip.encode_image(
            torch.zeros(1, 3, *to_2tuple(clip.visual.image_size))
        )
        clip.encode_text(torch.zeros(1, clip.context_length, dtype=torch.long))


def _fill_buffers(clip: Any) -> None:
    """Compute the buffers that no file has, on the CPU."""
    text = getattr(clip, 'text', clip)  # of CustomTextCLIP
    if getattr(text, 'attn_mask', None) is not None:
        length = text.context_length
        text.attn_mask = torch.full((length, length), float('-inf')).triu_(1)
    for module in clip.modules():
        absent = [n for n, b in module._buffers.items() if _is_meta(b)]
        for name in absent:  # rotary positions of timm, for one
            empty = torch.empty_like(module._buffers[name], device='cpu')
            module._buffers[name] = empty
        if absent:
            module.init_non_persistent_buffers()


def _is_meta(buffer: torch.Tensor | None) -> bool:
    return buffer is not None and buffer.is_meta
