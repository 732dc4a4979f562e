"""Arrays and tensors as images."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from .image_io import read_image

CHANNEL_ORDERS = ('bgr', 'rgb')


def bgr_reader(channel_order: str) -> Callable[[Any], np.ndarray]:
    """Return :func:`to_bgr` for arrays of a channel order.

    Raises:
        ValueError: If it is not one of :data:`CHANNEL_ORDERS`.
    """
    if channel_order not in CHANNEL_ORDERS:
        raise ValueError(
            f'channel_order={channel_order!r} is not one of {CHANNEL_ORDERS}'
        )
    return partial(to_bgr, channel_order=channel_order)


def to_bgr(image: Any, channel_order: str = 'bgr') -> np.ndarray:
    """Convert an image of any kind to BGR.

    Args:
        image: A uint8 array, grey (H, W) or (H, W, 1), or (H, W, 3) or
            (H, W, 4) in ``channel_order``; a tensor as of torchvision,
            (H, W), (1, H, W), (3, H, W) or (4, H, W) RGB, uint8 or floating
            point in [0, 1]; all else is read by :func:`read_image`. A fourth
            channel is alpha, which is dropped, as of files.
        channel_order (str): Channels of arrays: 'bgr', as of OpenCV, or
            'rgb', as of Pillow and gradio. Defaults to 'bgr'.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8; the array itself if it is that.

    Raises:
        ImageError: See :func:`read_image`.
        ValueError: If an array or tensor is of another shape or type.
    """
    if isinstance(image, torch.Tensor):
        image, channel_order = _as_array(image), 'rgb'
    elif not isinstance(image, np.ndarray):
        return read_image(image)
    channels = image.shape[2:] or (1,)
    is_image = image.dtype == np.uint8 and image.size
    if (
        not is_image
        or image.ndim not in (2, 3)
        or channels[0] not in (1, 3, 4)
    ):
        raise ValueError(
            f'an array {image.shape} of {image.dtype} is no image; it is '
            '(H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8; several '
            'images are a list'
        )
    if channels == (1,):
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if channel_order == 'rgb':
        return np.ascontiguousarray(image[..., 2::-1])
    return image if channels == (3,) else np.ascontiguousarray(image[..., :3])


def _as_array(tensor: torch.Tensor) -> np.ndarray:
    """Convert a tensor to an array (H, W, C) of uint8."""
    found = f'a tensor {tuple(tensor.shape)} of {tensor.dtype}'
    array = tensor.detach().cpu()
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or len(array) not in (1, 3, 4) or not array.numel():
        raise ValueError(
            f'{found} is no image; it is (H, W), (1, H, W), (3, H, W) or '
            '(4, H, W) in RGB; several images are a list'
        )
    if array.is_floating_point():
        low, high = array.aminmax()
        if not (low >= 0 and high <= 1):  # NaN too
            raise ValueError(
                f'{found} has values from {low:.4g} to {high:.4g}: an image '
                'has 0 to 1, not normalised'
            )
        array = (array.float() * 255).round().byte()
    elif array.dtype != torch.uint8:
        raise ValueError(f'{found} is no image; it is uint8 or floating point')
    return array.permute(1, 2, 0).numpy()
