import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.random import mtrand


class SeededIndex(int):
    """Sample index that carries the seed of its augmentation.

    Args:
        index (int): The index.
        entropy (tuple[int, ...]): Numbers to seed from, such as seed and
            epoch.
    """

    entropy: tuple[int, ...]

    def __new__(cls, index: int, entropy: tuple[int, ...]) -> 'SeededIndex':
        """Create an int with the attribute ``entropy``."""
        self = super().__new__(cls, index)
        self.entropy = entropy
        return self

    # RepeatDataset and ConcatDataset compute the index of the inner dataset by
    # these. The repetition or offset joins the entropy, so that repeated
    # images are augmented differently.
    def __mod__(self, other: int) -> 'SeededIndex':
        """Return the index in a repeated dataset."""
        repetition, index = divmod(int(self), other)
        return SeededIndex(index, (*self.entropy, repetition))

    def __sub__(self, other: int) -> 'SeededIndex':
        """Return the index in a concatenated dataset."""
        return SeededIndex(int(self) - other, (*self.entropy, other))

    def __reduce__(self) -> tuple:
        """Pickle with the entropy, for worker processes."""
        return SeededIndex, (int(self), self.entropy)


def seed_generators(*entropy: int) -> None:
    """Seed the RNGs of Python, NumPy and torch from a tuple of integers.

    Similar tuples give independent streams (``numpy.random.SeedSequence``).
    """
    torch.manual_seed(_seed_python_and_numpy(entropy))


def _seed_python_and_numpy(entropy: tuple[int, ...]) -> int:
    """Seed these two and return the seed for torch."""
    python, legacy, pytorch = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(python))
    np.random.seed(legacy)
    return int(pytorch)


# Unused generators of the kind that NumPy's global functions draw from.
_SPARE = [np.random.MT19937()]


@contextmanager
def isolated_rng(*entropy: int) -> Iterator[None]:
    """Seed the CPU's RNGs for a block and restore their states afterwards.

    A GPU's generator is left alone: images are augmented on the CPU. Of
    NumPy's pairs of normal numbers, a second that is not drawn yet is lost.

    Args:
        *entropy (int): See :func:`seed_generators`.
    """
    python, pytorch = random.getstate(), torch.get_rng_state()
    # Copying NumPy's state takes longer than all the rest here.
    legacy = mtrand.get_bit_generator()
    own = _SPARE.pop() if _SPARE else np.random.MT19937()
    try:
        mtrand.set_bit_generator(own)
        # torch.manual_seed records a stack trace for each kind of GPU, which
        # takes longer than many augmentations.
        torch.default_generator.manual_seed(_seed_python_and_numpy(entropy))
        yield
    finally:
        random.setstate(python)
        mtrand.set_bit_generator(legacy)
        _SPARE.append(own)
        torch.set_rng_state(pytorch)
