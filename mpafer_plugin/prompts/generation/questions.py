import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mpafer_plugin.clip.tokenizer import find_equal_texts
from mpafer_plugin.datasets.categories import (
    canonical_name,
    canonical_names,
    tidy_name,
)

from ..hard_prompts import prompt_words
from .token_budget import CONTEXT_LENGTH, word_limit

QUESTION = (  # paper (arXiv 2506.21017)
    'What are the most useful visual features to distinguish the facial '
    'expression of [class]?'
)
CONTRAST_QUESTION = (  # ours, as is all that follows
    'What visual features tell the facial expression of [class] from that of '
    '[other]?'
)
FORM = (
    'Answer in English with [lines] and nothing else, as a JSON object whose '
    'key "descriptions" holds a list of strings, one a line. Each line has at '
    'most [words] words and goes on from "a photo of a person making a facial '
    'expression of [class], with". It names what can be seen of brows, eyes, '
    'nose, cheeks, mouth and jaw on such a face in general, separated by '
    'commas, the most telling first, and not the expression itself.'
)
SEVERAL = '{} lines, each a whole description in its own words,'


@dataclass(frozen=True)
class Question:
    """One question about one class.

    Attributes:
        text (str): The question with the form of the answer.
        name (str): The class.
        word (str): Its word in prompts.
        count (int): Number of descriptions to ask for.
        against (str, optional): Class to tell it from.
        max_tokens (int): See :class:`Plan`.
    """

    text: str
    name: str
    word: str
    count: int
    against: str | None = None
    max_tokens: int = CONTEXT_LENGTH

    @property
    def key(self) -> tuple[str, str, int]:
        """Class, question without form, and number of descriptions."""
        return self.name, without_form(self.text), self.count


def without_form(text: str) -> str:
    """Return a question without the form of the answer.

    Answers stay valid when a version asks for another form.
    """
    return text.partition(' Answer in English with ')[0]


@dataclass(frozen=True)
class Plan:
    """Everything that decides the questions.

    Attributes:
        model (str): Name of the model on the server.
        words (Mapping[str, str]): Class to its word in prompts.
        descriptions (int): Descriptions of each class.
        contrast (Sequence[tuple[str, str]]): Pairs of classes; the first is
            to be told from the second.
        max_tokens (int): Tokens of a prompt, start and end included.
    """

    model: str
    words: Mapping[str, str]
    descriptions: int = 1
    contrast: Sequence[tuple[str, str]] = ()
    max_tokens: int = CONTEXT_LENGTH

    def questions(self, name: str | None = None) -> list[Question]:
        """Build the questions about a class, or about each class in turn.

        Args:
            name (str, optional): One of the classes. Defaults to None, which
                means all.

        Returns:
            list[Question]: For each class the paper's question, then the
            contrastive ones.

        Raises:
            ValueError: If a word leaves no room for a description.
        """
        questions = []
        for asked in self.words if name is None else [name]:
            questions.append(self._question(asked, self.descriptions))
            questions += [
                self._question(asked, 1, other)
                for first, other in self.contrast
                if first == asked
            ]
        return questions

    def _question(
        self, name: str, count: int, other: str | None = None
    ) -> Question:
        word = self.words[name]
        values = {
            '[class]': word,
            '[lines]': 'one line' if count == 1 else SEVERAL.format(count),
            '[words]': str(word_limit(word, self.max_tokens)),
            '[other]': self.words[other] if other else '',
        }
        text = re.sub(  # in one pass: a class may be named '[other]'
            r'\[(class|lines|words|other)\]',
            lambda place: values[place[0]],
            f'{CONTRAST_QUESTION if other else QUESTION} {FORM}',
        )
        return Question(text, name, word, count, other, self.max_tokens)


def make_plan(
    model: str,
    classes: Sequence[str],
    prompt_names: Mapping[str, str] | None = None,
    descriptions: int = 1,
    contrast: Sequence[Sequence[str]] = (),
    max_tokens: int = CONTEXT_LENGTH,
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
        max_tokens (int): Tokens that the text tower takes. Defaults to 77.

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
    words = prompt_words(classes, prompt_names)
    for word in words:
        word_limit(word, max_tokens)  # raises if the word is too long
    if same := find_equal_texts([[word] for word in words]):
        a, b = (f'{classes[i]!r}: {words[i]!r}' for i in same)
        raise ValueError(f'two of the classes have the same word: {a}, {b}')
    pairs: dict[tuple[str, str], None] = {}
    for group in contrast:
        for name in group:
            if canonical_name(name) not in by_name:
                raise ValueError(
                    f'contrast: {name!r} is not among the classes {classes}'
                )
        if len(group) < 2:
            raise ValueError(f'contrast: {group} must be two classes or more')
        members = [by_name[name] for name in canonical_names(group)]
        pairs |= dict.fromkeys(itertools.permutations(members, 2))
    return Plan(
        model,
        dict(zip(classes, words, strict=True)),
        descriptions,
        tuple(pairs),
        max_tokens,
    )
