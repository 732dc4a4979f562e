from .asking import Description
from .chat import Chat, ServerError
from .questions import Plan, make_plan
from .run import NoAnswer, Refused, answered, generate, partial_file
from .told import answer_lines, question_lines

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
]
