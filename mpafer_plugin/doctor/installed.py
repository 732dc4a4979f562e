import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

try:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    HAS_PACKAGING = True
except ImportError:  # doctor still runs, without comparing versions
    HAS_PACKAGING = False


@dataclass(frozen=True)
class Package:
    """An installed distribution.

    Args:
        name (str): Its name in its own spelling.
        version (str | None): None if unknown.
        requires (tuple[str, ...]): Its ``Requires-Dist``.
        complete (bool): Whether its metadata is readable.
    """

    name: str
    version: str | None
    requires: tuple[str, ...] = ()
    complete: bool = True

    def __str__(self) -> str:
        return f'{self.name} {self.version or "(unknown version)"}'


def normalized(name: str) -> str:
    """Normalize the name of a distribution (PEP 503)."""
    return re.sub('[-_.]+', '-', name).lower()


def installed(path: Sequence[str]) -> dict[str, Package]:
    """Find the distributions on a search path by normalized name.

    The first folder wins; within a folder, one with readable metadata.
    """
    found: dict[str, Package] = {}
    for folder in path:
        for info in sorted(Path(folder).glob('*.*-info')):
            # pip renames to ~ what it is about to remove
            if info.suffix not in ('.dist-info', '.egg-info') or (
                info.name[0] in '~-'
            ):
                continue
            package = _read(info)
            other = found.setdefault(normalized(package.name), package)
            if not other.complete and package.complete:
                found[normalized(package.name)] = package
    return found


def _read(info: Path) -> Package:
    """Read a ``NAME-VERSION.dist-info``, possibly damaged."""
    dist = Distribution.at(info)
    try:
        metadata = dist.metadata
        name, version = metadata['Name'], metadata['Version']
        if name and version:
            requires = metadata.get_all('Requires-Dist') or ()
            return Package(name, version, tuple(requires))
    # Python versions differ in what they raise for missing metadata
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        pass
    name, _, version = info.stem.partition('-')
    return Package(name, version.partition('-')[0] or None, complete=False)


def fits(version: str | None, wanted: str) -> bool:
    """Check a version against a range such as ``'>=0.10.4,<0.11'``.

    A pre-release also counts as its release: vendors name torch builds so
    (``2.14.0a0+nv25.10``). Anything unreadable fits.
    """
    if not HAS_PACKAGING or not version:
        return True
    try:
        release = Version(version).base_version
        range_ = SpecifierSet(wanted)
    except (InvalidSpecifier, InvalidVersion):
        return True
    return any(
        range_.contains(v, prereleases=True) for v in (version, release)
    )


def required_range(package: Package, name: str) -> str:
    """Return the range in which a package requires another; '' for any."""
    if not HAS_PACKAGING:
        return ''
    for line in package.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.name == name and requirement.marker is None:
            return str(requirement.specifier)
    return ''
