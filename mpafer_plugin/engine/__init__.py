from .hooks import (
    FERReportHook,
    FERVisualizationHook,
    PromptCheckpointHook,
    PrototypeHook,
)

__all__ = [
    'FERReportHook',
    'FERVisualizationHook',
    'PromptCheckpointHook',
    'PrototypeHook',
]
