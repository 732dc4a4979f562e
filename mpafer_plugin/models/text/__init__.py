from .prompted_clip_text import PromptedCLIPText

__all__ = ['PromptedCLIPText']
