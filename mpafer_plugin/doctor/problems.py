import os.path
import re
from collections.abc import Iterator

from .environment import Environment, Finding, fits
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
    torch, vision = env.find('torch'), env.find('torchvision')
    if torch is None or vision is None:
        return
    causes = []
    wanted = vision.range_of('torch')
    if not fits(torch.version, wanted):
        causes.append(f'it requires torch{wanted}')
    theirs, ours = env.build('torchvision'), env.build('torch')
    # torchvision compares major versions only, and not with CPU builds
    if (
        theirs.startswith('CUDA')
        and ours
        and ours.partition('.')[0] != theirs.partition('.')[0]
    ):
        causes.append(f'it is built for {theirs}, torch for {ours}')
    if not causes:
        return
    build = f' ({ours})' if ours else ''
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
    transformers = env.find('transformers')
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
        f'{env.pip} uninstall -y pycocotools',
        (
            'NoneType takes no arguments',
            'transformers',
            'import mmpretrain.models: TypeError',
        ),
    )


def opencv_libraries(env: Environment) -> Iterator[Finding]:
    """Find missing system libraries of OpenCV wheels with GUI."""
    windowed = env.find('opencv-python', 'opencv-contrib-python')
    if windowed is None or not env.absent_libraries:
        return
    yield Finding(
        f'{" and ".join(env.absent_libraries)} cannot be loaded.',
        f'{windowed} takes them from the system and does not import without '
        'them; mmcv and mmengine import it.',
        'apt-get install libgl1 libglib2.0-0',
        env.absent_libraries,
    )


SETTINGS = (
    (
        'MPAFER_ARCH',
        'ViT-B-16-quickgelu',
        'the name of an architecture or the path of its JSON file',
        lambda value: value.endswith('.json') and not os.path.isfile(value),
    ),
    (
        'MPAFER_CLIP',
        'openai',
        'a tag or the path of weights',
        # no tag of open_clip has any of these
        lambda value: (
            re.search('[./~]', value)
            and not os.path.exists(os.path.expanduser(value))
        ),
    ),
    (
        'MPAFER_DATA',
        'data',
        'the folder that holds the datasets',
        lambda value: not os.path.isdir(value),
    ),
)
"""Environment variables that configs read.

Each has its default, its allowed values, and a function that returns whether
a value is a path that does not exist.
"""


def settings(env: Environment) -> Iterator[Finding]:
    """Find values that are empty, and paths that do not exist."""
    for name, default, allowed, is_missing in SETTINGS:
        value = env.variables.get(name)
        if value is None:
            continue
        if not value:
            what = f'{name} is set, but empty.'
            why = 'Reading a config raises KeyError.'
        elif is_missing(value):
            what = f'{name} is {value!r}, which does not exist.'
            why = 'Relative paths are relative to the working directory.'
        else:
            continue
        yield Finding(
            what,
            f'{why} Set it to {allowed}; not set, it is {default!r}.',
            f'unset {name}',
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
