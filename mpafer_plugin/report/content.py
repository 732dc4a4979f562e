"""Content of a report's page: figures, images and rows of its tables."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from markupsafe import Markup

from . import plots
from .build import Report
from .features import pca, tsne
from .page import render
from .thumbnails import Thumbnails, data_uri, enlarge, heat_map

MOST_CLASSES = 30
"""Classes up to which matrices are tables, and maps are drawn."""

MOST_ISSUES = 24
"""Candidates of label noise that a page shows."""

SECTIONS = dict(
    setup='Data and model',
    results='Results',
    matrix='Confusion matrix',
    comparison='Comparison',
    groups='Groups',
    confidence='Confidence',
    mistakes='Mistakes',
    labels='Doubtful labels',
    patches='Where it looked',
    features='Features',
    prompts='Prompts',
)
"""Sections in their order, by the name of their template."""


class Page:
    """Page of a report; what shows images is about the first model.

    Args:
        report (Report): The numbers.
        mean_image (np.ndarray, optional): Mean of all images, (H, W, 3),
            RGB, under the maps of patches. Defaults to None.
        hide_images (bool): Whether the page has no image of the data.
            Defaults to False.
    """

    def __init__(
        self,
        report: Report,
        mean_image: np.ndarray | None = None,
        hide_images: bool = False,
    ):
        self._report = report
        self._first = report.numbers['models'][0]
        self._predictions = report.models[0].predictions
        self._hidden = hide_images
        self._mean_image = None if hide_images else mean_image
        self._thumbnails = Thumbnails(report.data, hide_images)

    def html(self) -> str:
        """Return the page."""
        first, numbers = self._first, self._report.numbers
        mistakes = first['mistakes']
        absent = dict(
            comparison=numbers['comparison'],
            groups=numbers['groups'],
            patches=first['patch_maps'],
            features=first['features'],
            prompts=first['prompts'],
        )
        comparison = numbers['comparison']
        return render(
            'page.html',
            report=numbers,
            first=first,
            colours=plots.COLOURS,
            sections=[
                dict(id=name, title=title)
                for name, title in SECTIONS.items()
                if absent.get(name, True)
            ],
            many=len(self._report.classes) > MOST_CLASSES,
            most_named=plots.MOST_NAMED,
            matrix=self._rows(first['confusion']),
            hide_images=self._hidden,
            has_patches=self._predictions.deciding is not None,
            figures=self._figures(),
            pairs=[
                pair | dict(images=self._cards(pair['images']))
                for pair in mistakes['pairs']
            ],
            doubtful=self._cards(mistakes['least_confident_right']),
            issues=self._cards(mistakes['label_issues'][:MOST_ISSUES]),
            disagreements=comparison
            and [
                self._cards(pair['disagreements'])
                for pair in comparison['pairs']
            ],
            maps=self._maps(),
            cosines=self._cosines(),
            tsne_installed=find_spec('sklearn') is not None,
        )

    def _cards(self, images: Sequence[dict]) -> list[dict]:
        return [
            image | self._thumbnails(image['index'], self._predictions)
            for image in images
        ]

    def _figures(self) -> dict[str, Any]:
        """Draw the figures, each None if it has nothing to show."""
        numbers, first = self._report.numbers, self._first
        confidence, prompts = first['confidence'], first['prompts']
        drawn: dict[str, Any] = dict(
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
            groups={
                name: plots.group_bars(found['groups'])
                for name, found in numbers['groups'].items()
            },
            features=self._scatters(),
            matrix=None,
        )
        if len(self._report.classes) > MOST_CLASSES:
            drawn['matrix'] = plots.matrix(first['confusion'])
        for name, ylabel in (
            ('norms', 'mean norm of a prompt'),
            ('attention', 'attention to prompts, percent'),
        ):
            values = prompts.get(name)
            if values is not None:
                scale = 100 if name == 'attention' else 1
                values = plots.by_layer(scale * values, ylabel)
            drawn[name] = values
        return drawn

    def _scatters(self) -> list[tuple[str, Markup]]:
        """Draw the features of the sample with texts and prototypes."""
        found = self._predictions
        if found.features is None:
            return []
        labels = self._report.data.true[self._report.sample]
        num = len(labels)
        marks = self._report.class_marks()
        drawn = []
        for kind, features in (
            ('with prompts', found.features),
            ('without prompts', found.unprompted),
        ):
            if features is None:
                continue
            near = {
                name: vectors
                for name, vectors in marks.items()
                if vectors.shape[1] == features.shape[1]
            }
            others = np.concatenate([features[:0], *near.values()])
            together = np.concatenate([features, others])
            for how, places in (
                ('t-SNE', tsne(together)),
                ('PCA', pca(features, others)),
            ):
                if places is None:
                    continue
                parts = np.split(places[num:], max(1, len(near)))
                title = f'{how}, {kind}'
                figure = plots.scatter(
                    places[:num],
                    labels,
                    self._report.classes,
                    dict(zip(near, parts, strict=False)),
                    title,
                )
                drawn.append((title, figure))
        return drawn

    def _maps(self) -> list[dict[str, Any]]:
        """Draw where the deciding patches of each class are."""
        maps = self._first['patch_maps'] or []
        if len(maps) > MOST_CLASSES:
            return []
        highest = max((m['share'].max() for m in maps), default=1)
        texts = self._descriptions()
        drawn = []
        for found in maps:
            face = self._mean_image
            if face is None:
                face = np.full((112, 112, 3), 128, np.uint8)
            heat = heat_map(enlarge(face), found['share'] / highest)
            drawn.append(
                dict(
                    name=found['name'],
                    images=found['images'],
                    highest=100 * float(found['share'].max()),
                    image=data_uri(heat),
                    text=texts.get(found['name'], ''),
                )
            )
        return drawn

    def _descriptions(self) -> dict[str, str]:
        """Return the last hard prompt of each class, the most detailed."""
        text = getattr(self._report.models[0].loaded.model.head, 'text', None)
        prompts = getattr(text, 'hard_texts', None) or []
        return {
            name: texts[-1]
            for name, texts in zip(self._report.classes, prompts, strict=False)
        }

    def _cosines(self) -> list[dict[str, Any]] | None:
        """Return rows of the cosines of soft and hard prompts."""
        values = self._first['prompts'].get('cosines')
        if values is None or len(values) > MOST_CLASSES:
            return None
        low, high = float(values.min()), float(values.max())
        width = max(high - low, 1e-6)
        return [
            dict(
                name=name,
                cells=[
                    dict(value=float(v), share=(float(v) - low) / width)
                    for v in values[i]
                ],
            )
            for i, name in enumerate(self._report.classes)
        ]

    def _rows(self, confusion: np.ndarray) -> list[dict[str, Any]] | None:
        """Return the rows of the confusion matrix, None if it is too large."""
        if len(confusion) > MOST_CLASSES:
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
            for i, name in enumerate(self._report.classes)
        ]
