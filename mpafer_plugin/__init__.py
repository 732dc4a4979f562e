"""MPA-FER for MMPretrain: importing this package registers its parts."""

import warnings

from .version import __version__

try:
    from . import compat

    compat.apply()
    from . import datasets, engine, evaluation, models
except ImportError as error:
    # Not an error yet: what does not need the host must run without it.
    _error = error
    _message = f'mpafer_plugin could not register its parts: {error}.'
    if error.name in ('mmcv', 'mmengine', 'mmpretrain'):
        _message += (
            ' It needs its host. Type: pip install mmengine mmpretrain, and '
            'one of pip install mmcv-lite (all that is needed here) or '
            'pip install mmcv (with compiled operators), never both.'
        )
    warnings.warn(_message, stacklevel=2)

    def __getattr__(name: str) -> object:
        if name in __all__:
            raise ImportError(_message) from _error
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
