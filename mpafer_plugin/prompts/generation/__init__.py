from .client import Chat, ServerError
from .generate import NoAnswer, answered, generate
from .partial_answers import Refused, partial_file
from .questions import Description, Plan, make_plan
from .summary import answer_lines, question_lines, same_lines

__all__ = [
    'Chat',
    'Description',
    'NoAnswer',
    'Plan',
    'Refused',
    'ServerError',
    'answer_lines',
    'answered',
    'generate',
    'make_plan',
    'partial_file',
    'question_lines',
    'same_lines',
]
