import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mpafer_plugin.datasets.categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    canonical_name,
)
from mpafer_plugin.prompts.description_file import read_descriptions

HARD_PROMPTS_FILE = Path(__file__).with_name('expressions.json')
"""The descriptions that are shipped: 8 basic and 11 compound expressions."""

# The three granularities of the paper (arXiv 2506.21017); the third is its
# best. "with" joins the description to the sentence and is ours.
TEMPLATES = {
    1: 'a photo of {name}',
    2: 'a photo of a person making a facial expression of {name}',
    3: 'a photo of a person making a facial expression of {name}, '
    'with {description}',
}
GRANULARITIES = tuple(TEMPLATES)


def load_hard_prompts(
    source: str | Path | Sequence[str],
    classes: Sequence[str],
    prompt_names: Mapping[str, str] | None = None,
) -> dict[str, dict[int, str]]:
    """Write the hard prompts of every class at every granularity.

    A file holds any number of classes, of which those asked for are taken.
    Names meet by their canonical form, so ``'happy'`` finds ``'happiness'``::

        {
          "schema_version": 1,
          "classes": {
            "happiness": {"descriptions": ["raised cheeks", "a wide smile"]}
          }
        }

    The descriptions of one class are visual features: they are joined by
    commas into one text.

    Args:
        source (str | Path | Sequence[str]): Path of a JSON file such as
            :data:`HARD_PROMPTS_FILE`, or the descriptions themselves, one a
            class, in the order of ``classes``.
        classes (Sequence[str]): Label names, in label order.
        prompt_names (Mapping[str, str], optional): From a label's name to the
            word that stands in its prompts. Defaults to None, which means
            every label's own name.

    Returns:
        dict[str, dict[int, str]]: For each class, in the order of
        ``classes``, granularity (1, 2, 3) to text.

    Raises:
        ValueError: If a class is unknown to the file or given twice, the file
            is malformed or of another schema version, a list has another
            length than ``classes``, or a text is empty.

    Examples:
        >>> from mpafer_plugin.prompts import load_hard_prompts
        >>> prompts = load_hard_prompts(['a wide smile'], ['happy'])
        >>> prompts['happy'][1]
        'a photo of happy'
        >>> prompts['happy'][3]
        'a photo of a person making a facial expression of happy, with a wide smile'
    """  # noqa: E501
    classes = list(classes)
    twice = sorted({name for name in classes if classes.count(name) > 1})
    if twice:
        raise ValueError(f'classes holds {twice} more than once: {classes}')
    words = _prompt_words(classes, prompt_names or {})
    if isinstance(source, (str, Path)):
        descriptions = read_descriptions(Path(source), classes)
    else:
        descriptions = _from_list(source, classes)
    return {
        name: {
            granularity: template.format(name=word, description=description)
            for granularity, template in TEMPLATES.items()
        }
        for name, word, description in zip(
            classes, words, descriptions, strict=True
        )
    }


def descriptions_digest(prompts: Mapping[str, Mapping[int, str]]) -> str:
    """Fingerprint hard prompts, to be stored beside what was trained.

    Args:
        prompts (Mapping[str, Mapping[int, str]]): What
            :func:`load_hard_prompts` returns.

    Returns:
        str: SHA-256, in hexadecimal, of all texts in class order. A change of
        a word or of the order changes it; the file's layout does not.
    """
    texts = [[texts[g] for g in GRANULARITIES] for texts in prompts.values()]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _prompt_words(
    classes: list[str], prompt_names: Mapping[str, str]
) -> list[str]:
    """Find the word for every class."""
    words = {canonical_name(k): word for k, word in prompt_names.items()}
    # One map may serve data sets with and without contempt, so the names of
    # expressions are allowed in it even where no class uses them.
    known = {canonical_name(name) for name in classes}.union(
        EXPRESSIONS, COMPOUND_EXPRESSIONS
    )
    for key, word in prompt_names.items():
        if canonical_name(key) not in known:
            raise ValueError(
                f'prompt_names has {key!r}, which is no class; the classes '
                f'are {classes}'
            )
        if not word.strip():
            raise ValueError(f'prompt_names[{key!r}] is empty: {word!r}')
    return [words.get(canonical_name(name), name) for name in classes]


def _from_list(source: Sequence[str], classes: list[str]) -> list[str]:
    """Check descriptions that were given one a class."""
    if len(source) != len(classes):
        raise ValueError(
            f'got {len(source)} descriptions for {len(classes)} classes; '
            f'give one a class, in this order: {classes}'
        )
    for name, description in zip(classes, source, strict=True):
        if not isinstance(description, str) or not description.strip():
            raise ValueError(
                f'the description of class {name!r} is {description!r}; it '
                'must be a text that is not empty'
            )
    return [description.strip() for description in source]
