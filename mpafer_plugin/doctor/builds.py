"""What torch and torchvision were built for, read without importing them."""

from __future__ import annotations

import re

from .environment import Environment

CPU = 'cpu'


def torch_build(env: Environment) -> str:
    """Read torch's build: ``'13.2'`` (CUDA), 'rocm', 'cpu', '' if unknown."""
    text = env.text('torch/version.py')
    cuda = re.search(r"^cuda\b[^=\n]*=\s*'([\d.]+)'", text, re.MULTILINE)
    if cuda:
        return cuda[1]
    if re.search(r"^hip\b[^=\n]*=\s*'", text, re.MULTILINE):
        return 'rocm'
    return CPU if re.search(r'^cuda\b', text, re.MULTILINE) else ''


def torchvision_build(env: Environment) -> str:
    """Read torchvision's build, as ``torch_build`` gives torch's."""
    text = env.text('torchvision/version.py')
    tag = re.search(r"__version__\s*=\s*'[^'+]*\+(cpu|rocm|cu\d+)", text)
    if not tag:
        return ''
    digits = tag[1][len('cu') :]  # cu132 is CUDA 13.2
    return f'{digits[:-1]}.{digits[-1]}' if digits.isdigit() else tag[1]


def is_cuda(build: str) -> bool:
    """Whether a build is one for CUDA."""
    return build[:1].isdigit()


def described(build: str) -> str:
    """Name a build for the report; '' if it is not known."""
    if is_cuda(build):
        return f'CUDA {build}'
    return {CPU: 'CPU only', 'rocm': 'ROCm'}.get(build, '')
