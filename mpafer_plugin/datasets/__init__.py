from .affectnet import AffectNet
from .base_fer_dataset import BaseFERDataset
from .ferplus import FERPlus
from .rafdb import RAFDB
from .synthetic_faces import SyntheticFaces

__all__ = ['RAFDB', 'AffectNet', 'BaseFERDataset', 'FERPlus', 'SyntheticFaces']
