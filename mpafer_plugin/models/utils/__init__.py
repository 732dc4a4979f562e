from mpafer_plugin.clip import frozen_mlp, prompted_block

from .scores import (
    check_top_k,
    global_local_scores,
    prototype_scores,
    single_precision,
)

__all__ = [
    'check_top_k',
    'frozen_mlp',
    'global_local_scores',
    'prompted_block',
    'prototype_scores',
    'single_precision',
]
