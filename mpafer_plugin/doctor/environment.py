from __future__ import annotations

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

from .installed import Package, installed, normalised, read_text

OPENCV_LIBRARIES = ('libGL.so.1', 'libgthread-2.0.so.0')
"""What the wheels of OpenCV with windows take from the system."""


@dataclass
class Environment:
    """What the rules look at; nothing in it is imported.

    Args:
        path (list[str]): Folders in which modules are looked for.
        python (tuple[int, ...]): Version of Python. Defaults to (3, 11).
        implementation (str): Of Python. Defaults to ``'cpython'``.
        platform (str): As ``sys.platform``. Defaults to ``'linux'``.
        variables (Mapping[str, str]): Environment variables.
        absent_libraries (tuple[str, ...]): Those of ``OPENCV_LIBRARIES`` that
            cannot be loaded.
        gpus (tuple[str, ...]): Names of the NVIDIA GPUs.
        command (str): How this Python is called. Defaults to ``'python'``.
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
    def here(cls) -> Environment:
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
            # As it was typed, so that the lines to type reach this Python.
            command=getattr(sys, 'orig_argv', [sys.executable])[0],
        )

    @cached_property
    def packages(self) -> dict[str, Package]:
        """By normalised name; of several the one that Python finds."""
        return installed(self.path)

    def any_of(self, *names: str) -> Package | None:
        """Find the first of several distributions that is installed."""
        for name in map(normalised, names):
            if name in self.packages:
                return self.packages[name]
        return None

    def text(self, file: str) -> str:
        """Read a file of an installed package; '' if there is none."""
        for folder in self.path:
            content = read_text(Path(folder) / file)
            if content:
                return content
        return ''

    def install(self, *requirements: str) -> str:
        """Write the line that installs distributions."""
        quoted = (
            f'"{name}"' if re.search('[<>]', name) else name
            for name in requirements
        )
        return f'{shlex.quote(self.command)} -m pip install ' + ' '.join(
            quoted
        )

    def replace(self, removed: list[str], *requirements: str) -> str:
        """Write the line that removes distributions, then installs others."""
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
    # Without a driver it prints its complaint where names belong.
    return tuple(result.stdout.splitlines()) if not result.returncode else ()


@dataclass(frozen=True)
class Finding:
    """A problem or a note.

    Args:
        what (str): What is the case.
        why (str): What it breaks or changes.
        remedy (str): The line to type; a note may have none. Defaults to ''.
        signs (tuple[str, ...]): Texts, any of which shows a failed import
            (``'import mmcv: ModuleNotFoundError: ...'``) to be this problem.
            Defaults to none.
    """

    what: str
    why: str
    remedy: str = ''
    signs: tuple[str, ...] = ()

    def explains(self, failure: str) -> bool:
        """Whether a failed import is this problem."""
        # mmpretrain writes MMEngine and MMCV.
        failure = failure.lower()
        return any(sign.lower() in failure for sign in self.signs)


CPU = 'cpu'


def torch_build(env: Environment) -> str:
    """Read torch's build: ``'13.2'`` (CUDA), 'rocm', 'cpu', '' if unknown."""
    text = env.text('torch/version.py')
    cuda = re.search(r"^cuda\b[^=\n]*=\s*'([\d.]+)'", text, re.MULTILINE)
    if cuda:
        return cuda[1]
    if re.search(r"^hip\b[^=\n]*=\s*'", text, re.MULTILINE):
        return 'rocm'
    return CPU if re.search(r'^cuda\b', text, re.MULTILINE) else ''


def torchvision_build(env: Environment) -> str:
    """Read torchvision's build, as ``torch_build`` gives torch's."""
    text = env.text('torchvision/version.py')
    tag = re.search(r"__version__\s*=\s*'[^'+]*\+(cpu|rocm|cu\d+)", text)
    if not tag:
        return ''
    digits = tag[1][len('cu') :]  # cu132 is CUDA 13.2
    return f'{digits[:-1]}.{digits[-1]}' if digits.isdigit() else tag[1]


def is_cuda(build: str) -> bool:
    """Whether a build is one for CUDA."""
    return build[:1].isdigit()


def described(build: str) -> str:
    """Name a build for the report; '' if it is not known."""
    if is_cuda(build):
        return f'CUDA {build}'
    return {CPU: 'CPU only', 'rocm': 'ROCm'}.get(build, '')
