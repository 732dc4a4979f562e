from .prototype_alignment_loss import PrototypeAlignmentLoss
from .soft_hard_alignment_loss import SoftHardAlignmentLoss

__all__ = ['PrototypeAlignmentLoss', 'SoftHardAlignmentLoss']
