import posixpath
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mmpretrain.registry import DATASETS

from mpafer_plugin.utils.quoting import quote

from ..annotations import Sample
from ..categories import EXPRESSIONS
from ..held_out_fer_dataset import HeldOutFERDataset
from ..soft_labels import check_label_rule, with_soft_labels
from .labels import AFFECTNET_COUNTS, LABEL_NAMES
from .layouts import read_part


@DATASETS.register_module()
class AffectNet(HeldOutFERDataset):
    """AffectNet, seven or eight expressions of the manually annotated part.

    `AffectNet <http://mohammadmahoor.com/affectnet/>`_ is available from its
    authors on request, for research only. The release is detected. The new
    one: ::

        AffectNet
        ├── train_set
        │   ├── annotations
        │   │   ├── 0_exp.npy         # the expression; _val, _aro and _lnd
        │   │   └── ...               # files beside it are not read
        │   └── images
        │       ├── 0.jpg
        │       └── ...
        └── val_set
            └── ...

    The old release, whose CSV files and numbered folders may also be in the
    data root: ::

        AffectNet
        ├── Manually_Annotated_file_lists
        │   ├── training.csv          # header or not
        │   └── validation.csv
        └── Manually_Annotated_Images
            ├── 1
            │   └── ...
            └── ...

    Its images are crops already and are read as they are: the boxes and
    landmarks in the CSV files are not used. Copies of either: ::

        AffectNet
        ├── train_set_annotation_without_lnd.csv   # number,expression,... or
        │                                          # number,exp,...
        ├── train_set                              # or class folders here:
        │   └── images                             # 0 to 7, or neutral, ...
        │       ├── 0.jpg                          # (train and val, too)
        │       └── ...
        └── ...                                    # val_set alike

    AffectNet's test set is not public, and papers report on its official
    validation part. So ``split='test'`` is all of that part; ``split='val'``,
    to select the best epoch, is a fixed share of every class of the official
    training part, and ``split='train'`` is the rest. The share is drawn by
    the image's id or listed path, so it differs between the releases. Some
    copies of the new release have 3,999 images rather than 4,000 in the
    validation part; a warning says so.

    Args:
        data_root (str): The folder ``AffectNet`` above.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        num_classes (int): 7, or 8 with contempt. Images of other ids (8, 9
            and 10 are none, uncertain and no-face) are left out and counted
            in the log. Defaults to 7.
        label_rule (str, optional): 'distribution' for soft targets. Defaults
            to None, the labels as annotated.
        votes (str, optional): Their table in ``data_root``, see
            :func:`with_soft_labels`: the id or listed path and a share of
            each class. Defaults to None.
        **kwargs: ``val_fraction``, ``val_seed`` and others, see
            :class:`HeldOutFERDataset`.

    Raises:
        ValueError: If an argument or an annotation is wrong.
        FileNotFoundError: If no layout is found, or images of
            annotations are absent; images without one are a warning.

    Examples:
        >>> from mpafer_plugin.datasets import AffectNet
        >>> AffectNet(data_root='data/AffectNet', split='test')
        Dataset AffectNet
            Number of samples:  3500
            Number of categories:       7
            Root of dataset:    data/AffectNet
            Split:      test, the official validation part, as papers ...
            Label rule:         as annotated, ids 0-6; left out: 500 ...
        >>> len(AffectNet('data/AffectNet', 'test', num_classes=8))
        4000
        >>> len(AffectNet('data/AffectNet', 'train', val_fraction=0))
        283901
        >>> len(AffectNet('data/AffectNet', 'train', 8, val_fraction=0))
        287651
        >>> len(AffectNet('data/AffectNet', 'train'))
        255511
        >>> len(AffectNet('data/AffectNet', 'val'))
        28390
    """

    PUBLISHED_COUNTS = AFFECTNET_COUNTS
    TEST_PART = 'val'
    TEST_RULE = (
        'the official validation part, which papers report since the official '
        'test part is not public'
    )

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        num_classes: int = 7,
        label_rule: str | None = None,
        votes: str | None = None,
        **kwargs: Any,
    ) -> None:
        if num_classes not in (7, 8):
            raise ValueError(
                f'AffectNet has no {num_classes!r} classes; num_classes is 7, '
                'or 8 with contempt'
            )
        check_label_rule(label_rule, votes)
        self.votes = votes
        self.num_classes = num_classes
        self.labelling = self._label_rule()
        if kwargs.get('classes') is None:
            kwargs['classes'] = self.expressions
        super().__init__(data_root, split, **kwargs)

    @property
    def expressions(self) -> tuple[str, ...]:
        """Expressions that are read, in canonical order."""
        return EXPRESSIONS[: self.num_classes]

    def load_samples(self) -> list[Sample]:
        """Read the images of the official part with an expression."""
        source, read = read_part(self.root, self.official_part)
        expressions = self.expressions
        first: dict[str, Sample] = {}
        left_out: Counter[str] = Counter()
        samples = []
        repeated = 0
        for sample in read:
            earlier = first.setdefault(sample.key, sample)
            if earlier.label != sample.label:
                raise ValueError(
                    f'{sample.where}: {quote(sample.key)} is '
                    f'{sample.label!r}, but {earlier.label!r} on line '
                    f'{earlier.line}'
                )
            if earlier is not sample:
                repeated += 1
            elif sample.label in expressions:
                samples.append(sample)
            else:
                left_out[sample.label] += 1
        self.labelling = f'{self._label_rule(left_out)}; by {source}'
        if repeated:
            self.labelling += f'; {repeated} repeated rows passed over'
        if self.votes is not None:
            names = {str(i): name for i, name in enumerate(expressions)}
            samples, self.labelling = with_soft_labels(
                self.root, samples, self.votes, names, _image_id
            )
        return samples

    def label_names(self) -> Mapping[str, str]:
        """Return the expressions that are read."""
        return dict.fromkeys(self.expressions, '')

    def published_counts(self) -> Mapping[str, int] | None:
        """Return the published counts of the official part."""
        if self.votes is not None:
            return None
        published = self.PUBLISHED_COUNTS[self.official_part]
        return {name: published[name] for name in self.expressions}

    def _label_rule(self, counts: Mapping[str, int] | None = None) -> str:
        """Describe the ids read and, with counts once read, left out."""
        left_out = ', '.join(
            f'{name} ({number})'
            if counts is None
            else f'{counts[name]} {name} ({number})'
            for number, name in LABEL_NAMES.items()
            if name not in self.expressions
        )
        return (
            f'as annotated, ids 0-{self.num_classes - 1}; left out: {left_out}'
        )


def _image_id(name: str) -> str:
    """Return the key of an image: its id, or the path that is listed."""
    return name if '/' in name else posixpath.splitext(name)[0]
