from .rafdb import RAFDB

__all__ = ['RAFDB']
