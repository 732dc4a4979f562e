"""Numbers of a report, from the predictions of its models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch.nn.functional as F

from mpafer_plugin.apis.load_model import LoadedModel

from .bootstrap import MEANS, Bootstrap
from .calibration import log_softmax
from .comparison import disagreements, mcnemar, mean_and_spread
from .data import ReportData
from .features import neighbour_accuracy, silhouette
from .groups import group_results
from .numbers import (
    IMAGES,
    Temperature,
    class_rows,
    confidence_numbers,
    confusion_of,
    mistake_numbers,
)
from .predictions import Predictions
from .prompts import prompt_numbers


@dataclass(frozen=True)
class Model:
    """A checkpoint of a report.

    Args:
        name (str): Its name, different from the others'.
        facts (dict): See :func:`model_facts`.
        loaded (LoadedModel): The model.
        predictions (Predictions): Its outputs.
        temperature (Temperature, optional): Fitted on validation.
    """

    name: str
    facts: dict[str, Any]
    loaded: LoadedModel
    predictions: Predictions
    temperature: Temperature | None = None


class Report:
    """Numbers of one or more models on the same images.

    Args:
        head (dict): ``title``, ``command``, ``config``, ``date``,
            ``versions`` and ``data``, see :func:`data_facts`.
        data (ReportData): The images.
        models (Sequence[Model]): At least one, with the same classes.
        sample (Sequence[int]): Images whose features the predictions have.

    Attributes:
        classes (list[str]): Classes of the models.
        numbers (dict): All numbers, for the JSON.
    """

    def __init__(
        self,
        head: Mapping[str, Any],
        data: ReportData,
        models: Sequence[Model],
        sample: Sequence[int],
    ):
        self.classes = list(models[0].loaded.classes)
        self.data = data
        self.models = models
        self.sample = np.asarray(sample)
        self._probs = [
            np.exp(log_softmax(model.predictions.logits)) for model in models
        ]
        self.predicted = [probs.argmax(1) for probs in self._probs]
        persons = data.persons()
        self.bootstrap = Bootstrap(
            data.true, self.predicted, len(self.classes), persons
        )
        self.numbers: dict[str, Any] = dict(head) | dict(
            classes=self.classes,
            persons=None if persons is None else int(persons.max()) + 1,
            models=[self._model(m) for m in range(len(models))],
            comparison=self._comparison(),
            groups=group_results(
                data.columns(),
                data.true,
                self.predicted[0],
                len(self.classes),
                persons,
            ),
        )

    def _model(self, m: int) -> dict[str, Any]:
        """Return the numbers of one model."""
        model, true = self.models[m], self.data.true
        found = model.predictions
        confusion = confusion_of(true, self.predicted[m], len(self.classes))
        return dict(
            name=model.name,
            facts=model.facts,
            metrics=self.bootstrap.intervals(m),
            by_class=class_rows(self.classes, confusion, self.bootstrap, m),
            confusion=confusion,
            confidence=confidence_numbers(
                found.logits, true, model.temperature
            ),
            mistakes=self._mistakes(m),
            patch_maps=self.patch_maps(m),
            features=self._features(found),
            prompts=prompt_numbers(model.loaded.model, found.attention),
        )

    def _mistakes(self, m: int) -> dict[str, Any]:
        """Name the images and classes of a model's mistakes."""
        logits = self.models[m].predictions.logits
        found = mistake_numbers(logits, self.data.true)
        return dict(
            pairs=[
                dict(
                    true=self.classes[pair['true']],
                    predicted=self.classes[pair['predicted']],
                    errors=pair['errors'],
                    images=[self.image(i, m) for i in pair['images']],
                )
                for pair in found['pairs']
            ],
            least_confident_right=[
                self.image(i, m) for i in found['least_confident_right']
            ],
            label_issues=[
                self.image(issue['image'], m)
                | dict(
                    suggested=self.classes[issue['suggested']],
                    margin=issue['margin'],
                )
                for issue in found['label_issues']
            ],
        )

    def image(self, image: int, m: int = 0) -> dict[str, Any]:
        """Describe an image and what a model predicts for it."""
        predicted = self.predicted[m][image]
        return dict(
            index=int(image),
            path=self.data.path(image),
            true=self.classes[self.data.true[image]],
            predicted=self.classes[predicted],
            confidence=float(self._probs[m][image, predicted]),
        )

    def patch_maps(self, m: int) -> list[dict[str, Any]] | None:
        """Average the deciding patches by predicted class.

        Returns:
            list[dict] | None: ``name``, ``images`` and ``share`` (h, w), the
            share of these images in which a patch counts; None for models
            without a local score.
        """
        found = self.models[m].predictions
        if found.deciding is None:
            return None
        maps = []
        for c, name in enumerate(self.classes):
            own = np.flatnonzero(self.predicted[m] == c)
            if len(own):
                share = found.patches(own).mean(0)
                maps.append(dict(name=name, images=len(own), share=share))
        return maps

    def _features(self, found: Predictions) -> dict[str, Any] | None:
        """Measure how well features of the sample separate the classes."""
        if found.features is None:
            return None
        labels = self.data.true[self.sample]
        return dict(images=len(labels)) | {
            kind: dict(
                silhouette=silhouette(features, labels),
                neighbour_accuracy=neighbour_accuracy(features, labels),
            )
            for kind, features in (
                ('prompted', found.features),
                ('unprompted', found.unprompted),
            )
            if features is not None
        }

    def _comparison(self) -> dict[str, Any] | None:
        """Compare each model with the first, on the same images."""
        if len(self.models) < 2:
            return None
        true = self.data.true
        metrics = [
            self.bootstrap.intervals(m) for m in range(len(self.models))
        ]
        return dict(
            spread={
                name: mean_and_spread(
                    [found[name]['value'] for found in metrics]
                )
                for name in MEANS
            },
            pairs=[
                dict(
                    name=self.models[m].name,
                    baseline=self.models[0].name,
                    difference=self.bootstrap.differences(0, m),
                    mcnemar=mcnemar(
                        self.predicted[0] == true, self.predicted[m] == true
                    ),
                    disagreements=[
                        self.image(i)
                        | dict(
                            other=self.classes[self.predicted[m][i]],
                            other_confidence=float(self._probs[m][i].max()),
                        )
                        for i in disagreements(
                            self._probs[0], self._probs[m], IMAGES
                        )
                    ],
                )
                for m in range(1, len(self.models))
            ],
        )

    def class_marks(self, m: int = 0) -> dict[str, np.ndarray]:
        """Return the class texts and prototypes of a model, (C, D) each.

        They are normalised; empty for models without them.
        """
        head: Any = self.models[m].loaded.model.head
        found = {}
        if hasattr(head, 'class_vectors'):
            found['text'] = head.class_vectors()
        prototypes = getattr(head, 'prototypes', None)
        if prototypes is not None and prototypes.isfinite().all():
            found['prototype'] = prototypes
        return {
            name: F.normalize(vectors.detach().float(), dim=-1).cpu().numpy()
            for name, vectors in found.items()
        }
