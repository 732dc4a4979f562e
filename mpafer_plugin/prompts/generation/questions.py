import datetime
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

QUESTION = (  # paper (arXiv 2506.21017)
    'What are the most useful visual features to distinguish the facial '
    'expression of [class]?'
)
CONTRAST_QUESTION = (  # ours, as is all that follows
    'What visual features tell the facial expression of [class] from that of '
    '[other]?'
)
FORM = (
    ' Answer in English with [lines] and nothing else, as a JSON object whose '
    'key "descriptions" holds a list of strings, one a line. Each line has at '
    'most [words] words and goes on from "a photo of a person making a facial '
    'expression of [class], with". It names what can be seen of brows, eyes, '
    'nose, cheeks, mouth and jaw on such a face in general, separated by '
    'commas, the most telling first, and not the expression itself.'
)
SEVERAL = '{} lines, each a whole description in its own words,'


class Description(NamedTuple):
    """One description of a class.

    Attributes:
        text (str): The description, which fits the text tower.
        against (str, optional): Class that it tells this one from.
        uncut (str, optional): Text before it was cut.
    """

    text: str
    against: str | None = None
    uncut: str | None = None


@dataclass(frozen=True)
class Question:
    """One question about one class.

    Attributes:
        text (str): The question with the form of the answer.
        word (str): Word of the class in prompts.
        count (int): Number of descriptions to ask for.
        against (str, optional): Class to tell it from.
    """

    text: str
    word: str
    count: int
    against: str | None = None

    @property
    def key(self) -> str:
        """The question without the form of the answer."""
        return question_key(self.text)


def question_key(text: str) -> str:
    """Return a question without the form of the answer.

    Answers stay valid when a version asks for another form.
    """
    return text.partition(' Answer in English with ')[0]


@dataclass(frozen=True)
class Plan:
    """Everything that decides the answers.

    Attributes:
        model (str): Name of the model on the server.
        words (Mapping[str, str]): Class to its word in prompts.
        descriptions (int): Descriptions of each class.
        contrast (Sequence[Sequence[str]]): Pairs of classes; the first is to
            be told from the second.
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
        """Build the questions about a class.

        Args:
            name (str): One of the classes.

        Returns:
            list[Question]: The paper's question, then the contrastive ones.

        Raises:
            ValueError: If its word leaves no room for a description.
        """
        word, count = self.words[name], self.descriptions
        asked = [Question(self._text(name, count), word, count)]
        asked += [
            Question(self._text(name, 1, other), word, 1, other)
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

    def source(self, date: datetime.date) -> dict[str, str]:
        """Build the ``source`` of the file; ``date`` is the last answer's."""
        source = dict(model=self.model, question=self.question)
        if self.contrast:
            source['contrast_question'] = self.contrast_question
        return source | dict(form=self.form.strip(), date=date.isoformat())


def make_plan(
    model: str,
    classes: Sequence[str],
    prompt_names: Mapping[str, str] | None = None,
    descriptions: int = 1,
    contrast: Sequence[Sequence[str]] = (),
) -> Plan:
    """Build a checked plan.

    Args:
        model (str): Name of the model on the server.
        classes (Sequence[str]): Class names; the plan has them in NFC, without
            outer spaces.
        prompt_names (Mapping[str, str], optional): See
            :func:`mpafer_plugin.prompts.prompt_words`. Defaults to None.
        descriptions (int): Descriptions of each class. Defaults to 1
            (paper).
        contrast (Sequence[Sequence[str]]): Groups of classes; each class of
            a group is to be told from each other one. Matched by canonical
            name. Defaults to ().

    Returns:
        Plan: The plan.

    Raises:
        ValueError: If there are no classes, a name is empty or not
            printable, two classes are the same or have the same word, one
            leaves no room for a description, or a group of ``contrast`` is
            not two or more different classes.
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
                f'the name {name!r} is empty or has characters that cannot '
                'be written'
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
        plan.questions(name)  # raises if a name is too long
    return plan
