import ctypes
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import Distribution
from pathlib import Path

try:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    HAS_PACKAGING = True
except ImportError:  # doctor still runs, without comparing versions
    HAS_PACKAGING = False

OPENCV_LIBRARIES = ('libGL.so.1', 'libgthread-2.0.so.0')
"""System libraries that OpenCV wheels with GUI need."""


@dataclass(frozen=True)
class Package:
    """An installed distribution; its version is '' if unknown."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    complete: bool = True  # whether its metadata is readable

    def __str__(self) -> str:
        return f'{self.name} {self.version or "(unknown version)"}'

    def range_of(self, name: str) -> str:
        """Return the range in which it requires ``name``; '' for any."""
        if HAS_PACKAGING:
            for requirement in map(Requirement, self.requires):
                if requirement.name == name and requirement.marker is None:
                    return str(requirement.specifier)
        return ''


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
            absent_libraries=_absent_libraries(),
            gpus=_gpus(),
            # as typed: commands for the user must run in this Python
            command=sys.orig_argv[0],
        )

    @cached_property
    def packages(self) -> dict[str, Package]:
        """Installed distributions by normalized name.

        The first on the path wins, unless only a later one is readable.
        """
        found: dict[str, Package] = {}
        for folder in self.path:
            for info in sorted(Path(folder).glob('[!~-]*.*-info')):
                if info.suffix in ('.dist-info', '.egg-info'):
                    package = _read(info)
                    name = normalized(package.name)
                    if name not in found or not found[name].complete:
                        found[name] = package
        return found

    def find(self, *names: str) -> Package | None:
        """Return the first installed distribution of several names."""
        found = (self.packages.get(normalized(name)) for name in names)
        return next(filter(None, found), None)

    def build(self, module: str) -> str:
        """Return the platform that torch or torchvision was built for.

        Returns:
            str: ``'CUDA 13.2'``, ``'ROCm'``, ``'CPU only'`` or '', unknown.
        """
        files = [Path(folder, module, 'version.py') for folder in self.path]
        present = [file for file in files if file.is_file()]
        text = present[0].read_text(errors='replace') if present else ''
        # torch has a line cuda = '13.2' or cuda = None, torchvision +cu132
        cuda = re.search(r"^cuda\b.*'(\d+)\.(\d+)", text, re.M) or re.search(
            r'^__version__.*\+cu(\d+)(\d)\b', text, re.M
        )
        if cuda:
            return f'CUDA {cuda[1]}.{cuda[2]}'
        if re.search(r"^hip\b.*'|^__version__.*\+rocm", text, re.M):
            return 'ROCm'
        cpu = re.search(r'^cuda\b|^__version__.*\+cpu\b', text, re.M)
        return 'CPU only' if cpu else ''

    @property
    def pip(self) -> str:
        """Command that calls the pip of this Python."""
        return f'{shlex.quote(self.command)} -m pip'

    def install(self, *requirements: str) -> str:
        """Return the command that installs distributions."""
        quoted = [
            f'"{r}"' if re.search('[<>]', r) else r for r in requirements
        ]
        return f'{self.pip} install {" ".join(quoted)}'

    def replace(self, removed: Iterable[str], *requirements: str) -> str:
        """Return the command that replaces distributions by others."""
        uninstall = f'{self.pip} uninstall -y {" ".join(removed)}'
        return f'{uninstall} && {self.install(*requirements)}'


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


def normalized(name: str) -> str:
    """Normalize the name of a distribution (PEP 503)."""
    return re.sub('[-_.]+', '-', name).lower()


def fits(version: str, wanted: str) -> bool:
    """Check a version against a range such as ``'>=0.10.4,<0.11'``.

    A pre-release also counts as its release: vendors' builds of torch have
    such versions (``2.14.0a0+nv25.10``). Anything unreadable fits.
    """
    if not HAS_PACKAGING or not version:
        return True
    try:
        release = Version(version).base_version
        range_ = SpecifierSet(wanted)
    except ValueError:
        return True
    return any(
        range_.contains(v, prereleases=True) for v in (version, release)
    )


def _read(info: Path) -> Package:
    """Read a ``NAME-VERSION.dist-info``, possibly damaged."""
    try:
        dist = Distribution.at(info)
        name, version = dist.metadata['Name'], dist.metadata['Version']
        if name and version:
            return Package(name, version, tuple(dist.requires or ()))
    # Python versions differ in what they raise for missing metadata
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        pass
    name, _, version = info.stem.partition('-')
    return Package(name, version.partition('-')[0], complete=False)


def _absent_libraries() -> tuple[str, ...]:
    absent = []
    for name in OPENCV_LIBRARIES if sys.platform == 'linux' else ():
        try:
            ctypes.CDLL(name)
        except OSError:
            absent.append(name)
    return tuple(absent)


def _gpus() -> tuple[str, ...]:
    try:
        result = subprocess.run(
            ['nvidia-smi', '--query-gpu=name', '--format=csv,noheader'],
            capture_output=True,
            check=True,  # without a driver it prints an error to stdout
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(result.stdout.splitlines())
