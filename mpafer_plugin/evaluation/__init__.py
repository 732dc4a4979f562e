from .class_scores import class_scores
from .fer_metric import FERMetric

__all__ = ['FERMetric', 'class_scores']
