from .client import Chat, ServerError
from .generate import NoAnswer, generate
from .partial_answers import Refused, partial_file, read_answers
from .questions import Plan, make_plan

__all__ = [
    'Chat',
    'NoAnswer',
    'Plan',
    'Refused',
    'ServerError',
    'generate',
    'make_plan',
    'partial_file',
    'read_answers',
]
