from .ferplus import FERPlus

__all__ = ['FERPlus']
