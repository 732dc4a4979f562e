from .backbones import PromptedCLIPViT
from .heads import PromptAlignmentHead
from .losses import PrototypeAlignmentLoss, SoftHardAlignmentLoss
from .text import HardPromptCLIPText, PromptedCLIPText

__all__ = [
    'HardPromptCLIPText',
    'PromptAlignmentHead',
    'PromptedCLIPText',
    'PromptedCLIPViT',
    'PrototypeAlignmentLoss',
    'SoftHardAlignmentLoss',
]
