from .hooks import FERReportHook, PromptCheckpointHook, PrototypeHook

__all__ = ['FERReportHook', 'PromptCheckpointHook', 'PrototypeHook']
