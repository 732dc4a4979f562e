"""Workarounds for the host with newer dependencies.

Each says what would make it unnecessary. All are applied when the package is
imported.
"""

import importlib.util
import os
import re
import warnings
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import mmengine.hub.hub
import numpy as np
import torch
from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.logging import HistoryBuffer, print_log
from mmengine.runner import checkpoint
from mmengine.utils import package_utils
from yapf.yapflib.yapf_api import FormatCode

from .utils.tensor_files import load_tensors


def apply() -> None:
    """Apply every workaround."""
    allow_mmengine_checkpoints()
    keep_weights_only()
    name_unreadable_checkpoints()
    hide_missing_operators()
    find_packages_by_metadata()
    find_external_configs()
    keep_variables_text()
    format_config_once()


def allow_mmengine_checkpoints() -> None:
    """Let torch load the objects that mmengine puts into checkpoints.

    Since torch 2.6 ``torch.load`` accepts plain data only, and mmengine
    (0.10.7) stores the buffers of its message hub as objects, so that resuming
    and testing fail. The classes of these objects, and nothing else, are
    allowed here. Unnecessary once mmengine stores plain data.
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
    # numpy 2.0 renamed the module of these two functions; either version reads
    # the files of both.
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed.append((array_scalar, f'{module}.scalar'))
        allowed.append((array, f'{module}._reconstruct'))
    torch.serialization.add_safe_globals(allowed)


def keep_weights_only() -> None:
    """Keep the maintained fork from running code of checkpoints.

    A file that torch refuses is unpickled by onedl-mmengine's loader (0.10.12)
    without restrictions. The loader also allows the real getattr, and removes
    the classes allowed above from torch's list. torch's own loader, which
    mmengine (0.10.7) calls anyway, takes its place. Unnecessary once a refused
    file stays refused.
    """
    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = torch.load


def name_unreadable_checkpoints() -> None:
    """Name the file that mmengine cannot load, as our own functions do.

    mmengine (0.10.7) passes on whatever torch and zipfile raise, which may be
    a bare UnicodeDecodeError. Unnecessary once it names the file.
    """
    checkpoint.CheckpointLoader.register_scheme(
        '', loader=load_from_local, force=True
    )


def hide_missing_operators() -> None:
    """Silence the warning about compiled operators, which nothing here uses.

    mmcv-lite (2.2.0) has none and warns at every start. Unnecessary once it
    does not.
    """
    warnings.filterwarnings(
        'ignore', 'Fail to import ``MultiScaleDeformableAttention``'
    )


def find_packages_by_metadata() -> None:
    """Let mmengine find installed packages without ``pkg_resources``.

    mmengine (0.10.7) uses ``pkg_resources``, which setuptools 82 removed, so
    that ``_base_ = ['mmpretrain::...']`` fails. Unnecessary once mmengine uses
    importlib.
    """
    for module in (
        package_utils,
        mmengine.utils,
        mmengine.config.config,
        mmengine.hub.hub,
    ):
        for function in (is_installed, get_installed_path):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def find_external_configs() -> None:
    """Read ``package::config.py`` of any package, ours included.

    mmengine (0.10.7) knows a fixed list of packages, wants a folder before
    the file, and takes the package's name for a registry scope; our parts are
    registered in mmpretrain's. Unnecessary once mmengine lets packages add
    themselves.
    """
    for module in (mmengine.config.config, mmengine.hub.hub):
        module._get_package_and_cfg_path = _package_and_config
    Config._get_cfg_path = staticmethod(_config_path)


def keep_variables_text() -> None:
    """Keep the values of environment variables text in configs.

    For ``'{{$NAME:default}}'`` mmengine (0.10.7) pastes the value into the
    source of the config, where a backslash is an error and an apostrophe ends
    the string, so that the rest is executed. Here the value is escaped: it is
    that of the string, unless the string is raw. ``{{'$NAME:default'}}``, for
    values that are not text, is still Python. Unnecessary once mmengine
    escapes.
    """
    Config._substitute_env_variables = staticmethod(_substitute_variables)


def format_config_once() -> None:
    """Format the text of an unchanged config once, not at each checkpoint.

    mmengine (0.10.7) stores ``Config.pretty_text`` in every checkpoint and
    has yapf lay it out anew each time: a third of a second, where the file
    of prompts takes milliseconds. Unnecessary once mmengine keeps the text.
    Without effect on onedl-mmengine (0.10.12), which imports yapf each time.
    """
    mmengine.config.config.FormatCode = _format_code


def load_from_local(filename: str, map_location: Any) -> Any:
    """Load a checkpoint of the host by :func:`load_tensors`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it cannot be loaded as data.
    """
    path = Path(os.path.expanduser(filename))
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no checkpoint {filename!r}')
    return load_tensors(path, map_location)


def is_installed(package: str) -> bool:
    """Return whether a package can be imported.

    Args:
        package (str): The name of a module or of a distribution.
    """
    try:
        get_installed_path(package)
    except ModuleNotFoundError:
        return False
    return True


def get_installed_path(package: str) -> str:
    """Find the folder of an installed package.

    Args:
        package (str): The name of a module or of a distribution.

    Raises:
        ModuleNotFoundError: If there is none.
    """
    spec = importlib.util.find_spec(package)
    if spec is None:
        names = packages_distributions().items()
        modules = [module for module, found in names if package in found]
        spec = importlib.util.find_spec(min(modules)) if modules else None
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f'no package {package!r} with files')
    return os.path.dirname(spec.origin)


def _package_and_config(cfg_path: str) -> tuple[str, str]:
    """Split ``package::config.py``."""
    package, _, path = cfg_path.partition('::')
    if not package or not path or '::' in path:
        raise ValueError(
            f'{cfg_path!r} is not of the form package::folder/config.py'
        )
    return MODULE2PACKAGE.get(package, package), path


def _format_code(
    text: str, style_config: dict, **options: object
) -> tuple[str, bool]:
    """Format Python text as yapf does, or return what it returned before."""
    return _format_once(
        text, tuple(style_config.items()), tuple(options.items())
    )


@lru_cache(maxsize=4)
def _format_once(text: str, style: tuple, options: tuple) -> tuple[str, bool]:
    return FormatCode(text, style_config=dict(style), **dict(options))


_mmengine_config_path = Config._get_cfg_path


def _config_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
    """Find a base config and the registry scope of its types."""
    path, scope = _mmengine_config_path(cfg_path, filename)
    return path, None if scope == __package__ else scope


_VARIABLE = re.compile(
    r"""\{\{(?P<code>['"])?\s*\$(\w+)\s*:\s*(\S*?)\s*['"]?\}\}"""
)
# With braces, of which mmengine's other templates are made.
_SPECIAL = re.compile(r"""[\0-\x1f\x7f'"\\{}\ud800-\udfff]""")


def _substitute_variables(filename: str, output: str) -> dict[str, str]:
    """Write a config with its environment variables substituted.

    Returns:
        dict[str, str]: The variables that are set.

    Raises:
        KeyError: If one is empty, or not set and without a default.
    """
    used = {}

    def value(match: re.Match) -> str:
        code, name, default = match.groups()
        found = os.environ.get(name, default)
        if not found:
            raise KeyError(
                f'the config needs the environment variable {name}, which is '
                + ('empty' if name in os.environ else 'not set')
            )
        if name in os.environ:
            used[name] = found
            print_log(f'{name} of the environment is {found!r}', 'current')
        if code:
            return found
        return _SPECIAL.sub(lambda char: f'\\u{ord(char[0]):04x}', found)

    text = Path(filename).read_text(encoding='utf-8')
    Path(output).write_text(_VARIABLE.sub(value, text), encoding='utf-8')
    return used


def _history_method(owner: object, name: str) -> object:
    """Stand in for getattr, by which a HistoryBuffer stores its statistics."""
    allowed = ('min', 'max', 'current', 'mean')
    if owner is not HistoryBuffer or name not in allowed:
        raise ValueError(
            f'a checkpoint asks for {name!r} of {owner!r}; only '
            f'{allowed} of HistoryBuffer are allowed'
        )
    return getattr(HistoryBuffer, name)
