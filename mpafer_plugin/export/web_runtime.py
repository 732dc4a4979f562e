"""onnxruntime-web, the runtime of the page in the browser."""

import json
import logging
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from mpafer_plugin.utils.hashing import sha256

logger = logging.getLogger(__name__)

VERSION = '1.30.0'
"""Version that the page is tested with."""

DIGEST = 'd2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71'
"""SHA-256 of its package as ``npm pack`` fetches it."""

FILES = (
    'ort.wasm.min.mjs',
    'ort-wasm-simd-threaded.mjs',
    'ort-wasm-simd-threaded.wasm',
    'ort.webgpu.min.mjs',
    'ort-wasm-simd-threaded.asyncify.mjs',
    'ort-wasm-simd-threaded.asyncify.wasm',
)
"""Files of ``dist/`` for the CPU, and for WebGPU."""


def read_runtime(source: Path | None = None) -> dict[str, bytes]:
    """Read the files of onnxruntime-web that the page needs.

    Args:
        source (Path, optional): The package, as the .tgz of ``npm pack`` or
            unpacked, as in ``node_modules``. Another version than
            :data:`VERSION` is used with a warning. Defaults to None: the npm
            client fetches it, once, as npm has a cache.

    Returns:
        dict[str, bytes]: The content of :data:`FILES` by name.

    Raises:
        ConnectionError: If npm cannot fetch it; the message has remedies.
        ValueError: If ``source`` is not onnxruntime-web or lacks a file, or
            the digest of what npm fetched is wrong.
    """
    if source is None:
        with tempfile.TemporaryDirectory() as folder:
            return _read(_fetch(Path(folder)))
    return _read(source)


def _fetch(folder: Path) -> Path:
    """Let npm put the package into a folder, and return the file."""
    name = f'onnxruntime-web@{VERSION}'
    npm = shutil.which('npm')
    if npm is None:
        reason = 'there is no npm client'
    else:
        done = subprocess.run(
            [npm, 'pack', name, '--prefer-offline'],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        files = list(folder.glob('*.tgz'))
        if done.returncode == 0 and files:
            digest = sha256(files[0])
            if digest != DIGEST:
                raise ValueError(
                    f'npm fetched {name} with the SHA-256 {digest}, expected '
                    f'{DIGEST}'
                )
            return files[0]
        lines = done.stderr.strip().splitlines() or ['']
        reason = f'npm pack: {lines[0]}'
    raise ConnectionError(
        f'{name} cannot be fetched: {reason}. Where npm works, run `npm pack '
        f'{name}`, and give the file: --onnxruntime-web FILE'
    )


def _read(source: Path) -> dict[str, bytes]:
    if source.is_dir():
        return _read_files(source, lambda name: (source / name).read_bytes())
    try:
        with tarfile.open(source) as archive:

            def member(name: str) -> bytes:
                file = archive.extractfile(f'package/{name}')
                assert file is not None
                return file.read()

            return _read_files(source, member)
    except (OSError, tarfile.TarError) as error:
        raise ValueError(
            f'{str(source)!r} is neither a folder nor a .tgz of npm: {error}'
        ) from error


def _read_files(
    source: Path, read: Callable[[str], bytes]
) -> dict[str, bytes]:
    try:
        version = json.loads(read('package.json'))['version']
        if version != VERSION:
            logger.warning(
                f'{str(source)!r} is onnxruntime-web {version}; the page is '
                f'tested with {VERSION}'
            )
        return {name: read(f'dist/{name}') for name in FILES}
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f'{str(source)!r} is not the package onnxruntime-web: '
            f'{str(error).strip(chr(34))}'
        ) from error
