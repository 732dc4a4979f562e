from .action_units import ACTION_UNITS, sample_expression
from .identity import Identity, sample_identity
from .nuisance import Nuisance, sample_nuisance
from .renderer import draw_face

__all__ = [
    'ACTION_UNITS',
    'Identity',
    'Nuisance',
    'draw_face',
    'sample_expression',
    'sample_identity',
    'sample_nuisance',
]
