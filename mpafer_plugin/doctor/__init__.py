"""Report on the environment; imports neither torch nor the host."""

from .environment import Environment, Finding
from .report import run

__all__ = ['Environment', 'Finding', 'run']
