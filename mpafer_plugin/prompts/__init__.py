from .hard_prompts import (
    GRANULARITIES,
    HARD_PROMPTS_FILE,
    TEMPLATES,
    load_hard_prompts,
    prompt_words,
)

__all__ = [
    'GRANULARITIES',
    'HARD_PROMPTS_FILE',
    'TEMPLATES',
    'load_hard_prompts',
    'prompt_words',
]
