import ctypes
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .installed import Package, installed, normalized

OPENCV_LIBRARIES = ('libGL.so.1', 'libgthread-2.0.so.0')
"""System libraries that OpenCV wheels with GUI need."""


@dataclass
class Environment:
    """Environment that the rules inspect without importing it.

    Args:
        path (list[str]): Search path of modules.
        python (tuple[int, ...]): Version of Python. Defaults to (3, 11).
        implementation (str): Python implementation. Defaults to
            ``'cpython'``.
        platform (str): As ``sys.platform``. Defaults to ``'linux'``.
        variables (Mapping[str, str]): Environment variables.
        absent_libraries (tuple[str, ...]): Libraries of
            ``OPENCV_LIBRARIES`` that cannot be loaded.
        gpus (tuple[str, ...]): Names of the NVIDIA GPUs.
        command (str): Python as the user typed it. Defaults to
            ``'python'``.
    """

    path: list[str]
    python: tuple[int, ...] = (3, 11)
    implementation: str = 'cpython'
    platform: str = 'linux'
    variables: Mapping[str, str] = field(default_factory=dict)
    absent_libraries: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    command: str = 'python'

    @classmethod
    def here(cls) -> 'Environment':
        """Describe the environment of this process."""
        return cls(
            path=sys.path,
            python=tuple(sys.version_info[:3]),
            implementation=sys.implementation.name,
            platform=sys.platform,
            variables=os.environ,
            absent_libraries=tuple(
                name
                for name in OPENCV_LIBRARIES
                if sys.platform == 'linux' and not _loads(name)
            ),
            gpus=_gpus(),
            # as typed: commands for the user must run in this Python
            command=sys.orig_argv[0],
        )

    @cached_property
    def packages(self) -> dict[str, Package]:
        """Installed distributions by normalized name."""
        return installed(self.path)

    def any_of(self, *names: str) -> Package | None:
        """Return the first installed distribution of several names."""
        for name in map(normalized, names):
            if name in self.packages:
                return self.packages[name]
        return None

    def text(self, file: str) -> str:
        """Read a file of an installed package; '' if missing."""
        for folder in self.path:
            try:
                return (Path(folder) / file).read_text(errors='replace')
            except OSError:
                continue
        return ''

    def install(self, *requirements: str) -> str:
        """Return the command that installs distributions."""
        quoted = (
            f'"{name}"' if re.search('[<>]', name) else name
            for name in requirements
        )
        return f'{shlex.quote(self.command)} -m pip install ' + ' '.join(
            quoted
        )

    def replace(self, removed: list[str], *requirements: str) -> str:
        """Return the command that replaces distributions by others."""
        return (
            f'{shlex.quote(self.command)} -m pip uninstall -y '
            f'{" ".join(removed)} && {self.install(*requirements)}'
        )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _gpus() -> tuple[str, ...]:
    program = shutil.which('nvidia-smi')
    if program is None:
        return ()
    try:
        result = subprocess.run(
            [program, '--query-gpu=name', '--format=csv,noheader'],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    # without a driver it prints an error message to stdout
    return tuple(result.stdout.splitlines()) if not result.returncode else ()


@dataclass(frozen=True)
class Finding:
    """A problem or a note.

    Args:
        what (str): The finding in one sentence.
        why (str): Its consequence.
        remedy (str): Command that fixes it. Defaults to '', none.
        signs (tuple[str, ...]): Substrings of import errors
            (``'import mmcv: ModuleNotFoundError: ...'``) that this problem
            causes. Defaults to none.
    """

    what: str
    why: str
    remedy: str = ''
    signs: tuple[str, ...] = ()

    def explains(self, failure: str) -> bool:
        """Return whether this problem caused an import error."""
        # mmpretrain writes MMEngine and MMCV
        failure = failure.lower()
        return any(sign.lower() in failure for sign in self.signs)


CPU = 'cpu'


def torch_build(env: Environment) -> str:
    """Return torch's build: ``'13.2'`` (CUDA), 'rocm', 'cpu' or ''."""
    text = env.text('torch/version.py')
    cuda = re.search(r"^cuda\b[^=\n]*=\s*'([\d.]+)'", text, re.MULTILINE)
    if cuda:
        return cuda[1]
    if re.search(r"^hip\b[^=\n]*=\s*'", text, re.MULTILINE):
        return 'rocm'
    return CPU if re.search(r'^cuda\b', text, re.MULTILINE) else ''


def torchvision_build(env: Environment) -> str:
    """Return torchvision's build in the form of :func:`torch_build`."""
    text = env.text('torchvision/version.py')
    tag = re.search(r"__version__\s*=\s*'[^'+]*\+(cpu|rocm|cu\d+)", text)
    if not tag:
        return ''
    digits = tag[1][len('cu') :]  # cu132 is CUDA 13.2
    return f'{digits[:-1]}.{digits[-1]}' if digits.isdigit() else tag[1]


def is_cuda(build: str) -> bool:
    """Return whether a build is for CUDA."""
    return build[:1].isdigit()


def described(build: str) -> str:
    """Format a build for the report; '' if unknown."""
    if is_cuda(build):
        return f'CUDA {build}'
    return {CPU: 'CPU only', 'rocm': 'ROCm'}.get(build, '')
