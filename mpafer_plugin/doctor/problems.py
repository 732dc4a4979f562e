import os.path
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .environment import (
    CPU,
    Environment,
    Finding,
    described,
    is_cuda,
    torch_build,
    torchvision_build,
)
from .installed import fits, required_range
from .packages import missing, out_of_range, rivals, upstream_and_fork


def old_python(env: Environment) -> Iterator[Finding]:
    """Find an unsupported Python."""
    version = '.'.join(map(str, env.python))
    if env.implementation == 'cpython' and env.python >= (3, 11):
        return
    yield Finding(
        'CPython 3.11 or newer is needed; this is '
        f'{env.implementation} {version}.',
        'Current torch, numpy and matplotlib have no builds for older '
        'versions.',
        'python3.11 -m venv .venv && .venv/bin/python -m pip install -e '
        "'.[lite]'",
    )


def foreign_torchvision(env: Environment) -> Iterator[Finding]:
    """Find a torchvision that was built for another torch."""
    torch = env.any_of('torch')
    vision = env.any_of('torchvision')
    if torch is None or vision is None:
        return
    wanted = required_range(vision, 'torch')
    causes = []
    if not fits(torch.version, wanted):
        causes.append(f'it requires torch{wanted}')
    theirs, ours = torchvision_build(env), torch_build(env)
    # torchvision compares major versions only, and not with CPU builds
    if is_cuda(theirs) and ours == CPU:
        causes.append(f'it is built for CUDA {theirs}, torch for the CPU only')
    elif (
        is_cuda(theirs)
        and is_cuda(ours)
        and theirs.split('.')[0] != ours.split('.')[0]
    ):
        causes.append(f'it is built for CUDA {theirs}, torch for {ours}')
    if not causes:
        return
    build = f' ({described(ours)})' if described(ours) else ''
    yield Finding(
        f'{vision} does not belong to {torch}{build}.',
        f'About torchvision: {"; ".join(causes)}. Importing it fails, e.g. '
        'with "operator torchvision::nms does not exist"; open_clip and '
        'mmpretrain import it.',
        env.replace(['torch', 'torchvision'], 'torch>=2.6', 'torchvision'),
        ('torchvision::', 'different CUDA major', 'import torchvision: '),
    )


def multimodal_models(env: Environment) -> Iterator[Finding]:
    """Find packages with which mmpretrain's multimodal models break."""
    transformers = env.any_of('transformers')
    # 4.51.3 imports; 4.53.3 raises ImportError, 5.23.0 TypeError; the fork
    # supports newer ones
    if (
        transformers is None
        or 'pycocotools' not in env.packages
        or 'mmpretrain' not in env.packages
        or fits(transformers.version, '<4.52')
    ):
        return
    yield Finding(
        f'{transformers} and {env.packages["pycocotools"]} are installed '
        'together.',
        'With both, mmpretrain.models imports its multimodal models, which '
        'fail with transformers 4.52 and newer: TypeError or ImportError. '
        'mpafer_plugin needs neither package.',
        f'{shlex.quote(env.command)} -m pip uninstall -y pycocotools',
        (
            'NoneType takes no arguments',
            'transformers',
            'import mmpretrain.models: TypeError',
        ),
    )


def opencv_libraries(env: Environment) -> Iterator[Finding]:
    """Find missing system libraries of OpenCV wheels with GUI."""
    windowed = env.any_of('opencv-python', 'opencv-contrib-python')
    if windowed is None or not env.absent_libraries:
        return
    yield Finding(
        f'{" and ".join(env.absent_libraries)} cannot be loaded.',
        f'{windowed} takes them from the system and does not import without '
        'them; mmcv and mmengine import it.',
        'apt-get install libgl1 libglib2.0-0',
        env.absent_libraries,
    )


@dataclass(frozen=True)
class Setting:
    """An environment variable that configs read.

    Args:
        name (str): Name of the variable.
        default (str): Value that configs use if it is not set.
        takes (str): Description of the allowed values.
        is_path (Callable): Returns whether a value is a path.
        exists (Callable): Returns whether that path exists.
    """

    name: str
    default: str
    takes: str
    is_path: Callable[[str], bool]
    exists: Callable[[str], bool]


SETTINGS = (
    Setting(
        'MPAFER_ARCH',
        'ViT-B-16-quickgelu',
        'the name of an architecture or the path of its JSON file',
        lambda value: value.endswith('.json'),
        os.path.isfile,
    ),
    Setting(
        'MPAFER_CLIP',
        'openai',
        'a tag or the path of a file of weights',
        # no tag of open_clip has any of these
        lambda value: bool(re.search(r'[./~]', value)),
        lambda value: os.path.isfile(os.path.expanduser(value)),
    ),
    Setting(
        'MPAFER_DATA',
        'data',
        'the folder that holds the datasets',
        lambda value: True,
        os.path.isdir,
    ),
)


def settings(env: Environment) -> Iterator[Finding]:
    """Find values that break configs, and paths that do not exist."""
    for setting in SETTINGS:
        value = env.variables.get(setting.name)
        if value is None:
            continue
        if not value:
            what = f'{setting.name} is set, but empty.'
            why = 'mmengine raises KeyError when it reads configs.'
        elif re.search(r"['\\\n]", value):
            what = f'{setting.name} is {value!r}.'
            why = (
                'mmengine pastes it into the text of configs, where a quote, '
                'a backslash or a line break is a syntax error or changes '
                'the value.'
            )
        elif setting.is_path(value) and not setting.exists(value):
            what = f'{setting.name} is {value!r}, which does not exist.'
            why = 'Relative paths are relative to the working directory.'
        else:
            continue
        yield Finding(
            what,
            f'{why} Set it to {setting.takes}; not set, it is '
            f'{setting.default!r}.',
            f'unset {setting.name}',
        )


PROBLEMS = (
    old_python,
    missing,
    upstream_and_fork,
    rivals,
    out_of_range,
    foreign_torchvision,
    multimodal_models,
    opencv_libraries,
    settings,
)
