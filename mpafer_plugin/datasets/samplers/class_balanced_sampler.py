from collections.abc import Iterator

import numpy as np
from mmengine.logging import MMLogger
from mmpretrain.registry import DATA_SAMPLERS

from mpafer_plugin.utils.seeding import SeededIndex

from ..label_counts import count_labels
from .resumable_sampler import ResumableSampler


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(ResumableSampler):
    """Sampler that draws all classes equally often, or rare ones more often.

    An epoch has as many samples as the dataset, N. Each of C classes is drawn
    floor(N / C) or ceil(N / C) times; which classes are drawn once more
    changes by epoch. With ``oversample_thr`` t, the share of a class with n
    images is instead proportional to n max(1, sqrt(t N / n)), rounded
    likewise: the repeat factor of
    :class:`mmengine.dataset.ClassBalancedDataset` (Gupta et al. 2019), which
    keeps the proportions among common classes. Within a class, the numbers
    of times that images are drawn differ by at most one. Each epoch is drawn
    independently. An image that is drawn several times in an epoch is
    augmented differently each time.

    All processes draw the same list, by seed and epoch, and take every
    ``world_size``-th item. As in :class:`mmengine.dataset.DefaultSampler`,
    the beginning of the list is repeated to divide it evenly: at most
    ``world_size - 1`` extra samples.

    Args:
        *args: See :class:`mmengine.dataset.DefaultSampler`; ``shuffle`` can
            only be True.
        oversample_thr (float, optional): Share of the images, in (0, 1],
            below which a class is drawn more often. Defaults to None: all
            classes equally often.
        **kwargs: The same.

    Raises:
        ValueError: If ``shuffle`` is False, ``oversample_thr`` is not in
            (0, 1] or a class has no images.
    """

    def __init__(self, *args, oversample_thr: float | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        if oversample_thr is not None and not 0 < oversample_thr <= 1:
            raise ValueError(
                f'oversample_thr={oversample_thr!r} is not in (0, 1]'
            )
        if not self.shuffle:
            raise ValueError(
                'shuffle=False: a ClassBalancedSampler draws at random. Set '
                'shuffle=True, or use ResumableSampler'
            )
        self.oversample_thr = oversample_thr
        labels = count_labels(self.dataset)
        self._members = [
            np.flatnonzero(labels.labels == c)
            for c in range(len(labels.classes))
        ]
        weights = np.ones(len(labels.classes))
        if oversample_thr is not None:
            wanted = oversample_thr * len(self.dataset) * labels.counts
            weights = np.maximum(labels.counts, np.sqrt(wanted))
        self._shares = len(self.dataset) * weights / weights.sum()
        drawn = ', '.join(
            f'{name} {share:,.0f} of {count:,}'
            for name, share, count in zip(
                labels.classes, self._shares, labels.counts, strict=True
            )
        )
        MMLogger.get_current_instance().info(
            f'ClassBalancedSampler: an epoch draws about {drawn}'
        )

    def __iter__(self) -> Iterator[SeededIndex]:
        """Iterate the indices of this rank."""
        images, rounds = self._draw()
        # The parent shuffles, distributes and skips positions in the draw.
        for place in super().__iter__():
            entropy = *place.entropy, rounds[place]
            yield SeededIndex(images[place], entropy)

    def _draw(self) -> tuple[list[int], list[int]]:
        """Draw an epoch, class by class.

        Returns:
            tuple[list[int], list[int]]: Indices of the images, and how often
            each was drawn before in this epoch; the latter seeds its
            augmentation.
        """
        rng = np.random.default_rng((self.seed, self.epoch))
        shares = np.floor(self._shares).astype(int)
        extra = len(self.dataset) - shares.sum()
        shares[rng.permutation(len(shares))[:extra]] += 1
        images: list[int] = []
        rounds: list[int] = []
        for members, share in zip(self._members, shares, strict=True):
            images += np.resize(rng.permutation(members), share).tolist()
            rounds += (np.arange(share) // len(members)).tolist()
        return images, rounds
