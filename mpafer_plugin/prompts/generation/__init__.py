from .asking import Description
from .chat import Chat, ServerError
from .kept import Refused, partial_file
from .questions import Plan, make_plan
from .run import NoAnswer, answered, generate
from .told import answer_lines, question_lines, same_lines

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
