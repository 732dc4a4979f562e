from .base_fer_dataset import BaseFERDataset
from .ferplus import FERPlus
from .rafdb import RAFDB

__all__ = ['RAFDB', 'BaseFERDataset', 'FERPlus']
