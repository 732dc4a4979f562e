from .l1_distance import l1_distance
from .prompted_block import prompted_block

__all__ = ['l1_distance', 'prompted_block']
