from .affectnet import AffectNet
from .archive_backend import ArchiveBackend
from .base_fer_dataset import BaseFERDataset
from .custom import FERCsv, FERFolder
from .ferplus import FERPlus
from .held_out_fer_dataset import HeldOutFERDataset
from .published import CAERS, FER2013, JAFFE, KDEF, SFEW, CKPlus, ExpW
from .rafdb import RAFDB
from .samplers.class_balanced_sampler import ClassBalancedSampler
from .samplers.resumable_sampler import ResumableSampler
from .synthetic.synthetic_faces import SyntheticFaces
from .transforms.load_decoded_image import LoadDecodedImage
from .worker_init import leave_signals_to_main

__all__ = [
    'CAERS',
    'FER2013',
    'JAFFE',
    'KDEF',
    'RAFDB',
    'SFEW',
    'AffectNet',
    'ArchiveBackend',
    'BaseFERDataset',
    'CKPlus',
    'ClassBalancedSampler',
    'ExpW',
    'FERCsv',
    'FERFolder',
    'FERPlus',
    'HeldOutFERDataset',
    'LoadDecodedImage',
    'ResumableSampler',
    'SyntheticFaces',
    'leave_signals_to_main',
]
