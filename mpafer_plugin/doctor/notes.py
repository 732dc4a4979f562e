"""What is known, worked round, or touches the host's own tools only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .environment import CPU, Environment, Finding, torch_build
from .installed import fits
from .packages import HOST, OPENCV, fork_of


@dataclass(frozen=True)
class Known:
    """A newer package that something of upstream's host is not ready for.

    Args:
        names (tuple[str, ...]): The distributions meant.
        versions (str): The versions meant.
        consequence (str): What it changes.
        requirement (str): What pip would have to install to undo it, '' if
            there is no need. Defaults to ''.
        upstream (bool): Whether it is so with upstream's host only. Defaults
            to True.
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
        'It reads checkpoints as data only, and those of mmengine hold '
        'objects. Importing mpafer_plugin allows exactly these, so --resume '
        'and testing work with it; without it they fail with "Weights only '
        'load failed".',
    ),
    Known(
        ('setuptools',),
        '>=82',
        'It has no pkg_resources: mim, `mmpretrain::` in _base_, lazy '
        "configs and get_config do not work. mpafer_plugin's configs have "
        'relative _base_ and need none of them.',
        'setuptools<82',
    ),
    Known(
        OPENCV,
        '>=5',
        'It has no Haar cascades: cv2.CascadeClassifier is gone. Use '
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
    """Find what upstream's last releases are not ready for.

    The fork is maintained: none of it is known of it.
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
    """Say what is different on the CPU."""
    build = torch_build(env)
    hidden = env.variables.get('CUDA_VISIBLE_DEVICES') in ('', '-1')
    if build == 'rocm' or env.platform == 'darwin':
        return
    if not env.gpus or hidden:
        cause = (
            'CUDA_VISIBLE_DEVICES hides it'
            if env.gpus
            else 'nvidia-smi is not there or finds none'
        )
        yield Finding(
            f'No GPU visible ({cause})',
            'Everything runs on the CPU. --amp is bfloat16 there and may be '
            'slower than full precision; distributed runs use gloo.',
        )
    elif build == CPU:
        yield Finding(
            f'{env.gpus[0]}, but torch is built for the CPU only',
            'Everything runs on the CPU.',
            env.replace(['torch', 'torchvision'], 'torch>=2.6', 'torchvision'),
        )


def mixed_host(env: Environment) -> Iterator[Finding]:
    """Say that parts of the host come from upstream and from the fork."""
    forked = [module for module in HOST if fork_of(env, module)]
    if not forked or len(forked) == len(HOST):
        return
    yield Finding(
        f'Only {" and ".join(forked)} of the host '
        f'{"is" if len(forked) == 1 else "are"} the fork',
        'The fork is written for its own packages; this mixture is tested '
        'by nobody.',
    )


def broken_metadata(env: Environment) -> Iterator[Finding]:
    """Say what an interrupted installation has left behind."""
    for name, package in sorted(env.packages.items()):
        if not package.complete:
            yield Finding(
                f'The metadata of {name} cannot be read',
                'An interrupted installation leaves it so; versions are '
                'unknown to pip and here.',
                env.install('--force-reinstall', '--no-deps', name),
            )


NOTES = (no_gpu, known, mixed_host, broken_metadata)
