from .prompted_clip_text import HardPromptCLIPText, PromptedCLIPText

__all__ = ['HardPromptCLIPText', 'PromptedCLIPText']
