from .face import SEVERAL_RULE, Face, select_face
from .face_crop import FaceCrop, choose_crop
from .image_arrays import CHANNEL_ORDERS, bgr_reader, to_bgr
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
    'bgr_reader',
    'choose_crop',
    'find_yunet',
    'read_image',
    'select_face',
    'to_bgr',
]
