"""Ways round what breaks between the host and its newer dependencies.

Each entry says which version would make it unnecessary. All are applied when
the package is imported.
"""

import warnings

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint


def apply() -> None:
    """Apply every workaround."""
    allow_mmengine_checkpoints()
    keep_weights_only()
    hide_missing_operators()


def allow_mmengine_checkpoints() -> None:
    """Let torch read what mmengine puts into a checkpoint.

    Since torch 2.6 a file is read as data only, and mmengine (0.10.7) stores
    the message hub's buffers as objects, so that resuming and testing fail.
    The classes of these objects, and nothing else, are allowed here; the
    protection stays on. Unnecessary once mmengine stores plain data.
    """
    array_scalar = np.float64(0).__reduce__()[0]
    array = np.zeros(0).__reduce__()[0]
    allowed = [
        HistoryBuffer,
        np.ndarray,
        np.dtype,
        np.dtypes.Float32DType,
        np.dtypes.Float64DType,
        np.dtypes.Int32DType,
        np.dtypes.Int64DType,
        np.dtypes.BoolDType,
        array_scalar,
        array,
        (_history_method, 'builtins.getattr'),
    ]
    # numpy renamed the module of its two functions in 2.0; files of either
    # side are read by both.
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed.append((array_scalar, f'{module}.scalar'))
        allowed.append((array, f'{module}._reconstruct'))
    torch.serialization.add_safe_globals(allowed)


def keep_weights_only() -> None:
    """Keep the fork from running what a checkpoint says.

    onedl-mmengine's loader (0.10.12) reads a file that torch refuses a second
    time, as code. It also allows the real getattr while it reads, and takes
    the classes allowed above off torch's list when it is done. torch's own
    loader takes its place; mmengine (0.10.7) calls that anyway. Unnecessary
    once a refused file stays refused.
    """
    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = torch.load


def hide_missing_operators() -> None:
    """Don't warn of compiled operators that nothing here uses.

    mmcv-lite (2.2.0) has none and says so at every start.
    """
    warnings.filterwarnings(
        'ignore', 'Fail to import ``MultiScaleDeformableAttention``'
    )


def _history_method(owner: object, name: str) -> object:
    """Stand in for getattr, by which a HistoryBuffer stores its statistics."""
    allowed = ('min', 'max', 'current', 'mean')
    if owner is not HistoryBuffer or name not in allowed:
        raise ValueError(
            f'a checkpoint asks for {name!r} of {owner!r}; only '
            f'{allowed} of HistoryBuffer are allowed'
        )
    return getattr(HistoryBuffer, name)
