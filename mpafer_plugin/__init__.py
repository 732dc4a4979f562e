"""MPA-FER for MMPretrain: importing this package registers its parts."""

from .version import __version__

try:
    import mmcv  # noqa: F401
    import mmengine  # noqa: F401
    import mmpretrain  # noqa: F401
except ImportError as error:
    raise ImportError(
        f'mpafer_plugin needs its host, MMPretrain, and {error.name!r} is '
        'not here. Type: pip install mmengine mmpretrain, and one of '
        'pip install mmcv-lite (all that is needed here) or '
        'pip install mmcv (with compiled operators), never both.'
    ) from error

from . import compat

compat.apply()

from . import datasets, engine, evaluation, models  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
