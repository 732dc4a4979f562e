import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mpafer_plugin.datasets.categories import (
    canonical_name,
    canonical_names,
    tidy_name,
)

from ..hard_prompts import prompt_words
from .token_budget import word_limit

# paper
QUESTION = (
    'What are the most useful visual features to distinguish the facial '
    'expression of [class]?'
)
# ours, as is all that follows
CONTRAST_QUESTION = (
    'What visual features tell the facial expression of [class] from that of '
    '[other]?'
)
FORM = (
    ' Answer in English with [lines] and nothing else: no headline, list '
    'marks, quotes or remarks. Each line has at most [words] words and goes '
    'on from "a photo of a person making a facial expression of [class], '
    'with". It names what can be seen of brows, eyes, nose, cheeks, mouth and '
    'jaw on such a face in general, separated by commas, the most telling '
    'first, and not the expression itself.'
)
SEVERAL = '{} lines, each a whole description in its own words,'


class Description(NamedTuple):
    """One description of a class.

    Attributes:
        text (str): The description, which fits the text tower.
        against (str, optional): The class that it tells this one from.
        uncut (str, optional): What it was cut from.
    """

    text: str
    against: str | None = None
    uncut: str | None = None


@dataclass(frozen=True)
class Question:
    """One question about one class.

    Attributes:
        text (str): What is asked.
        word (str): The word that stands for the class in its prompts.
        count (int): How many descriptions are asked for.
        against (str, optional): The class that it is to be told from.
    """

    text: str
    word: str
    count: int
    against: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is asked of which model: all that decides the answers.

    Attributes:
        model (str): The name that the server knows the model by.
        words (Mapping[str, str]): Each class, to its word in the prompts.
        descriptions (int): Descriptions of each class.
        contrast (Sequence[Sequence[str]]): Pairs of classes: the first is
            to be told from the second.
        question (str): See :data:`QUESTION`.
        contrast_question (str): See :data:`CONTRAST_QUESTION`.
        form (str): See :data:`FORM`.
    """

    model: str
    words: Mapping[str, str]
    descriptions: int = 1
    contrast: Sequence[Sequence[str]] = ()
    question: str = QUESTION
    contrast_question: str = CONTRAST_QUESTION
    form: str = FORM

    def questions(self, name: str) -> list[Question]:
        """Write the questions about a class.

        Args:
            name (str): One of the classes.

        Returns:
            list[Question]: The paper's, then those that tell it from others.

        Raises:
            ValueError: If its word leaves no room for a description.
        """
        count = self.descriptions
        asked = [Question(self._text(name, count), self.words[name], count)]
        asked += [
            Question(self._text(name, 1, other), self.words[name], 1, other)
            for first, other in self.contrast
            if first == name
        ]
        return asked

    def _text(self, name: str, count: int, other: str | None = None) -> str:
        text = self.question if other is None else self.contrast_question
        values = {
            '[class]': self.words[name],
            '[lines]': 'one line' if count == 1 else SEVERAL.format(count),
            '[words]': str(word_limit(self.words[name])),
            '[other]': self.words.get(other or '', ''),
        }
        return re.sub(
            r'\[(class|lines|words|other)\]',
            lambda place: values[place[0]],
            text + self.form,
        )

    def source(self, date: str) -> dict[str, str]:
        """Write the record of where descriptions come from.

        Args:
            date (str): The day of the last answer, as in 2026-11-21.
        """
        source = dict(model=self.model, question=self.question)
        if self.contrast:
            source['contrast_question'] = self.contrast_question
        return source | dict(form=self.form.strip(), date=date)


def make_plan(
    model: str,
    classes: Sequence[str],
    prompt_names: Mapping[str, str] | None = None,
    descriptions: int = 1,
    contrast: Sequence[Sequence[str]] = (),
) -> Plan:
    """Check what is to be asked.

    Args:
        model (str): The name that the server knows the model by.
        classes (Sequence[str]): Names of the classes; those of the plan are
            in one form of Unicode (NFC), without outer spaces.
        prompt_names (Mapping[str, str], optional): See
            :func:`mpafer_plugin.prompts.prompt_words`. Defaults to None.
        descriptions (int): Descriptions of each class. Defaults to 1
            (paper).
        contrast (Sequence[Sequence[str]]): Groups of classes; each class of
            a group is to be told from each other. They meet the classes by
            their canonical names. Defaults to ().

    Returns:
        Plan: The plan.

    Raises:
        ValueError: If there are no classes, a name is empty or cannot be
            written, a class is named twice, has the word of another or leaves
            no room for a description, or a group of ``contrast`` is not of
            two or more different classes.
    """
    if isinstance(classes, str) or not all(
        isinstance(name, str) for name in classes
    ):
        raise ValueError(f'classes must be a list of names, not {classes!r}')
    classes = [tidy_name(name) for name in classes]
    if not classes:
        raise ValueError('there are no classes to ask about')
    for name in (model, *classes):
        if not name.strip() or not name.isprintable():
            raise ValueError(
                f'the name {name!r} is empty or has signs that cannot be '
                'written'
            )
    if descriptions < 1:
        raise ValueError(f'descriptions={descriptions!r} is less than 1')
    by_name = dict(zip(canonical_names(classes), classes, strict=True))
    pairs: dict[tuple[str, str], None] = {}
    for group in contrast:
        group = [tidy_name(name) for name in group]
        for name in group:
            if canonical_name(name) not in by_name:
                raise ValueError(
                    f'contrast: {name!r} is not among the classes '
                    f'{list(classes)}'
                )
        known = [by_name[name] for name in canonical_names(group)]
        if len(known) < 2:
            raise ValueError(f'contrast: {group} must be two classes or more')
        pairs |= {(a, b): None for a in known for b in known if a != b}
    words = prompt_words(classes, prompt_names)
    for word in words:
        if words.count(word) > 1:
            raise ValueError(f'two of the classes have the word {word!r}')
    plan = Plan(
        model,
        dict(zip(classes, words, strict=True)),
        descriptions,
        tuple(pairs),
    )
    for name in classes:
        plan.questions(name)  # a name that is too long is told now
    return plan
