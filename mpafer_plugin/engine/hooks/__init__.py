from .fer_report_hook import FERReportHook
from .prompt_checkpoint_hook import PromptCheckpointHook
from .prototype_hook import PrototypeHook

__all__ = ['FERReportHook', 'PromptCheckpointHook', 'PrototypeHook']
