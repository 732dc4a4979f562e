from collections.abc import Iterator
from itertools import islice

from mmengine.dataset import DefaultSampler
from mmpretrain.registry import DATA_SAMPLERS

from mpafer_plugin.utils.seeding import SeededIndex


@DATA_SAMPLERS.register_module()
class ResumableSampler(DefaultSampler):
    """Sampler for runs that can be interrupted and reproduced.

    The order is that of mmengine's DefaultSampler. Each index carries the
    seed and the epoch, by which our datasets augment the sample: it does not
    depend on the number of workers or processes, persistent or not. Training
    can resume in the middle of an epoch.

    Args:
        *args: See :class:`mmengine.dataset.DefaultSampler`.
        **kwargs: The same.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._skipped = 0

    def skip(self, samples: int) -> None:
        """Skip the first samples of this rank, in the next epoch only."""
        self._skipped = samples

    def __iter__(self) -> Iterator[SeededIndex]:
        """Iterate the indices of this rank."""
        skipped, self._skipped = self._skipped, 0
        entropy = self.seed, self.epoch
        for index in islice(super().__iter__(), skipped, None):
            yield SeededIndex(index, entropy)
