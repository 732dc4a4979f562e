from collections.abc import Iterator

import numpy as np
from mmengine.logging import MMLogger
from mmpretrain.registry import DATA_SAMPLERS

from .label_counts import count_labels
from .random_streams import StreamIndex
from .resumable_sampler import ResumableSampler


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(ResumableSampler):
    """Sampler that draws each class equally often.

    An epoch has as many samples as the data set, N. Each of C classes is
    drawn floor(N / C) or ceil(N / C) times; which have the one more changes
    by epoch. Within a class no picture is drawn a second time before all were
    drawn, and so on: counts within a class differ by at most one. Each epoch
    draws anew, whatever others drew. A picture that comes several times an
    epoch is augmented differently each time.

    All processes draw the same list, by seed and epoch, and take every
    ``world_size``-th of it. As in :class:`mmengine.dataset.DefaultSampler`
    the list's beginning is repeated where it does not come out even: at most
    ``world_size - 1`` samples more.

    Args:
        *args: See :class:`mmengine.dataset.DefaultSampler`; ``shuffle`` can
            only be True.
        **kwargs: The same.

    Raises:
        ValueError: If ``shuffle`` is False or a class has no pictures.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.shuffle:
            raise ValueError(
                'shuffle=False: a ClassBalancedSampler draws at random. Set '
                'shuffle=True, or use ResumableSampler'
            )
        labels = count_labels(self.dataset)
        self._members = [
            np.flatnonzero(labels.labels == c)
            for c in range(len(labels.classes))
        ]
        share, extra = divmod(len(self.dataset), len(labels.classes))
        times = f'{share:,} or {share + 1:,}' if extra else f'{share:,}'
        least, most = (
            f'{labels.counts[c]:,} ({labels.classes[c]})'
            for c in (labels.counts.argmin(), labels.counts.argmax())
        )
        MMLogger.get_current_instance().info(
            f'ClassBalancedSampler: each of {len(labels.classes)} classes is '
            f'drawn {times} times an epoch, instead of {least} to {most}'
        )

    def __iter__(self) -> Iterator[StreamIndex]:
        """Iterate the indices of this rank."""
        pictures, rounds = self._draw()
        # The parent shuffles, shares and skips: its indices are places here.
        for place in super().__iter__():
            entropy = *place.entropy, rounds[place]
            yield StreamIndex(pictures[place], entropy)

    def _draw(self) -> tuple[list[int], list[int]]:
        """Draw an epoch, by class.

        Returns:
            tuple[list[int], list[int]]: The pictures, and how often each was
            drawn before in this epoch, by which its augmentation differs.
        """
        rng = np.random.default_rng((self.seed, self.epoch))
        classes = len(self._members)
        share, extra = divmod(len(self.dataset), classes)
        shares = np.full(classes, share)
        shares[rng.permutation(classes)[:extra]] += 1
        pictures = [
            np.resize(rng.permutation(members), share)
            for members, share in zip(self._members, shares, strict=True)
        ]
        rounds = [
            np.arange(share) // len(members)
            for members, share in zip(self._members, shares, strict=True)
        ]
        return (
            np.concatenate(pictures).tolist(),
            np.concatenate(rounds).tolist(),
        )
