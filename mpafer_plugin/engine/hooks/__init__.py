from .class_weight_hook import ClassWeightHook
from .data_report_hook import DataReportHook
from .fer_report_hook import FERReportHook
from .fer_visualization_hook import FERVisualizationHook
from .finite_guard_hook import FiniteGuardHook
from .preemption_hook import PREEMPTED, PreemptionHook
from .prompt_checkpoint_hook import PromptCheckpointHook
from .prototype_hook import PrototypeHook
from .safe_checkpoint_hook import SafeCheckpointHook

__all__ = [
    'PREEMPTED',
    'ClassWeightHook',
    'DataReportHook',
    'FERReportHook',
    'FERVisualizationHook',
    'FiniteGuardHook',
    'PreemptionHook',
    'PromptCheckpointHook',
    'PrototypeHook',
    'SafeCheckpointHook',
]
