import warnings
from pathlib import Path

import torch
from mmengine.logging import print_log
from torch import nn

from .architectures import FACE_TINY, FACE_TINY_DIR, architecture
from .state_dict import read_state_dict
from .weights import resolve_weights


def load_clip(arch: str, pretrained: str | None) -> nn.Module:
    """Build a CLIP and fill it with weights.

    QuickGELU: OpenAI's weights and a few others were trained with it, and
    lose accuracy without a word under GELU. The tag decides; for a file whose
    SHA-256 is that of a published one, the digest decides; for any other file
    the architecture does, and the log says so.

    Args:
        arch (str): See :func:`architecture`.
        pretrained (str | None): A tag that open_clip knows for ``arch``,
            ``'face-tiny'``, or a local file: an open_clip state dict, bare or
            below ``state_dict`` with or without ``module.`` prefixes, or
            safetensors. None gives random weights and a warning.

    Returns:
        open_clip.CLIP: In float32, in evaluation mode, on the CPU.

    Raises:
        ValueError: If ``pretrained`` is neither a file nor a known tag, or if
            the file's keys or shapes are not those of ``arch``.
        ConnectionError: If the tag's file is not in the cache and cannot be
            downloaded.
    """
    from open_clip.model import CLIP

    config = architecture(arch)
    if pretrained is None:
        warnings.warn(
            f'CLIP {arch} has RANDOM weights (pretrained=None): nothing that '
            'it computes means anything',
            stacklevel=2,
        )
        return CLIP(**config).eval()

    if pretrained == FACE_TINY and arch == FACE_TINY:
        path: Path = FACE_TINY_DIR / 'face-tiny.safetensors'
        quick_gelu = None
    else:
        path, quick_gelu = resolve_weights(arch, pretrained)
    by_name = bool(config.get('quick_gelu', False))
    if quick_gelu is None:
        activation = 'QuickGELU' if by_name else 'GELU'
        reason = f'the architecture {arch!r} says so'
    else:
        config['quick_gelu'] = quick_gelu
        activation = 'QuickGELU' if quick_gelu else 'GELU'
        reason = f'{pretrained!r} was trained with it'
        if quick_gelu != by_name:
            reason += f', against the architecture {arch!r}'
    print_log(
        f'CLIP {arch} from {path.name}; activation {activation}: {reason}',
        logger='current',
    )

    state_dict = read_state_dict(path)
    # Built without memory and given the file's own tensors: the random
    # initialisation of a ViT-L/14 would take longer than reading its weights.
    with torch.device('meta'):
        clip = CLIP(**config)
    _check(clip, state_dict, path, arch)
    clip.load_state_dict(state_dict, assign=True)
    clip.attn_mask = _causal_mask(clip.context_length)
    return clip.float().eval()


def _check(clip: nn.Module, state_dict: dict, path: Path, arch: str) -> None:
    expected = clip.state_dict()
    problems = []
    for title, keys in (
        ('missing', expected.keys() - state_dict.keys()),
        ('unknown', state_dict.keys() - expected.keys()),
    ):
        if keys:
            problems.append(f'{title} keys: {", ".join(sorted(keys))}')
    shapes = [
        f'{key} is {tuple(value.shape)}, expected {tuple(expected[key].shape)}'
        for key, value in state_dict.items()
        if key in expected and value.shape != expected[key].shape
    ]
    if shapes:
        problems.append(f'shapes: {"; ".join(shapes)}')
    if problems:
        raise ValueError(
            f'the weights in {path} are not those of a {arch}:\n'
            + '\n'.join(problems)
        )


def _causal_mask(length: int) -> torch.Tensor:
    return torch.full((length, length), float('-inf')).triu_(1)
