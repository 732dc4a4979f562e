"""Published datasets whose layout is class folders, file names or a table."""

from .caers import CAERS
from .ckplus import CKPlus
from .expw import ExpW
from .fer2013 import FER2013
from .jaffe import JAFFE
from .kdef import KDEF
from .sfew import SFEW

__all__ = ['CAERS', 'FER2013', 'JAFFE', 'KDEF', 'SFEW', 'CKPlus', 'ExpW']
