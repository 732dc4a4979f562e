import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from mmpretrain.registry import DATASETS

from mpafer_plugin.utils.image_files import is_image

from ..annotations import Sample
from ..custom import FERFolder
from .posed_fer_dataset import PosedFERDataset

SEQUENCES: Mapping[str, int] = {
    'anger': 45,
    'contempt': 18,
    'disgust': 59,
    'fear': 25,
    'happiness': 69,
    'sadness': 28,
    'surprise': 83,
}
"""Labelled sequences, in the order of their numbers from 1."""

_IMAGES, _LABELS = 'cohn-kanade-images', 'Emotion'
_FOLDER_FRAMES = 3  # of each sequence in the copies of 48 x 48 pixels


@DATASETS.register_module()
class CKPlus(PosedFERDataset):
    """CK+, posed sequences from neutral to an expression, seven or eight.

    The official layout: ::

        ckplus
        ├── cohn-kanade-images
        │   └── S005/001/S005_001_00000001.png ...
        └── Emotion
            └── S005/001/S005_001_00000011_emotion.txt    # 3.0000000e+00

    or class folders of 48 x 48 images, the last three frames of each
    sequence, without neutral faces: ::

        ckplus
        ├── anger
        │   ├── S010_004_00000017.png
        │   └── ...
        └── ...

    327 of the 593 sequences have a label; the others are not read. There are
    no official splits: test by ``folds``, which keep each of the persons
    whole. The classes are those found, in canonical order; ``classes``
    without contempt leaves it out.

    Args:
        data_root (str): The folder ``ckplus`` above.
        split (str): 'train', 'val' or, with ``folds``, 'test'. Defaults to
            'train'.
        frames (int): Last frames of each sequence that show its expression,
            1 or more; official layout only. Defaults to 3.
        neutral (bool): Whether the first frame of each sequence is neutral;
            official layout only. Defaults to True.
        **kwargs: See :class:`FERFolder`.

    Raises:
        ValueError: If an argument or a label is wrong, or a sequence is too
            short.
        FileNotFoundError: If neither layout is found.
    """

    METAINFO: dict = {
        'paper': 'Lucey et al., "The extended Cohn-Kanade dataset (CK+)", '
        'CVPR Workshops 2010'
    }

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        frames: int = 3,
        neutral: bool = True,
        **kwargs: Any,
    ) -> None:
        if not isinstance(frames, int) or frames < 1:
            raise ValueError(f'CKPlus: {frames=} must be at least 1')
        self.frames, self.neutral = frames, neutral
        super().__init__(data_root, split, **kwargs)

    def find_names(self) -> Mapping[str, Mapping[str, str]]:
        """Detect the layout, and list the labels."""
        self._official = self.root.is_folder(_IMAGES)
        if self._official:
            return super().find_names()
        self.group = self.group or '^S[0-9]+'
        self.labelling = FERFolder.labelling
        return FERFolder.find_names(self)

    def read_part(self, part: str) -> list[Sample]:
        """Return all images."""
        if self._official:
            return super().read_part(part)
        return FERFolder.read_part(self, part)

    def find_samples(self) -> list[Sample]:
        """List the frames of all labelled sequences."""
        if not self.root.is_folder(_LABELS):
            raise FileNotFoundError(
                f'{self.root.path!r} has {_IMAGES} without the labels in '
                f'{_LABELS}; {self.root.describe()}'
            )
        samples: list[Sample] = []
        unlabelled = 0
        for subject in self.root.folders(_IMAGES):
            for number in self.root.folders(f'{_IMAGES}/{subject}'):
                sequence = f'{subject}/{number}'
                label = self._label(sequence)
                if label is None:
                    unlabelled += 1
                else:
                    samples += self._sequence(sequence, *label)
        self.labelling = (
            f'the last {self.frames} frames by {_LABELS}, '
            + ('the first is neutral' if self.neutral else 'no neutral faces')
            + f'; {unlabelled} sequences without a label are not read'
        )
        return samples

    def published_counts(self) -> Mapping[str, int]:
        """Return the counts of the labelled sequences times their frames."""
        frames = self.frames if self._official else _FOLDER_FRAMES
        counts = {name: frames * n for name, n in SEQUENCES.items()}
        if self._official and self.neutral:
            counts['neutral'] = sum(SEQUENCES.values())
        return counts

    def _label(self, sequence: str) -> tuple[str, str] | None:
        """Return label and file of a sequence; None without a label."""
        folder = f'{_LABELS}/{sequence}'
        names = self.root.files(folder) if self.root.is_folder(folder) else []
        if not names:
            return None
        path = self.root.join(f'{folder}/{names[0]}')
        text = self.root.read(f'{folder}/{names[0]}').decode(errors='replace')
        numbers = {float(i): name for i, name in enumerate(SEQUENCES, 1)}
        try:
            label = numbers.get(float(text))
        except ValueError:
            label = None
        if label is None or len(names) > 1:
            raise ValueError(
                f'{path}: {text[:60]!r} in {names}; expected one file with a '
                f'number of {numbers}'
            )
        return label, path

    def _sequence(
        self, sequence: str, label: str, where: str
    ) -> Iterator[Sample]:
        """List the frames of a sequence that are read."""
        folder = f'{_IMAGES}/{sequence}'
        names = [n for n in self.root.files(folder) if is_image(n)]
        if len(names) < self.frames + self.neutral:
            raise ValueError(
                f'{self.root.join(folder)}: {len(names)} images are too few '
                f'for frames={self.frames}, neutral={self.neutral}'
            )
        chosen = [(name, label) for name in names[-self.frames :]]
        if self.neutral:
            chosen.insert(0, (names[0], 'neutral'))
        subject = posixpath.dirname(sequence)
        for name, expression in chosen:
            path = f'{folder}/{name}'
            yield Sample(path, expression, where, 0, name, group=subject)
