from .frozen_mlp import frozen_mlp
from .global_local_scores import global_local_scores, single_precision
from .l1_distance import l1_distance
from .prompted_block import prompted_block
from .prototype_scores import prototype_scores

__all__ = [
    'frozen_mlp',
    'global_local_scores',
    'l1_distance',
    'prompted_block',
    'prototype_scores',
    'single_precision',
]
