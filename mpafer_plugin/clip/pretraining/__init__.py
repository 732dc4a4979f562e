from .face_bank import FaceBank, FaceBatch
from .photo_bank import PhotoBank
from .photo_captions import photo_caption
from .photo_loss import PhotoLoss
from .pretraining_loss import PretrainingLoss, read_units
from .training import train
from .weights_file import save_weights

__all__ = [
    'FaceBank',
    'FaceBatch',
    'PhotoBank',
    'PhotoLoss',
    'PretrainingLoss',
    'photo_caption',
    'read_units',
    'save_weights',
    'train',
]
