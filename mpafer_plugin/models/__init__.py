from .backbones import PromptedCLIPViT
from .heads import PromptAlignmentHead
from .losses import PrototypeAlignmentLoss, SoftHardAlignmentLoss
from .text import PromptedCLIPText

__all__ = [
    'PromptAlignmentHead',
    'PromptedCLIPText',
    'PromptedCLIPViT',
    'PrototypeAlignmentLoss',
    'SoftHardAlignmentLoss',
]
