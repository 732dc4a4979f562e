from collections.abc import Iterator

from .environment import Environment, Finding, Package, fits, normalized

OPENCV = (
    'opencv-python',
    'opencv-python-headless',
    'opencv-contrib-python',
    'opencv-contrib-python-headless',
)

NEEDED = {
    'torch': {'torch': '>=2.6'},
    'torchvision': {'torchvision': ''},
    'cv2': dict.fromkeys(OPENCV, ''),
    'mmengine': {'mmengine': '>=0.10.4,<0.11'},
    'mmcv': {'mmcv-lite': '>=2.0.1,<2.3', 'mmcv': '>=2.0.0,<2.4.0'},
    'mmpretrain': {'mmpretrain': '>=1.2.0,<1.3'},
    'open_clip': {'open_clip_torch': '>=3.2,<4'},
    'safetensors': {'safetensors': '>=0.4'},
    'numpy': {'numpy': '>=1.26'},
    'filelock': {'filelock': '>=3.21'},
    'PIL': {'Pillow': '>=10.1'},
    'rich': {'rich': '>=13'},
    'jinja2': {'Jinja2': '>=3.1'},
}
"""Module to its distributions and their ranges in setup.py.

The first distribution is the one to install.
"""

ASSERTED = {
    'mmengine': '>=0.8.3,<1.0.0',
    'mmcv': '>=2.0.0,<2.4.0',
    'mmcv-lite': '>=2.0.0,<2.4.0',
}
"""Ranges outside of which mmpretrain 1.2.0 raises AssertionError."""

HOST = ('mmengine', 'mmcv', 'mmpretrain')
"""Modules of the host, named like upstream's distributions."""

FORK = 'onedl-'
"""Prefix of the host's maintained fork, whose versions differ."""


def fork_of(env: Environment, module: str) -> Package | None:
    """Return the fork's distribution of one of the host's modules."""
    if module not in HOST:
        return None
    name = FORK + module
    # Its builds of mmcv are called onedl-mmcv-cu128-torch2-8 and the like.
    builds = sorted(n for n in env.packages if n.startswith(f'{name}-'))
    return env.find(name, *builds)


def provider(env: Environment, module: str) -> Package | None:
    """Return the distribution of a module, upstream's or the fork's."""
    return env.find(*NEEDED[module]) or fork_of(env, module)


def range_of(name: str) -> str:
    """Return the range in setup.py of a distribution; '' for any."""
    for names in NEEDED.values():
        for spelled, wanted in names.items():
            if normalized(spelled) == normalized(name):
                return wanted
    return ''


def requirement(module: str) -> str:
    """Return the distribution to install for a module with its range."""
    name = next(iter(NEEDED[module]))
    return name + range_of(name)


def missing(env: Environment) -> Iterator[Finding]:
    """Find missing packages; one command installs all."""
    modules = [module for module in NEEDED if not provider(env, module)]
    if not modules:
        return
    one = len(modules) == 1
    why = f'mpafer_plugin or its host imports {"it" if one else "them"}.'
    if 'mmcv' in modules:
        why += ' Of mmcv, the lite one without compiled operators is enough.'
    yield Finding(
        f'{", ".join(modules)} {"is" if one else "are"} not installed.',
        why,
        env.install(*map(requirement, modules)),
        tuple(f"No module named '{module}'" for module in modules),
    )


def out_of_range(env: Environment) -> Iterator[Finding]:
    """Find versions outside the range of setup.py or of the host."""
    for module, names in NEEDED.items():
        package = env.find(*names)
        wanted = range_of(package.name) if package else ''
        if package is None or fits(package.version, wanted):
            continue
        asserted = ASSERTED.get(package.name, '')
        if not fits(package.version, asserted):
            why = (
                f'mmpretrain 1.2.0 asserts {module} {asserted} and does not '
                f'import; mpafer_plugin requires {wanted}.'
            )
        else:
            why = f'mpafer_plugin requires {wanted} in its setup.py.'
        if module == 'torch':
            why += (
                ' Older versions lack the allow-list for loading checkpoints '
                'with weights_only=True.'
            )
        yield Finding(
            f'{package} is not in the range {wanted}.',
            why,
            env.install(package.name + wanted),
            (
                f'{module}=={package.version} is used',
                f'import {module}: ',
                f"'{module}.",
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
        first = present[0].name
        yield Finding(
            f'{_listed(present)} are installed together.',
            f'They write to the same folder, {module}: it holds the one '
            'installed last or a mixture, and uninstalling one breaks the '
            'other.',
            env.replace([p.name for p in present], first + range_of(first)),
            (f'import {module}: ',),
        )


def upstream_and_fork(env: Environment) -> Iterator[Finding]:
    """Find the host and its fork installed together."""
    doubled = [
        module
        for module in HOST
        if env.find(*NEEDED[module]) and fork_of(env, module)
    ]
    if not doubled:
        return
    found = [env.find(name) for module in HOST for name in NEEDED[module]]
    found += [fork_of(env, module) for module in HOST]
    present = [package for package in found if package]
    yield Finding(
        f"OpenMMLab's packages and their fork are installed together: "
        f'{_listed(present)}.',
        'They have the same import names and overwrite each other. To keep '
        f'the fork, install its {FORK}* packages instead, and mpafer_plugin '
        'with --no-deps.',
        env.replace([p.name for p in present], *map(requirement, HOST)),
        tuple(f'import {module}' for module in doubled),
    )


def _listed(packages: list[Package]) -> str:
    texts = [str(package) for package in packages]
    return f'{", ".join(texts[:-1])} and {texts[-1]}'
