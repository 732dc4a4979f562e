from .class_balanced_sampler import ClassBalancedSampler
from .resumable_sampler import ResumableSampler

__all__ = ['ClassBalancedSampler', 'ResumableSampler']
