from .distributed import FERDistributedDataParallel, join_process_group
from .hooks import (
    PREEMPTED,
    ClassWeightHook,
    DataReportHook,
    FERReportHook,
    FERVisualizationHook,
    FiniteGuardHook,
    PreemptionHook,
    PromptCheckpointHook,
    PrototypeHook,
    SafeCheckpointHook,
)
from .optimizers.cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from .runners.resumable_train_loop import ResumableTrainLoop

__all__ = [
    'PREEMPTED',
    'CPUAmpOptimWrapper',
    'ClassWeightHook',
    'DataReportHook',
    'FERDistributedDataParallel',
    'FERReportHook',
    'FERVisualizationHook',
    'FiniteGuardHook',
    'PreemptionHook',
    'PromptCheckpointHook',
    'PrototypeHook',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'join_process_group',
]
