import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmpretrain.registry import DATASETS

from ..annotations import Sample
from ..base_fer_dataset import BaseFERDataset
from ..categories import EXPRESSIONS
from ..layouts import Layout, find_layout
from .labels import FERPLUS_COUNTS, LABEL_RULES, soft_target
from .layouts import read_votes, write_images
from .pixels import USAGES

_FOLDERS = {
    'train': 'FER2013Train',
    'val': 'FER2013Valid',
    'test': 'FER2013Test',
}
_USAGES = dict(zip(_FOLDERS, USAGES, strict=True))
_NEW_VOTES = 'fer2013new.csv'

_RULE_TEXTS = {
    'majority': 'majority, more than half of the votes of ten raters, single '
    'votes not counted, unknown and no-face excluded (the official rule)',
    'argmax': 'argmax, the most votes of ten columns, then unknown and '
    'no-face excluded',
    'argmax8': 'argmax8, the most votes of the eight expressions',
    'distribution': 'distribution, votes of the eight expressions as soft '
    'targets, their argmax as the label',
}


@DATASETS.register_module()
class FERPlus(BaseFERDataset):
    """FER+, the images of FER2013 with the votes of ten raters.

    The votes are `Microsoft's <https://github.com/microsoft/FERPlus>`_, whose
    ``generate_training_data.py`` writes the images from ``fer2013.csv``.
    Dataset directory: ::

        ferplus
        ├── fer2013new.csv            # the newer votes of all images
        ├── FER2013Train
        │   ├── label.csv             # the votes, if fer2013new.csv is absent
        │   ├── fer0000000.png        # 48 x 48, grey
        │   └── ...
        ├── FER2013Valid
        │   └── ...
        └── FER2013Test
            └── ...

    or FER2013's own table, from which rank 0 writes these folders beside it
    on first use, as that tool does: ::

        ferplus
        ├── fer2013new.csv   # Usage,Image name,neutral,...
        └── fer2013.csv      # emotion,pixels,Usage; the same rows; or
                             # icml_face_data.csv

    Papers rarely say how they turn votes into labels, and the rules differ in
    a tenth of the images. Images of a complete copy, by rule:

    =============================  ======  =====  =====
    rule                           train   val    test
    =============================  ======  =====  =====
    majority                       25,057  3,199  3,152
    argmax                         28,386  3,553  3,545
    argmax8, distribution          28,556  3,579  3,572
    majority, by label.csv         25,045  3,191  3,137
    argmax, by label.csv           28,385  3,555  3,545
    argmax8 etc., by label.csv     28,556  3,579  3,573
    =============================  ======  =====  =====

    ``fer2013new.csv`` lists four names twice. The last row counts: the tool
    writes the image of each row, so the last one is on disk (for the one name
    whose rows differ, fer0033120, a warning sign that ten raters called no
    face). Rows without a name, of removed images, are skipped.

    Args:
        data_root (str): The folder that contains ``fer2013new.csv`` or
            ``FER2013Train``.
        split (str): 'train', 'val' or 'test', officially called Training,
            PublicTest and PrivateTest. Defaults to 'train'.
        label_rule (str): 'majority', 'argmax', 'argmax8' or 'distribution'.
            The last also gives ``gt_score``, a soft target. Defaults to
            'majority', the official one.
        **kwargs: See :class:`BaseFERDataset`.

    Raises:
        ValueError: If an argument or a row of votes is wrong.
        FileNotFoundError: If the votes or listed images are absent.
        OSError: If images are to be written and cannot be.

    Examples:
        >>> from mpafer_plugin.datasets import FERPlus
        >>> FERPlus(data_root='data/ferplus', split='val')
        Dataset FERPlus
            Number of samples:  3199
            Number of categories:       8
            Root of dataset:    data/ferplus
            Split:      val, the official val split
            Label rule:         majority, more than half of the votes of ...
        >>> soft = FERPlus('data/ferplus', 'train', label_rule='distribution')
        >>> soft[0]['gt_score']
        [0.4, 0.0, 0.1, 0.0, 0.0, 0.2, 0.3, 0.0]
    """

    METAINFO: dict = {'classes': EXPRESSIONS}

    #: Counts by rule are not published; ours are of a complete copy.
    COUNTS_SOURCE = 'measured'

    released_crop = '48 x 48 grey, as released'

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        label_rule: str = 'majority',
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if label_rule not in LABEL_RULES:
            raise ValueError(
                f'unknown label_rule {label_rule!r}; the rules are '
                f'{tuple(LABEL_RULES)}'
            )
        self.label_rule = label_rule
        self.labelling = _RULE_TEXTS[label_rule]
        super().__init__(data_root, split, pipeline, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Write images that exist only in ``fer2013.csv``, then read all."""
        folders = {_USAGES[split]: name for split, name in _FOLDERS.items()}
        try:
            if is_main_process():
                write_images(self.root, _NEW_VOTES, folders)
        finally:
            # Also after an error: the other ranks then raise it below.
            barrier()
        return super().load_data_list()

    def load_samples(self) -> list[Sample]:
        """Read the images of the split to which the rule gives a label."""
        folder = _FOLDERS[self.official_part]
        layouts = (
            Layout('newer votes', (_NEW_VOTES,)),
            Layout('older votes', (f'{folder}/label.csv',)),
        )
        layout = find_layout(
            self.root,
            layouts,
            f"FER+'s votes ({self.official_part} part)",
            f'{_NEW_VOTES} is at https://github.com/microsoft/FERPlus',
        )
        (name,) = layout.needs
        self._source = posixpath.basename(name)
        usage = _USAGES[self.official_part] if name == _NEW_VOTES else None
        unnamed = repeated = 0
        last_rows: dict[str, tuple[int, list[int]]] = {}
        for number, image, votes in read_votes(self.root, name, usage):
            unnamed += not image
            repeated += image in last_rows
            if image:
                last_rows[image] = number, votes
        samples = []
        for image, (number, votes) in last_rows.items():
            label = LABEL_RULES[self.label_rule](votes)
            if label is not None:
                soft = self.label_rule == 'distribution'
                samples.append(
                    Sample(
                        f'{folder}/{image}',
                        label,
                        self.root.join(name),
                        number,
                        key=image,
                        score=soft_target(votes) if soft else None,
                    )
                )
        self.labelling = (
            f'{_RULE_TEXTS[self.label_rule]}; by {self._source}; passed over: '
            f'{len(last_rows) - len(samples)} images that the rule gives '
            f'no label, {unnamed} rows without a name, {repeated} rows '
            'repeated below'
        )
        return samples

    def published_counts(self) -> Mapping[str, int]:
        """Return the counts of a complete copy, measured under this rule.

        They depend on the votes that :meth:`load_samples` has read.
        """
        rule = self._source, self.label_rule
        counts = FERPLUS_COUNTS[rule][self.official_part]
        return dict(zip(EXPRESSIONS, counts, strict=True))
