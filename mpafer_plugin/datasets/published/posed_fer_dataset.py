import posixpath
import re
from collections.abc import Mapping

from mmengine.logging import MMLogger

from mpafer_plugin.utils.image_files import is_image

from ..annotations import Sample
from ..custom import FERFolder


class PosedFERDataset(FERFolder):
    """Base of datasets of known persons in a laboratory, without splits.

    Held-out images and ``folds`` are of whole persons.

    Arguments and errors are those of :class:`FERFolder`.
    """

    #: File names, with the groups 'subject' and 'label'.
    PATTERN: re.Pattern

    TRAIN_RULE = 'images'

    labelling = 'by the names of the files'

    def find_samples(self) -> list[Sample]:
        """List all images, with labels as classes and persons as groups."""
        samples, others = [], []
        for path, kind in self._files(''):
            if kind != 'file' or not is_image(path):
                continue
            match = self.PATTERN.fullmatch(posixpath.basename(path))
            if match is None:
                others.append(path)
                continue
            where = self.root.join(path)
            label = self.rename(match['label'].upper(), where)
            key, group = match[0].upper(), match['subject'].upper()
            samples.append(Sample(path, label, where, 0, key, group=group))
        if not samples:
            raise FileNotFoundError(
                f'no image in {self.root.path!r} or its folders has a name '
                f'of {type(self).__name__}, {self.PATTERN.pattern!r}; '
                f'{self.root.describe()}'
            )
        if others:
            MMLogger.get_current_instance().warning(
                f'{type(self).__name__} in {self.root.path!r}: '
                f'{len(others)} images, such as {others[0]!r}, have other '
                'names; they are not read'
            )
        return samples

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Read all images, and list their labels."""
        self._samples = self.find_samples()
        self.group = self.group or 'subject'
        first: dict[str, Sample] = {}
        for sample in self._samples:
            other = first.setdefault(sample.key, sample)
            if other is not sample:
                raise ValueError(
                    f'{sample.where}: the name is that of {other.where} too; '
                    'keep one of them'
                )
        names: dict[str, str] = {}
        for sample in self._samples:
            names.setdefault(sample.label, sample.where)
        return {'train': names}

    def read_part(self, part: str) -> list[Sample]:
        """Return all images."""
        return self._samples

    def how_to_add(self, part: str) -> str:
        """Advise on how to get a part."""
        return 'test by folds, such as folds=10, fold=0'
