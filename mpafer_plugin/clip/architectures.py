from difflib import get_close_matches
from pathlib import Path

from mpafer_plugin.utils.quoting import quote

from .architecture_file import read_architecture

FACE_TINY = 'face-tiny'
"""Architecture name and weights tag of the CLIP shipped with the package."""

FACE_TINY_DIR = Path(__file__).parent / 'face_tiny'

VIT_MODULES = ['vision_transformer', 'vision_transformer_hybrid', 'eva']
"""Modules of timm whose ViTs have blocks that take prompts."""

POOLS = ('', 'avg', 'token', 'map')
"""Ways of pooling of these ViTs that open_clip's weights have."""

NEAREST = {
    'coca_ViT-L': 'ViT-L-14 (laion2b_s32b_b82k)',
    'coca': 'ViT-B-32 (laion2b_s34b_b79k)',
    'convnext_x': 'ViT-H-14 (laion2b_s32b_b79k)',
    'convnext_large': 'ViT-L-14 (laion2b_s32b_b82k)',
    'convnext': 'ViT-B-16 (laion2b_s34b_b88k)',
    'MobileCLIP2': 'MobileCLIP2-B (dfndr2b)',
    'MobileCLIP': 'MobileCLIP-B (datacompdr)',
    'ViTamin-S': 'ViT-B-16 (datacomp_xl_s13b_b90k)',
    'ViTamin-B': 'ViT-B-16 (datacomp_xl_s13b_b90k)',
    'ViTamin': 'ViT-L-14 (datacomp_xl_s13b_b90k)',
    'RN50x64': 'ViT-L-14-336-quickgelu (openai)',
    'RN50x16': 'ViT-L-14-quickgelu (openai)',
    'RN': 'ViT-B-16-quickgelu (openai)',
}
"""Beginnings of names that cannot be prompted, and what can be instead."""


def architecture(arch: str) -> dict:
    """Return open_clip's config of an architecture.

    Args:
        arch (str): Name of an open_clip ViT architecture, ``'face-tiny'``, or
            the path of an architecture JSON in open_clip's format, which may
            be the ``open_clip_config.json`` of a folder of Hugging Face.

    Returns:
        dict: With keys ``embed_dim``, ``vision_cfg``, ``text_cfg`` and those
        of open_clip's models that are not CLIP's alone.

    Raises:
        ValueError: If ``arch`` is neither a known name nor a file, or if its
            towers cannot be prompted.
    """
    if arch == FACE_TINY:
        config = read_architecture(FACE_TINY_DIR / 'face-tiny.json')
    elif arch.endswith('.json'):
        config = read_architecture(Path(arch))
    else:
        # Imported here: it takes more than a second, and the other branches
        # do not need it.
        from open_clip import get_model_config, list_models

        config = get_model_config(arch)
        if config is None:
            names = [name for name in list_models() if not unsupported(name)]
            close = get_close_matches(arch, names, n=8)
            shown = dict.fromkeys(['ViT-B-16-quickgelu', *close])
            raise ValueError(
                f'unknown CLIP architecture {quote(arch)}; expected '
                f'{FACE_TINY!r}, the path of an architecture JSON, or one of '
                f"open_clip's {len(names)} that can be prompted, such as "
                f'{", ".join(shown)}'
            )
    reason = _unsupported(config)
    if reason:
        raise ValueError(
            f'CLIP architecture {arch!r} cannot be prompted: {reason}; '
            f'nearest is {_nearest(arch)}'
        )
    return config


def unsupported(arch: str) -> str:
    """Return why an architecture of open_clip cannot be prompted, or ''."""
    from open_clip import get_model_config

    return _unsupported(get_model_config(arch))


def is_named_architecture(name: str) -> bool:
    """Return whether open_clip or this package has an architecture ``name``.

    open_clip also accepts folders and URLs, which are not names.
    """
    from open_clip import list_models

    return name == FACE_TINY or name in list_models()


def image_size(arch: str) -> int:
    """Return the side of the square input images of ``arch``, in pixels.

    Configs derive their input size from it.
    """
    size = architecture(arch)['vision_cfg'].get('image_size', 224)
    if isinstance(size, (list, tuple)):
        if len(set(size)) != 1:
            raise ValueError(
                f'{arch!r} takes images of {size}; only square images are '
                'supported'
            )
        size = size[0]
    return size


def embed_dim(arch: str) -> int:
    """Return the dimension D of the joint space of ``arch``.

    Configs use it for the host's classification heads.
    """
    return architecture(arch)['embed_dim']


def _unsupported(config: dict) -> str:
    """Return why ``config`` cannot be prompted, '' if it can."""
    vision, text = config['vision_cfg'], config['text_cfg']
    if 'multimodal_cfg' in config or text.get('embed_cls'):
        return 'it is a CoCa, whose feature is one of a captioning decoder'
    if 'tokenizer_mode' in text:
        return f'of its tokenizer, mode {text["tokenizer_mode"]!r} is unknown'
    if vision.get('timm_model_name'):
        return _unsupported_timm(vision)
    if isinstance(vision.get('layers'), (list, tuple)):
        return 'its image tower is a ResNet, which has no tokens'
    if vision.get('attentional_pool'):
        return "its image tower has CoCa's attention pooling"
    return ''


def _unsupported_timm(vision: dict) -> str:
    from timm.models import is_model_in_modules

    name = vision['timm_model_name']
    if is_model_in_modules(name, VIT_MODULES):
        pool = vision.get('timm_pool', 'avg')  # as open_clip has it
        if pool in POOLS:
            return ''
        return f'timm_pool={quote(pool)} is not one of {POOLS}'
    if is_model_in_modules(name, ['vision_transformer_relpos']):
        return (
            f"its image tower, timm's {name}, has a bias for each pair of "
            'patches in the attention, and none for a prompt'
        )
    return f"its image tower, timm's {name}, is no plain ViT"


def _nearest(arch: str) -> str:
    """Return the architecture that can be prompted, nearest to another.

    By the name's beginning: of the same weights' maker or data, else the
    default. The choice is ours.
    """
    for start, nearest in NEAREST.items():
        if arch.startswith(start):
            return nearest
    return 'ViT-B-16-quickgelu'
