"""What breaks in this environment, and the line to type against it.

It has to run where the stack does not import, and on a Python that is too
old for it: standard library only, nothing newer than Python 3.8.
"""

from .environment import Environment, Finding
from .report import run

__all__ = ['Environment', 'Finding', 'run']
