"""Dtype that the frozen towers compute in."""

from functools import cache
from time import perf_counter

import torch
from mmengine.logging import print_log
from mmengine.utils import to_2tuple
from torch import nn

from .architectures import architecture
from .frozen import FrozenModule
from .prompted_block import prompted_block

DTYPES = ('auto', 'float32', 'bfloat16', 'float16')

CLEARLY_FASTER = 0.6
"""Share of the time in float32 below which bfloat16 is used (ours)."""

ONE_IMAGE = 196 * 768**2
"""Patches times squared width of a B/16, a measure of a block's work."""

TINY = 96
"""Images that cost what one of a B/16 does, above which a tower is tiny."""


def choose_dtype(
    name: str, device: str, arch: str | None, training: bool = False
) -> torch.dtype:
    """Choose the dtype by name, and log it with the reason.

    Args:
        name (str): One of :data:`DTYPES`. 'auto' takes what is faster, see
            :func:`faster_dtype`.
        device (str): Type of the device, such as 'cpu'.
        arch (str | None): Architecture of the tower, see
            :func:`architecture`; for other models None, which means a B/16.
        training (bool): Whether the model is trained. Defaults to False.

    Raises:
        ValueError: If the name is not one of them.
    """
    if name not in DTYPES:
        raise ValueError(f'dtype={name!r} is not one of {DTYPES}')
    dtype, reason = getattr(torch, name, torch.float32), 'as requested'
    if name == 'auto':
        dtype, reason = faster_dtype(device, arch or 'ViT-B-16', training)
    text = str(dtype).removeprefix('torch.')
    print_log(f'dtype {text}: {reason}', logger='current')
    return dtype


@cache
def faster_dtype(
    device: str, arch: str, training: bool
) -> tuple[torch.dtype, str]:
    """Find the faster dtype of a device: half precision or float32.

    A GPU with bfloat16 units takes bfloat16, another one float16. On a CPU a
    block of the image tower is timed once in a process: what is faster
    depends on the CPU's matrix units and on the size of the tower. Towers as
    small as face-tiny gain a fifth at most, and stay in float32.

    Returns:
        tuple: The dtype, and the reason as text.
    """
    if device == 'cuda':
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, 'the GPU has bfloat16 units'
        return torch.float16, 'the GPU has no bfloat16 units'
    if device != 'cpu':
        return torch.float32, f'half precision is not tried on {device!r}'
    arch = _timed(arch)
    if _images_worth_one(arch) > TINY:
        return torch.float32, f'{arch} is too small for bfloat16 to pay'
    full, half = time_blocks(arch, training)
    share = half / full
    reason = (
        f'in bfloat16 a block of {arch} takes {share:.2f} of its float32 time '
        f'in {"training" if training else "inference"}'
    )
    faster = share < CLEARLY_FASTER
    return torch.bfloat16 if faster else torch.float32, reason


def _timed(arch: str) -> str:
    """Return the architecture whose block is timed for another's."""
    # A ViT of timm does not say its width: as one of a B/16.
    is_timm = architecture(arch)['vision_cfg'].get('timm_model_name')
    return 'ViT-B-16' if is_timm else arch


def _images_worth_one(arch: str) -> int:
    """Return how many images cost a block what one costs that of a B/16."""
    vision = architecture(arch)['vision_cfg']
    return ONE_IMAGE // (_patches(vision) * vision['width'] ** 2)


def _patches(vision: dict) -> int:
    height, width = to_2tuple(vision.get('image_size', 224))
    return height * width // vision.get('patch_size', 16) ** 2


def time_blocks(arch: str, training: bool) -> tuple[float, float]:
    """Time a block of an image tower in float32 and bfloat16.

    On one image for a B/16 and larger towers; smaller towers get more, up to
    a batch of 32, as overhead would count for most of the time otherwise.

    Args:
        arch (str): See :func:`architecture`.
        training (bool): Whether to time the backward pass too.

    Returns:
        tuple: Seconds in float32 and in bfloat16, the least of three in turns
        on one thread: other processes disturb these the least.
    """
    from open_clip.transformer import QuickGELU, ResidualAttentionBlock

    vision = architecture(arch)['vision_cfg']
    width, patches = vision['width'], _patches(vision)
    images = min(32, max(1, _images_worth_one(arch)))
    blocks, tokens = [], []
    with torch.random.fork_rng(devices=[]):  # the run's seed is not used up
        for dtype in (torch.float32, torch.bfloat16):
            block = ResidualAttentionBlock(
                width,
                width // vision.get('head_width', 64),
                vision.get('mlp_ratio', 4.0),
                act_layer=QuickGELU,
            )
            blocks.append(block.requires_grad_(False).to(dtype))
            x = torch.randn(images, 1 + patches, width).to(dtype)
            tokens.append(x.requires_grad_(training))
    times: tuple[list, list] = ([], [])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(4):
            for block, x, found in zip(blocks, tokens, times, strict=True):
                start = perf_counter()
                with torch.set_grad_enabled(training):
                    out = prompted_block(block, x, None)
                if training:
                    out.backward(out)
                found.append(perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    full, half = (min(found[1:]) for found in times)
    return full, half


def cast_towers(model: nn.Module, dtype: torch.dtype) -> None:
    """Cast the frozen towers of a model once.

    Towers with trainable weights are left alone; they follow autocast.
    """
    for module in model.modules():
        if isinstance(module, FrozenModule) and not any(
            parameter.requires_grad for parameter in module.parameters()
        ):
            module.cast(dtype)
