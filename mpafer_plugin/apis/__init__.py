from mpafer_plugin.engine.prototypes import class_prototypes

from .build_model import build_model

__all__ = ['build_model', 'class_prototypes']
