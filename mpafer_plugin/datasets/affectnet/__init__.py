from .affectnet import AffectNet

__all__ = ['AffectNet']
