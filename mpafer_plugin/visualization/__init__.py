from .class_histogram import draw_class_histogram
from .contact_sheet import Card, draw_contact_sheet
from .spread import spread_over_classes

__all__ = [
    'Card',
    'draw_class_histogram',
    'draw_contact_sheet',
    'spread_over_classes',
]
