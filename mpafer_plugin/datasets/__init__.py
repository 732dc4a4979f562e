from .affectnet import AffectNet
from .base_fer_dataset import BaseFERDataset
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
    'FERPlus',
    'HeldOutFERDataset',
    'ResumableSampler',
    'SyntheticFaces',
    'leave_signals_to_main',
]
