from .face_bank import FaceBank, FaceBatch
from .optimizers import make_optimizers
from .pretraining_loss import PretrainingLoss, read_units

__all__ = [
    'FaceBank',
    'FaceBatch',
    'PretrainingLoss',
    'make_optimizers',
    'read_units',
]
