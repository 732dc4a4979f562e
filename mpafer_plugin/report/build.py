"""A report: the numbers of its JSON and the content of its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import plots
from .bootstrap import Bootstrap
from .calibration import log_softmax
from .data import ReportData
from .numbers import (
    Temperature,
    class_rows,
    confidence_numbers,
    confusion_of,
    mistake_numbers,
)
from .page import render
from .predictions import Predictions
from .thumbnails import Thumbnails

MOST_CLASSES = 30
"""Classes up to which a page has the confusion matrix as a table."""

MOST_ISSUES = 24
"""Candidates of label noise that a page shows."""


@dataclass(frozen=True)
class Model:
    """A checkpoint of a report.

    Args:
        name (str): Its name, different from the others'.
        facts (dict): See :func:`model_facts`.
        predictions (Predictions): Its outputs.
        temperature (Temperature, optional): Fitted on validation.
    """

    name: str
    facts: dict[str, Any]
    predictions: Predictions
    temperature: Temperature | None = None


class Report:
    """Numbers and page of one or more models on the same images.

    The sections that show images are about the first model.

    Args:
        head (dict): ``title``, ``command``, ``config``, ``date``,
            ``versions`` and ``data``, see :func:`data_facts`.
        classes (Sequence[str]): Classes of the models.
        data (ReportData): The images.
        models (Sequence[Model]): At least one.
        hide_images (bool): Whether the page has no image of the data.
            Defaults to False.
    """

    def __init__(
        self,
        head: dict[str, Any],
        classes: Sequence[str],
        data: ReportData,
        models: Sequence[Model],
        hide_images: bool = False,
    ):
        self.classes = list(classes)
        self.data = data
        self.models = models
        self._thumbnails = Thumbnails(data, hide_images)
        self._hidden = hide_images
        self._probs = [
            np.exp(log_softmax(model.predictions.logits)) for model in models
        ]
        self._predicted = [probs.argmax(1) for probs in self._probs]
        self.persons = data.persons()
        self.bootstrap = Bootstrap(
            data.true, self._predicted, len(classes), self.persons
        )
        self.numbers = head | dict(
            classes=self.classes,
            persons=None
            if self.persons is None
            else int(self.persons.max()) + 1,
            models=[self._model(m) for m in range(len(models))],
        )

    def _model(self, m: int) -> dict[str, Any]:
        """Return the numbers of one model."""
        model, true = self.models[m], self.data.true
        logits = model.predictions.logits
        confusion = confusion_of(true, self._predicted[m], len(self.classes))
        mistakes = mistake_numbers(logits, true)
        return dict(
            name=model.name,
            facts=model.facts,
            metrics=self.bootstrap.intervals(m),
            by_class=class_rows(self.classes, confusion, self.bootstrap, m),
            confusion=confusion,
            confidence=confidence_numbers(logits, true, model.temperature),
            mistakes=dict(
                pairs=[
                    dict(
                        true=self.classes[pair['true']],
                        predicted=self.classes[pair['predicted']],
                        errors=pair['errors'],
                        images=[self._image(i, m) for i in pair['images']],
                    )
                    for pair in mistakes['pairs']
                ],
                least_confident_right=[
                    self._image(i, m)
                    for i in mistakes['least_confident_right']
                ],
                label_issues=[
                    self._image(issue['image'], m)
                    | dict(
                        suggested=self.classes[issue['suggested']],
                        margin=issue['margin'],
                    )
                    for issue in mistakes['label_issues']
                ],
            ),
        )

    def _image(self, image: int, m: int = 0) -> dict[str, Any]:
        """Return what is known of an image."""
        return dict(
            index=int(image),
            path=self.data.path(image),
            true=self.classes[self.data.true[image]],
            predicted=self.classes[self._predicted[m][image]],
            confidence=float(self._probs[m][image].max()),
        )

    def page(self) -> str:
        """Return the page."""
        numbers, first = self.numbers, self.numbers['models'][0]
        mistakes = first['mistakes']
        confidence = first['confidence']
        predictions = self.models[0].predictions

        def cards(images: Sequence[dict]) -> list[dict]:
            return [
                image | self._thumbnails(image['index'], predictions)
                for image in images
            ]

        return render(
            report=numbers,
            colours=plots.COLOURS,
            first=first,
            matrix=self._matrix(first['confusion']),
            hide_images=self._hidden,
            has_patches=predictions.deciding is not None,
            figures=dict(
                reliability=plots.reliability(
                    confidence['before']['bins'],
                    confidence['after'] and confidence['after']['bins'],
                ),
                risk=plots.risk_curves(
                    {
                        model['name']: model['confidence']['risk_coverage']
                        for model in numbers['models']
                    }
                ),
            ),
            pairs=[
                pair | dict(images=cards(pair['images']))
                for pair in mistakes['pairs']
            ],
            doubtful=cards(mistakes['least_confident_right']),
            issues=cards(mistakes['label_issues'][:MOST_ISSUES]),
        )

    def _matrix(self, confusion: np.ndarray) -> list[dict[str, Any]] | None:
        """Return the rows of the confusion matrix, None if it is too large."""
        if len(self.classes) > MOST_CLASSES:
            return None
        support = confusion.sum(1)
        return [
            dict(
                name=name,
                images=int(support[i]),
                cells=[
                    dict(
                        count=int(count),
                        percent=100 * int(count) / max(1, int(support[i])),
                    )
                    for count in confusion[i]
                ],
            )
            for i, name in enumerate(self.classes)
        ]
