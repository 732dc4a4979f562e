from .cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from .distributed import FERDistributedDataParallel, join_process_group
from .hooks import (
    FERReportHook,
    FERVisualizationHook,
    PromptCheckpointHook,
    PrototypeHook,
)

__all__ = [
    'CPUAmpOptimWrapper',
    'FERDistributedDataParallel',
    'FERReportHook',
    'FERVisualizationHook',
    'PromptCheckpointHook',
    'PrototypeHook',
    'join_process_group',
]
