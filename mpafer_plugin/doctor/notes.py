from collections.abc import Iterator
from typing import NamedTuple

from .environment import HAS_PACKAGING, Environment, Finding, fits
from .packages import HOST, OPENCV, fork_of


class Known(NamedTuple):
    """A known incompatibility with newer versions of a package."""

    names: tuple[str, ...]  # of its distributions
    since: str  # first affected version
    consequence: str
    avoidable: bool = True  # an older version is a remedy
    upstream: bool = True  # the maintained fork is not affected


KNOWN = (
    Known(
        ('torch',),
        '2.6',
        'It loads checkpoints with weights_only=True, which refuses the '
        'objects in those of mmengine ("Weights only load failed"). '
        'mpafer_plugin allows exactly these objects when it is imported.',
        avoidable=False,
    ),
    Known(
        ('setuptools',),
        '82',
        'It has no pkg_resources: mim and lazy configs of mmengine do not '
        'work. `PACKAGE::` in _base_ and get_config do, where mpafer_plugin '
        'is imported.',
    ),
    Known(
        OPENCV,
        '5',
        'It has no Haar cascades: cv2.CascadeClassifier was removed. Use '
        'cv2.FaceDetectorYN.',
        avoidable=False,
        upstream=False,
    ),
    Known(
        ('scikit-learn',),
        '1.7',
        "It has no TSNE(n_iter=...): mmpretrain's vis_tsne.py does not work.",
    ),
    Known(
        ('grad-cam',),
        '1.5',
        "It has no use_cuda=...: mmpretrain's vis_cam.py does not work.",
    ),
    Known(
        ('matplotlib',),
        '3.11',
        "Its adjust_bbox takes other arguments: mmpretrain's "
        'browse_dataset.py does not work.',
    ),
)


def known(env: Environment) -> Iterator[Finding]:
    """Find known incompatibilities."""
    upstream = env.find('mmengine', 'mmpretrain') is not None
    for entry in KNOWN:
        package = env.find(*entry.names)
        if (
            package
            and package.version
            and fits(package.version, f'>={entry.since}')
            and (upstream or not entry.upstream)
        ):
            older = env.install(f'{entry.names[0]}<{entry.since}')
            remedy = older if entry.avoidable else ''
            yield Finding(str(package), entry.consequence, remedy)


def no_gpu(env: Environment) -> Iterator[Finding]:
    """Find the reason for running on the CPU."""
    build = env.build('torch')
    hidden = env.variables.get('CUDA_VISIBLE_DEVICES') in ('', '-1')
    if build == 'ROCm' or env.platform == 'darwin':
        return
    if not env.gpus or hidden:
        cause = (
            'CUDA_VISIBLE_DEVICES hides it'
            if env.gpus
            else 'nvidia-smi is missing or finds none'
        )
        yield Finding(
            f'No GPU visible ({cause})',
            'Everything runs on the CPU. --amp is bfloat16 there where that '
            'is faster; distributed runs use gloo.',
        )
    elif build == 'CPU only':
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
                'An installation was interrupted; pip does not know the '
                'version.',
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
