from .affectnet import AffectNet
from .base_fer_dataset import BaseFERDataset
from .class_balanced_sampler import ClassBalancedSampler
from .ferplus import FERPlus
from .held_out_fer_dataset import HeldOutFERDataset
from .load_decoded_image import LoadDecodedImage
from .own import FERCsv, FERFolder
from .rafdb import RAFDB
from .resumable_sampler import ResumableSampler
from .synthetic_faces import SyntheticFaces
from .worker_init import leave_signals_to_main

__all__ = [
    'RAFDB',
    'AffectNet',
    'BaseFERDataset',
    'ClassBalancedSampler',
    'FERCsv',
    'FERFolder',
    'FERPlus',
    'HeldOutFERDataset',
    'LoadDecodedImage',
    'ResumableSampler',
    'SyntheticFaces',
    'leave_signals_to_main',
]
