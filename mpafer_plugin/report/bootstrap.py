"""Bootstrap intervals of accuracy, UAR, F1 and recalls."""

from collections.abc import Iterator, Sequence

import numpy as np

from mpafer_plugin.evaluation import class_scores

RESAMPLES = 2000
MEANS = ('accuracy', 'uar', 'macro_f1')

_CHUNK = 100  # resamples at a time, to bound the memory
_LEVELS = (2.5, 97.5)  # percentiles: a 95 % interval
_Z = 1.959964  # the same of a normal distribution


class Bootstrap:
    """Resamples of a test set, by images or by persons.

    Percentile bootstrap (Efron and Tibshirani, 1993) of the images; of the
    persons where they are known, as images of one person are not independent
    of each other.

    Args:
        true (np.ndarray): Class of each of N images, (N,).
        predicted (Sequence[np.ndarray]): Predicted classes of each of M
            models, (N,) each.
        num_classes (int): Number of classes C.
        persons (np.ndarray, optional): Number of the person in each image,
            (N,). Defaults to None.
        resamples (int): Number of resamples B. Defaults to 2000 (ours).
        seed (int): Seed of the resamples. Defaults to 0.

    Attributes:
        point (list[dict]): Scores of each model on the images themselves, see
            :func:`class_scores`.
        samples (list[dict]): The same with B in front of their shapes.
        support (np.ndarray): Images of each class, (C,).
    """

    def __init__(
        self,
        true: np.ndarray,
        predicted: Sequence[np.ndarray],
        num_classes: int,
        persons: np.ndarray | None = None,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ):
        self._classes = num_classes
        self.support = np.bincount(true, minlength=num_classes)
        # Images with the same classes are one kind, of which only the number
        # matters.
        rows = np.stack([true, *predicted], axis=1)
        self._kinds, kind = np.unique(rows, axis=0, return_inverse=True)
        kind = kind.reshape(-1)
        whole = np.bincount(kind, minlength=len(self._kinds))
        self.point = [
            {name: values[0] for name, values in scores.items()}
            for scores in self._score(whole[None])
        ]
        parts = [
            self._score(counts)
            for counts in self._resample(kind, persons, resamples, seed)
        ]
        self.samples = [
            {
                name: np.concatenate([part[m][name] for part in parts])
                for name in self.point[m]
            }
            for m in range(len(predicted))
        ]

    def _resample(
        self,
        kind: np.ndarray,
        persons: np.ndarray | None,
        resamples: int,
        seed: int,
    ) -> Iterator[np.ndarray]:
        """Yield the counts of each kind, (b, K), in chunks."""
        rng = np.random.default_rng(seed)
        num = len(kind) if persons is None else int(persons.max()) + 1
        kinds = len(self._kinds)
        for start in range(0, resamples, _CHUNK):
            counts = []
            for _ in range(min(_CHUNK, resamples - start)):
                drawn = rng.integers(num, size=num)
                if persons is None:
                    found = np.bincount(kind[drawn], minlength=kinds)
                else:
                    times = np.bincount(drawn, minlength=num)[persons]
                    found = np.bincount(kind, times, kinds)
                counts.append(found)
            yield np.stack(counts)

    def _score(self, counts: np.ndarray) -> list[dict[str, np.ndarray]]:
        """Score each model from counts of the kinds, (b, K)."""
        true, *predicted = self._kinds.T
        return [
            class_scores(
                self._by_class(counts * (found == true), true),
                self._by_class(counts, true),
                self._by_class(counts, found),
            )
            for found in predicted
        ]

    def _by_class(self, counts: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Sum counts (b, K) over the kinds of each class, (b, C)."""
        sums = np.zeros((self._classes, len(counts)))
        np.add.at(sums, classes, counts.T)
        return sums.T

    def intervals(self, model: int = 0) -> dict[str, dict[str, float]]:
        """Return accuracy, UAR and macro-F1 in percent, with intervals.

        If all or no images are right, all resamples are alike: the accuracy
        has Wilson's interval then (1927), the others none.
        """
        point, samples = self.point[model], self.samples[model]
        found = {name: interval(point[name], samples[name]) for name in MEANS}
        if point['accuracy'] in (0, 1):
            images = int(self.support.sum())
            found['accuracy'] = _wilson(point['accuracy'], images)
        return found

    def recalls(self, model: int = 0) -> list[dict | None]:
        """Return the recall of each class, None for those without images.

        Of a class with all or no images right, all resamples are alike: it
        has Wilson's interval (1927).
        """
        found: list[dict | None] = []
        for c, values in enumerate(self.samples[model]['recall'].T):
            recall, support = self.point[model]['recall'][c], self.support[c]
            if not support:
                found.append(None)
            elif recall in (0, 1):
                found.append(_wilson(recall, support))
            else:
                found.append(interval(recall, values))
        return found

    def differences(self, a: int, b: int) -> dict[str, dict[str, float]]:
        """Return how much higher the scores of b are than those of a.

        Both are resampled together, so the intervals are paired.
        """
        return {
            name: interval(
                self.point[b][name] - self.point[a][name],
                self.samples[b][name] - self.samples[a][name],
            )
            for name in MEANS
        }


def interval(value: float, samples: np.ndarray) -> dict[str, float]:
    """Return a value and its 95 % interval, in percent."""
    return _percent(value, *np.nanpercentile(samples, _LEVELS))


def _wilson(value: float, images: int) -> dict[str, float]:
    """Return Wilson's interval of a share that is 0 or 1, in percent."""
    share = _Z**2 / (images + _Z**2)
    return _percent(value, *((0, share) if value == 0 else (1 - share, 1)))


def _percent(value: float, low: float, high: float) -> dict[str, float]:
    return dict(
        value=100 * float(value),
        low=100 * float(low),
        high=100 * float(high),
    )
