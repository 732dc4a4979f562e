from .prompt_alignment_head import PromptAlignmentHead

__all__ = ['PromptAlignmentHead']
