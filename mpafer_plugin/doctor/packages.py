from collections.abc import Iterator
from dataclasses import dataclass

from .environment import Environment, Finding
from .installed import Package, fits, normalized

OPENCV = (
    'opencv-python',
    'opencv-python-headless',
    'opencv-contrib-python',
    'opencv-contrib-python-headless',
)

FORK = 'onedl-'
"""Prefix of the host's maintained fork, whose versions differ."""


@dataclass(frozen=True)
class Need:
    """A requirement of the plugin.

    Args:
        module (str): The imported module.
        names (tuple[str, ...]): Distributions that contain it, the one to
            install first.
        wanted (dict[str, str]): Ranges in setup.py.
        hint (str): Advice for its installation. Defaults to ''.
        reason (str): Reason for the range. Defaults to ''.
    """

    module: str
    names: tuple[str, ...]
    wanted: dict[str, str]
    hint: str = ''
    reason: str = ''

    def provider(self, env: Environment) -> Package | None:
        """Return the installed distribution, upstream's or the fork's."""
        found = env.any_of(*self.names)
        return found or fork_of(env, self.module)

    def range_of(self, name: str) -> str:
        """Return the range of one of the distributions; '' for any."""
        for spelt, wanted in self.wanted.items():
            if normalized(spelt) == normalized(name):
                return wanted
        return ''

    def requirement(self, name: str) -> str:
        """Return a distribution with its range, for pip."""
        return name + self.range_of(name)


NEEDED = (
    Need(
        'torch',
        ('torch',),
        {'torch': '>=2.6'},
        reason='Older versions lack the allow-list for loading checkpoints '
        'with weights_only=True.',
    ),
    Need('torchvision', ('torchvision',), {}),
    Need('cv2', OPENCV, {}),
    Need('mmengine', ('mmengine',), {'mmengine': '>=0.10.4,<0.11'}),
    Need(
        'mmcv',
        ('mmcv-lite', 'mmcv'),
        {'mmcv-lite': '>=2.0.1,<2.3', 'mmcv': '>=2.0.0,<2.4.0'},
        hint='Of mmcv, the lite one without compiled operators is enough.',
    ),
    Need('mmpretrain', ('mmpretrain',), {'mmpretrain': '>=1.2.0,<1.3'}),
    Need('open_clip', ('open_clip_torch',), {'open_clip_torch': '>=3.0,<4'}),
    Need('safetensors', ('safetensors',), {'safetensors': '>=0.4'}),
    Need('numpy', ('numpy',), {'numpy': '>=1.26'}),
    Need('rich', ('rich',), {'rich': '>=13'}),
)

ASSERTED = {
    'mmengine': '>=0.8.3,<1.0.0',
    'mmcv': '>=2.0.0,<2.4.0',
    'mmcv-lite': '>=2.0.0,<2.4.0',
}
"""Ranges outside of which mmpretrain 1.2.0 raises AssertionError."""

HOST = ('mmengine', 'mmcv', 'mmpretrain')
"""Modules of the host, named like upstream's distributions."""


def fork_of(env: Environment, module: str) -> Package | None:
    """Return the fork's distribution of one of the host's modules."""
    if module not in HOST:
        return None
    name = FORK + module
    # Its builds of mmcv are called onedl-mmcv-cu128-torch2-8 and the like.
    builds = sorted(n for n in env.packages if n.startswith(f'{name}-'))
    return env.any_of(name, *builds)


def missing(env: Environment) -> Iterator[Finding]:
    """Find missing packages; one command installs all."""
    needs = [need for need in NEEDED if need.provider(env) is None]
    if not needs:
        return
    one = len(needs) == 1
    hints = ' '.join(need.hint for need in needs if need.hint)
    yield Finding(
        f'{", ".join(need.module for need in needs)} '
        f'{"is" if one else "are"} not installed.',
        f'mpafer_plugin or its host imports {"it" if one else "them"}. '
        + hints,
        env.install(*(need.requirement(need.names[0]) for need in needs)),
        tuple(f"No module named '{need.module}'" for need in needs),
    )


def out_of_range(env: Environment) -> Iterator[Finding]:
    """Find versions outside the range of setup.py or of the host."""
    for need in NEEDED:
        package = env.any_of(*need.names)
        if package is None:
            continue
        asserted = ASSERTED.get(package.name, '')
        wanted = need.range_of(package.name)
        if fits(package.version, wanted):
            continue
        if fits(package.version, asserted):
            why = f'mpafer_plugin requires {wanted} in its setup.py.'
        else:
            why = (
                f'mmpretrain 1.2.0 asserts {need.module} {asserted} and does '
                f'not import; mpafer_plugin requires {wanted}.'
            )
        yield Finding(
            f'{package} is not in the range {wanted}.',
            f'{why} {need.reason}'.strip(),
            env.install(need.requirement(package.name)),
            (
                f'{need.module}=={package.version} is used',
                f'import {need.module}: ',
                f"'{need.module}.",
            ),
        )


def rivals(env: Environment) -> Iterator[Finding]:
    """Find distributions that overwrite each other."""
    for module, names in (
        ('mmcv', ('mmcv-lite', 'mmcv', 'mmcv-full')),
        ('cv2', OPENCV),
    ):
        present = [env.packages[n] for n in names if n in env.packages]
        # hosted notebooks have several OpenCVs of one version, which works
        versions = {package.version for package in present}
        if len(present) < 2 or (module == 'cv2' and len(versions) == 1):
            continue
        wanted = next(need for need in NEEDED if need.module == module)
        yield Finding(
            f'{_listed(present)} are installed together.',
            f'They write to the same folder, {module}: it holds the one '
            'installed last or a mixture, and uninstalling one breaks the '
            'other.',
            env.replace(
                [package.name for package in present],
                wanted.requirement(present[0].name),
            ),
            (f'import {module}: ',),
        )


def upstream_and_fork(env: Environment) -> Iterator[Finding]:
    """Find the host and its fork installed together."""
    needs = [need for need in NEEDED if need.module in HOST]
    upstream = [env.any_of(name) for need in needs for name in need.names]
    forked = [fork_of(env, module) for module in HOST]
    present = [package for package in upstream + forked if package]
    doubled = [
        need
        for need in needs
        if env.any_of(*need.names) and fork_of(env, need.module)
    ]
    if not doubled:
        return
    yield Finding(
        f"OpenMMLab's packages and their fork are installed together: "
        f'{_listed(present)}.',
        'They have the same import names and overwrite each other. To keep '
        f'the fork, install its {FORK}* packages instead, and mpafer_plugin '
        'with --no-deps.',
        env.replace(
            [package.name for package in present],
            *(need.requirement(need.names[0]) for need in needs),
        ),
        tuple(f'import {need.module}' for need in doubled),
    )


def _listed(packages: list[Package]) -> str:
    texts = [str(package) for package in packages]
    return f'{", ".join(texts[:-1])} and {texts[-1]}'
