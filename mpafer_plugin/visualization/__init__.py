from .class_histogram import draw_class_histogram
from .contact_sheet import Card, draw_contact_sheet
from .explanations import draw_explanations, overlay
from .predictions import draw_predictions
from .spread import spread_over_classes

__all__ = [
    'Card',
    'draw_class_histogram',
    'draw_contact_sheet',
    'draw_explanations',
    'draw_predictions',
    'overlay',
    'spread_over_classes',
]
