from .fer_report_hook import FERReportHook
from .fer_visualization_hook import FERVisualizationHook
from .prompt_checkpoint_hook import PromptCheckpointHook
from .prototype_hook import PrototypeHook

__all__ = [
    'FERReportHook',
    'FERVisualizationHook',
    'PromptCheckpointHook',
    'PrototypeHook',
]
