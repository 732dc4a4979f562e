from mpafer_plugin.engine.prototypes import class_prototypes

from .build_model import build_model
from .explanation import Explanation, explain
from .face_explanation import FaceExplanation
from .fer_inferencer import FERInferencer
from .fer_results import FERResults, PicturePrediction

__all__ = [
    'Explanation',
    'FERInferencer',
    'FERResults',
    'FaceExplanation',
    'PicturePrediction',
    'build_model',
    'class_prototypes',
    'explain',
]
