"""MPA-FER for MMPretrain: importing this package registers its parts."""

import os
import re
import sys
import warnings
from pathlib import Path

from .version import __version__

# Read when torch is imported. Its threads that wait for work spin, by default
# for milliseconds: two processes on the same cores then stand in each other's
# way (docs/performance.md).
if not {'OMP_WAIT_POLICY', 'GOMP_SPINCOUNT'} & os.environ.keys():
    os.environ['GOMP_SPINCOUNT'] = '10000'

# `mpafer doctor` has to run where the host does not import, and Python imports
# this file first. While it looks for the module of -m, sys.argv is '-m' and
# what follows the module's name: counted from the end, the name, or -m with
# the name glued to it, stands here in the full line.
_at_command_line = sys.argv[1:2] in ([], ['doctor'], ['-h'], ['--help']) and (
    Path(sys.argv[0]).stem == 'mpafer'
    or (
        sys.argv[:1] == ['-m']
        and re.fullmatch(
            rf'(-\w*m)?{__name__}',
            getattr(sys, 'orig_argv', sys.argv)[-len(sys.argv)],
        )
    )
)

if not _at_command_line:
    try:
        from . import compat
        from .utils.host_log import forward_log

        compat.apply()
        forward_log(__name__)
        from mmpretrain.apis import ModelHub

        from . import datasets, engine, evaluation, models

        # For mmpretrain.list_models() and get_model().
        _mim = Path(__file__).with_name('.mim')
        if not ModelHub.has('mpafer_rafdb'):
            ModelHub.register_model_index(_mim / 'model-index.yml', _mim)
    # Incompatible packages raise more than ImportError: RuntimeError
    # (torchvision), TypeError or AssertionError (mmpretrain).
    except Exception as error:
        # Not an error yet: what does not need the host must run without it.
        _error = error
        _message = 'mpafer_plugin could not register its parts: '
        if not isinstance(error, ImportError):
            _message += f'{type(error).__name__}: '
        _message += f'{error}.'
        if isinstance(error, ImportError) and error.name in (
            'mmcv',
            'mmengine',
            'mmpretrain',
        ):
            _message += (
                ' It needs its host. Type: pip install mmengine mmpretrain, '
                'and one of pip install mmcv-lite (all that is needed here) '
                'or pip install mmcv (with compiled operators), never both.'
            )
        _message += ' To see what is wrong and what to type: mpafer doctor'
        warnings.warn(_message, stacklevel=2)

        def __getattr__(name: str) -> object:
            if name in __all__:
                raise ImportError(_message) from _error
            raise AttributeError(
                f'module {__name__!r} has no attribute {name!r}'
            )


__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
