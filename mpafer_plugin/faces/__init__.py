from .face import SEVERAL_RULE, Face, select_face
from .face_crop import FaceCrop
from .image_arrays import CHANNEL_ORDERS, to_bgr
from .image_io import ImageError, read_image
from .yunet import YuNet
from .yunet_weights import YUNET_DIGEST, find_yunet

__all__ = [
    'CHANNEL_ORDERS',
    'SEVERAL_RULE',
    'YUNET_DIGEST',
    'Face',
    'FaceCrop',
    'ImageError',
    'YuNet',
    'find_yunet',
    'read_image',
    'select_face',
    'to_bgr',
]
