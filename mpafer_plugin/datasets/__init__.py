from .affectnet import AffectNet
from .base_fer_dataset import BaseFERDataset
from .class_balanced_sampler import ClassBalancedSampler
from .fer_csv import FERCsv
from .fer_folder import FERFolder
from .ferplus import FERPlus
from .held_out_fer_dataset import HeldOutFERDataset
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
    'ResumableSampler',
    'SyntheticFaces',
    'leave_signals_to_main',
]
