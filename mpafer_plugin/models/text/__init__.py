from .hard_prompt_clip_text import HardPromptCLIPText
from .prompted_clip_text import PromptedCLIPText

__all__ = ['HardPromptCLIPText', 'PromptedCLIPText']
