import json
from pathlib import Path

FACE_TINY = 'face-tiny'
"""Architecture name and weights tag of the CLIP shipped with the package."""

FACE_TINY_DIR = Path(__file__).parent / 'face_tiny'


def architecture(arch: str) -> dict:
    """Return the arguments of open_clip's ``CLIP`` for an architecture.

    Args:
        arch (str): Name of an open_clip ViT architecture, ``'face-tiny'``, or
            the path of an architecture JSON in open_clip's format.

    Returns:
        dict: With keys ``embed_dim``, ``vision_cfg``, ``text_cfg`` and,
        optionally, ``quick_gelu``.

    Raises:
        ValueError: If ``arch`` is neither a known name nor a file, or if its
            towers cannot be prompted.
    """
    if arch == FACE_TINY:
        config = _read_json(FACE_TINY_DIR / 'face-tiny.json')
    elif arch.endswith('.json'):
        config = _read_json(Path(arch))
    else:
        # Imported here: it takes more than a second, and the other branches
        # do not need it.
        from open_clip import get_model_config, list_models

        config = get_model_config(arch)
        if config is None:
            supported = [
                name
                for name in list_models()
                if not _unsupported(get_model_config(name))
            ]
            raise ValueError(
                f'unknown CLIP architecture {arch!r}; expected '
                f'{FACE_TINY!r}, the path of an architecture JSON, or one of '
                f'open_clip: {", ".join(supported)}'
            )
    reason = _unsupported(config)
    if reason:
        raise ValueError(
            f'CLIP architecture {arch!r} cannot be prompted: {reason}; '
            f'supported are plain ViT towers with the BPE text tower, such '
            f'as ViT-B-16-quickgelu or ViT-L-14-quickgelu'
        )
    return config


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


def _read_json(path: Path) -> dict:
    if not path.is_file():
        raise ValueError(f'architecture file {str(path)!r} does not exist')
    try:
        config = json.loads(path.read_text(encoding='utf-8'))
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}:{error.lineno}: {error.msg}') from error
    absent = {'embed_dim', 'vision_cfg', 'text_cfg'} - set(config)
    if absent:
        raise ValueError(f'{path} lacks the keys {sorted(absent)}')
    return config


def _unsupported(config: dict) -> str:
    """Return why ``config`` cannot be prompted, '' if it can."""
    vision, text = config['vision_cfg'], config['text_cfg']
    if 'timm_model_name' in vision:
        return f'its image tower is timm {vision["timm_model_name"]!r}'
    if isinstance(vision.get('layers'), (list, tuple)):
        return 'its image tower is a ResNet'
    if vision.get('attentional_pool'):
        return 'its image tower pools by attention'
    if vision.get('pool_type', 'tok') != 'tok':
        return f'its image tower pools by {vision["pool_type"]!r}'
    custom = (
        'block_type',
        'qk_norm',
        'scaled_cosine_attn',
        'scale_heads',
        'scale_attn_inner',
        'scale_attn',
        'scale_fc',
    )
    if any(vision.get(key) or text.get(key) for key in custom):
        return 'its blocks are not the standard ones'
    if 'hf_model_name' in text or 'hf_tokenizer_name' in text:
        return 'its text tower uses a tokenizer other than CLIP BPE'
    if config.get('custom_text') or text.get('embed_cls'):
        return 'its text tower is not the standard causal one'
    if (
        text.get('no_causal_mask')
        or text.get('pool_type', 'argmax') != 'argmax'
    ):
        return 'its text tower is not pooled at the end-of-text token'
    return ''
