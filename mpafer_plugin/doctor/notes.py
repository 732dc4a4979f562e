from collections.abc import Iterator
from dataclasses import dataclass

from .environment import CPU, Environment, Finding, torch_build
from .installed import HAS_PACKAGING, fits
from .packages import HOST, OPENCV, fork_of


@dataclass(frozen=True)
class Known:
    """A known incompatibility of upstream's host with a newer package.

    Args:
        names (tuple[str, ...]): Names of the distribution.
        versions (str): Affected versions.
        consequence (str): What does not work.
        requirement (str): Requirement that avoids it. Defaults to '', none.
        upstream (bool): Only upstream's host is affected. Defaults to True.
    """

    names: tuple[str, ...]
    versions: str
    consequence: str
    requirement: str = ''
    upstream: bool = True


KNOWN = (
    Known(
        ('torch',),
        '>=2.6',
        'It loads checkpoints with weights_only=True, which refuses the '
        'objects in those of mmengine ("Weights only load failed"). '
        'mpafer_plugin allows exactly these objects when it is imported.',
    ),
    Known(
        ('setuptools',),
        '>=82',
        'It has no pkg_resources: mim and lazy configs of mmengine do not '
        'work. `PACKAGE::` in _base_ and get_config do, where mpafer_plugin '
        'is imported.',
        'setuptools<82',
    ),
    Known(
        OPENCV,
        '>=5',
        'It has no Haar cascades: cv2.CascadeClassifier was removed. Use '
        'cv2.FaceDetectorYN.',
        upstream=False,
    ),
    Known(
        ('scikit-learn',),
        '>=1.7',
        "It has no TSNE(n_iter=...): mmpretrain's vis_tsne.py does not work.",
        'scikit-learn<1.7',
    ),
    Known(
        ('grad-cam',),
        '>=1.5',
        "It has no use_cuda=...: mmpretrain's vis_cam.py does not work.",
        'grad-cam<1.5',
    ),
    Known(
        ('matplotlib',),
        '>=3.11',
        "Its adjust_bbox takes other arguments: mmpretrain's "
        'browse_dataset.py does not work.',
        'matplotlib<3.11',
    ),
)


def known(env: Environment) -> Iterator[Finding]:
    """Find known incompatibilities.

    Those of upstream's last releases do not affect the maintained fork.
    """
    upstream = env.any_of('mmengine', 'mmpretrain') is not None
    for entry in KNOWN:
        package = env.any_of(*entry.names)
        if (
            package is None
            or not package.version
            or not fits(package.version, entry.versions)
            or (entry.upstream and not upstream)
        ):
            continue
        yield Finding(
            f'{package}',
            entry.consequence,
            env.install(entry.requirement) if entry.requirement else '',
        )


def no_gpu(env: Environment) -> Iterator[Finding]:
    """Find the reason for running on the CPU."""
    build = torch_build(env)
    hidden = env.variables.get('CUDA_VISIBLE_DEVICES') in ('', '-1')
    if build == 'rocm' or env.platform == 'darwin':
        return
    if not env.gpus or hidden:
        cause = (
            'CUDA_VISIBLE_DEVICES hides it'
            if env.gpus
            else 'nvidia-smi is missing or finds none'
        )
        yield Finding(
            f'No GPU visible ({cause})',
            'Everything runs on the CPU. --amp is bfloat16 there, possibly '
            'slower than full precision; distributed runs use gloo.',
        )
    elif build == CPU:
        yield Finding(
            f'{env.gpus[0]}, but torch is built for the CPU only',
            'Everything runs on the CPU.',
            env.replace(['torch', 'torchvision'], 'torch>=2.6', 'torchvision'),
        )


def mixed_host(env: Environment) -> Iterator[Finding]:
    """Find a host that is partly upstream's and partly the fork."""
    forked = [module for module in HOST if fork_of(env, module)]
    if not forked or len(forked) == len(HOST):
        return
    yield Finding(
        f'Only {" and ".join(forked)} of the host '
        f'{"is" if len(forked) == 1 else "are"} the fork',
        'The fork is made for its own packages; this mixture is untested.',
    )


def broken_metadata(env: Environment) -> Iterator[Finding]:
    """Find metadata damaged by an interrupted installation."""
    for name, package in sorted(env.packages.items()):
        if not package.complete:
            yield Finding(
                f'The metadata of {name} cannot be read',
                'An installation was interrupted; neither pip nor doctor '
                'knows the version.',
                env.install('--force-reinstall', '--no-deps', name),
            )


def no_packaging(env: Environment) -> Iterator[Finding]:
    """Find a missing packaging, without which no version is compared."""
    if not HAS_PACKAGING:
        yield Finding(
            'packaging is not installed',
            'No version is compared with its range.',
            env.install('packaging'),
        )


NOTES = (no_packaging, no_gpu, known, mixed_host, broken_metadata)
