from mpafer_plugin.engine.prototypes import class_prototypes

from .build_model import build_model
from .explanation import Explanation, FaceExplanation, explain
from .fer_inferencer import FERInferencer
from .fer_results import FERResults, ImagePrediction
from .frames import Frame, frames_of

__all__ = [
    'Explanation',
    'FERInferencer',
    'FERResults',
    'FaceExplanation',
    'Frame',
    'ImagePrediction',
    'build_model',
    'class_prototypes',
    'explain',
    'frames_of',
]
