import hashlib
import re
from pathlib import Path


def published_quick_gelu(path: Path) -> bool | None:
    """Look a file up among the published ones whose digest is known.

    Returns:
        bool | None: Whether the weights were trained with QuickGELU; None if
        the file is not one of the published.
    """
    known: dict[str, bool] = {}
    for tag in _tags():
        # OpenAI's addresses hold the whole digest, the others' names its
        # first eight digits.
        for digest in re.findall(
            r'(?<![0-9a-f])([0-9a-f]{64}|[0-9a-f]{8}(?=\.pt$))',
            tag.get('url', ''),
        ):
            known[digest] = bool(tag.get('quick_gelu', False))
    digest = sha256(path)
    return known.get(digest, known.get(digest[:8]))


def is_published(path: Path) -> bool:
    """Whether all 64 digits of the file's digest are those of a published one.

    Eight digits would do to recognise a file, but not to trust it.
    """
    digest = sha256(path)
    return any(f'/{digest}/' in tag.get('url', '') for tag in _tags())


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def _tags() -> list[dict]:
    from open_clip.pretrained import _PRETRAINED

    return [tag for tags in _PRETRAINED.values() for tag in tags.values()]
