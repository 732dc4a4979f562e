import warnings
from typing import TYPE_CHECKING

import torch
from mmengine.logging import print_log

from mpafer_plugin.utils.tensor_files import misfit

from .architectures import architecture
from .state_dict import read_state_dict
from .weights import resolve_weights

if TYPE_CHECKING:
    from open_clip import CLIP


def load_clip(arch: str, pretrained: str | None) -> 'CLIP':
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
        open_clip.CLIP: In float32, in evaluation mode, on the CPU.

    Raises:
        ValueError: If ``pretrained`` is neither a file nor a known tag, or if
            the file's keys or shapes do not match ``arch``, or its values
            are not finite.
        ConnectionError: If the file of a tag is not cached and cannot be
            downloaded.
    """
    from open_clip.model import CLIP

    config = architecture(arch)
    if pretrained is None:
        warnings.warn(
            f'CLIP {arch} has RANDOM weights (pretrained=None): its outputs '
            'are meaningless',
            stacklevel=2,
        )
        return CLIP(**config).eval()

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
    with torch.device('meta'):
        clip = CLIP(**config)
    problem = misfit(state_dict, clip.state_dict())
    if problem:
        raise ValueError(
            f'the weights in {path} do not match the architecture {arch}: '
            f'{problem}'
        )
    clip.load_state_dict(state_dict, assign=True)
    length = clip.context_length
    clip.attn_mask = torch.full((length, length), float('-inf')).triu_(1)
    return clip.float().eval()
