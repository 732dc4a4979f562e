import hashlib
from pathlib import Path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as a hexadecimal string."""
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()
