import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from mpafer_plugin.utils.hashing import sha256
from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.numbers import is_number
from mpafer_plugin.utils.quoting import quote

from .architectures import FACE_TINY, FACE_TINY_DIR


def resolve_weights(arch: str, pretrained: str) -> tuple[Path, bool | None]:
    """Resolve a tag or path to a weights file, downloading it if needed.

    Args:
        arch (str): Name of the architecture, or the path of its JSON.
        pretrained (str): A local file, a tag that open_clip knows for
            ``arch``, ``'face-tiny'``, or a folder that Hugging Face's
            ``save_pretrained`` or a download of its hub made.

    Returns:
        tuple[Path, bool | None]: The file, and whether its weights were
        trained with QuickGELU, None if unknown.

    Raises:
        ValueError: If ``pretrained`` is neither a file, such a folder nor a
            known tag.
        ConnectionError: If a download is needed and the server cannot be
            reached.
    """
    if pretrained == FACE_TINY and arch == FACE_TINY:
        return FACE_TINY_DIR / 'face-tiny.safetensors', None
    from open_clip.pretrained import get_pretrained_cfg

    # os.path, as pathlib fails for unknown users and too long names.
    path = Path(os.path.expanduser(pretrained))
    if os.path.isfile(path):
        return path, published_quick_gelu(path)
    tag = get_pretrained_cfg(arch, pretrained)
    if not tag and os.path.isdir(path):
        path = weights_in(path)
        return path, published_quick_gelu(path)
    if not tag:
        tags = ', '.join(pretrained_tags(arch)) or 'none'
        raise ValueError(
            f'CLIP weights {quote(pretrained)} are no file, folder or tag of '
            f'{arch!r}, whose tags are: {tags}.\n{_three_ways(arch)}'
        )
    return _fetch(arch, pretrained, tag), bool(tag.get('quick_gelu', False))


def weights_in(folder: Path) -> Path:
    """Find the weights in a folder of Hugging Face.

    Raises:
        ValueError: If it has none.
    """
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    names = (
        HF_SAFE_WEIGHTS_NAME,
        'model.safetensors',
        HF_WEIGHTS_NAME,
        'pytorch_model.bin',
    )
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(
        f'the folder {str(folder)!r} of CLIP weights has none of '
        f'{", ".join(names)}'
    )


def pretrained_tags(arch: str) -> list[str]:
    """List the tags of published weights of an architecture."""
    from open_clip import list_pretrained_tags_by_model

    if arch == FACE_TINY:
        return [FACE_TINY]
    return list_pretrained_tags_by_model(arch)


def normalization(arch: str, pretrained: str | None) -> dict[str, list[float]]:
    """Return the normalisation of the images that weights were trained on.

    That of the tag; of the folder of Hugging Face, by its
    ``open_clip_config.json``; of the architecture's tags, if all have the
    same; else CLIP's.

    Args:
        arch (str): See :func:`architecture`.
        pretrained (str | None): See :func:`load_clip`.

    Returns:
        dict: ``mean`` and ``std`` of pixel values from 0 to 255.

    Raises:
        ValueError: If the folder's ``open_clip_config.json`` is malformed.
    """
    from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    from open_clip.pretrained import get_pretrained_cfg

    clips = dict(mean=OPENAI_DATASET_MEAN, std=OPENAI_DATASET_STD)
    tags = [get_pretrained_cfg(arch, pretrained or '')]
    folder = os.path.expanduser(pretrained or '')
    described = Path(folder, 'open_clip_config.json')
    if pretrained and os.path.isfile(described):
        tags = [_preprocessing(described)]
    elif not tags[0] and arch != FACE_TINY:
        tags = [get_pretrained_cfg(arch, t) for t in pretrained_tags(arch)]
    found = {
        name: {tuple(tag.get(name, clips[name])) for tag in tags}
        for name in clips
    }
    if any(len(values) != 1 for values in found.values()):
        found = {name: {values} for name, values in clips.items()}
    return {
        name: [255 * value for value in values.pop()]
        for name, values in found.items()
    }


def _preprocessing(path: Path) -> dict[str, Any]:
    """Read ``preprocess_cfg`` of an ``open_clip_config.json``.

    Raises:
        ValueError: If it is not JSON, or ``mean`` or ``std`` is not three
            numbers from 0 to 1.
    """
    found = config = parse_json(path.read_bytes(), str(path))
    if isinstance(config, dict):
        found = config.get('preprocess_cfg', {})
    if not isinstance(found, dict):
        raise ValueError(
            f'{path}: no object with preprocess_cfg, an object: '
            f'{quote(config)}'
        )
    for name, least in (('mean', 0), ('std', 1e-6)):
        value = found.get(name, [1, 1, 1])
        if not (
            isinstance(value, list)
            and len(value) == 3
            and all(is_number(x) and least <= x <= 1 for x in value)
        ):
            raise ValueError(
                f'{path}: preprocess_cfg.{name}={quote(value)} is not three '
                'numbers from 0 to 1'
            )
    return found


def published_quick_gelu(path: Path) -> bool | None:
    """Look up by its digest whether a published file needs QuickGELU.

    Returns:
        bool | None: Whether the weights were trained with QuickGELU; None if
        the file is not a published one.
    """
    digest = sha256(path)
    for tag in _tags():
        url = tag.get('url', '')
        # OpenAI's URLs hold the whole digest; other file names its first
        # eight digits.
        if f'/{digest}/' in url or url.endswith(f'-{digest[:8]}.pt'):
            return bool(tag.get('quick_gelu', False))
    return None


def is_published(path: Path) -> bool:
    """Return whether a file's whole digest is that of a published one.

    Eight digits are enough to recognise a file, but not to trust it.
    """
    digest = sha256(path)
    return any(f'/{digest}/' in tag.get('url', '') for tag in _tags())


def _tags() -> list[dict]:
    from open_clip.pretrained import _PRETRAINED

    return [tag for tags in _PRETRAINED.values() for tag in tags.values()]


def _fetch(arch: str, pretrained: str, tag: dict) -> Path:
    from huggingface_hub import constants, try_to_load_from_cache
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
    from open_clip.pretrained import download_pretrained

    if tag.get('hf_hub'):
        model, _, filename = tag['hf_hub'].rpartition('/')
        default = (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
        for name in (filename,) if filename else default:
            cached = try_to_load_from_cache(model, name)
            if isinstance(cached, str):
                return Path(cached)
    if tag.get('url'):  # the cache folder of OpenAI's clip and of open_clip
        folder = os.path.expanduser('~/.cache/clip')
        local = Path(folder, Path(tag['url']).name)
        if local.is_file():
            return local
    address = constants.ENDPOINT if tag.get('hf_hub') else tag['url']
    # The download itself would retry for most of a minute.
    if not _reachable(address):
        raise ConnectionError(
            f'the weights {pretrained!r} of {arch!r} are not on this machine '
            f'and {address} cannot be reached.\n{_three_ways(arch)}'
        )
    return Path(download_pretrained(tag))


def reachable_hub() -> bool:
    """Return whether the hub of Hugging Face, or its mirror, answers."""
    from huggingface_hub import constants

    return _reachable(constants.ENDPOINT)


def _reachable(address: str) -> bool:
    request = urllib.request.Request(address, method='HEAD')
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError:
        return True  # the server has answered
    except OSError:
        return False
    return True


def _three_ways(arch: str) -> str:
    return (
        'Three ways to get weights:\n'
        '  1. on a machine with network access, set MPAFER_CLIP to a tag: the '
        'file is downloaded once and cached;\n'
        '  2. copy the file here and set MPAFER_CLIP to its path (weights of '
        f'{arch} from open_clip, OpenAI, Hugging Face or mmpretrain);\n'
        '  3. use the small CLIP that ships with this package: '
        f'MPAFER_ARCH={FACE_TINY} MPAFER_CLIP={FACE_TINY}.'
    )
