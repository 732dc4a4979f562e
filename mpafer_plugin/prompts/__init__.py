from .hard_prompts import (
    GRANULARITIES,
    HARD_PROMPTS_FILE,
    TEMPLATES,
    descriptions_digest,
    load_hard_prompts,
)

__all__ = [
    'GRANULARITIES',
    'HARD_PROMPTS_FILE',
    'TEMPLATES',
    'descriptions_digest',
    'load_hard_prompts',
]
