from .choice import SEVERAL_RULE, choose_face
from .face import Face
from .face_crop import FaceCrop
from .picture import PictureError, read_picture
from .yunet import YuNet
from .yunet_file import YUNET_DIGEST, find_yunet

__all__ = [
    'SEVERAL_RULE',
    'YUNET_DIGEST',
    'Face',
    'FaceCrop',
    'PictureError',
    'YuNet',
    'choose_face',
    'find_yunet',
    'read_picture',
]
