import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class SeededIndex(int):
    """Index of a sample that knows from which numbers its chance is drawn.

    Args:
        index (int): The index.
        entropy (tuple[int, ...]): Seed and epoch.
    """

    entropy: tuple[int, ...]

    def __new__(cls, index: int, entropy: tuple[int, ...]) -> 'SeededIndex':
        """Make an int that carries ``entropy`` along."""
        self = super().__new__(cls, index)
        self.entropy = entropy
        return self

    # How RepeatDataset and ConcatDataset find a part's own index. Which time
    # or which part it is goes on to count, for other chance.
    def __mod__(self, other: int) -> 'SeededIndex':
        """Index in a dataset that is repeated."""
        time, index = divmod(int(self), other)
        return SeededIndex(index, (*self.entropy, time))

    def __sub__(self, other: int) -> 'SeededIndex':
        """Index in a dataset that comes after others."""
        return SeededIndex(int(self) - other, (*self.entropy, other))

    def __reduce__(self) -> tuple:
        """Let the entropy reach worker processes."""
        return SeededIndex, (int(self), self.entropy)


def seed_generators(*entropy: int) -> None:
    """Seed Python, numpy and torch by a tuple of numbers.

    Neighbouring tuples give unrelated streams, which neighbouring seeds of
    one generator would not.
    """
    python, legacy, pytorch = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(python))
    np.random.seed(legacy)
    torch.manual_seed(int(pytorch))


@contextmanager
def isolated_rng(*entropy: int) -> Iterator[None]:
    """Draw inside from a stream of one's own, and leave none but it moved."""
    python, legacy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        seed_generators(*entropy)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)
