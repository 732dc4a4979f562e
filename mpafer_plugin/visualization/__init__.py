from .class_histogram import draw_class_histogram
from .contact_sheet import Card, draw_contact_sheet, spread_over_classes
from .explanations import FaceView, draw_explanations, overlay, view_faces
from .predictions import draw_predictions, shrink

__all__ = [
    'Card',
    'FaceView',
    'draw_class_histogram',
    'draw_contact_sheet',
    'draw_explanations',
    'draw_predictions',
    'overlay',
    'shrink',
    'spread_over_classes',
    'view_faces',
]
