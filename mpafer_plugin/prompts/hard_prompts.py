from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mpafer_plugin.datasets.categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    canonical_name,
)

from .descriptions import read_descriptions

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
    path: str | Path,
    classes: Sequence[str],
    prompt_names: Mapping[str, str] | None = None,
) -> dict[str, dict[int, list[str]]]:
    """Write the hard prompts of every class at every granularity.

    A file holds any number of classes, of which those asked for are taken.
    Names meet by their canonical form, so ``'happy'`` finds ``'happiness'``::

        {
          "schema_version": 1,
          "classes": {
            "happiness": {"descriptions": ["raised cheeks and a wide smile"]}
          }
        }

    Several descriptions of a class are an ensemble: the text side averages
    the prompts that they make. A file may also say where they come from:
    ``source`` holds the texts ``model``, ``question``, ``contrast_question``,
    ``form`` and ``date``; a class's ``word`` is what stood for it in the
    question, and another word in the prompts is warned of; its ``against``
    names for each description the class that it tells this one from, and its
    ``uncut`` what it was cut from, or null. Other keys are refused.

    The file holds descriptions only: the sentences around them, and with them
    the granularities 1 and 2, are :data:`TEMPLATES`, filled in here.

    Args:
        path (str | Path): A JSON file such as :data:`HARD_PROMPTS_FILE`.
        classes (Sequence[str]): Label names, in label order.
        prompt_names (Mapping[str, str], optional): See :func:`prompt_words`.

    Returns:
        dict[str, dict[int, list[str]]]: For each class, in the order of
        ``classes``, granularity (1, 2, 3) to texts: one, but at granularity
        3 one a description.

    Raises:
        ValueError: If a class is unknown to the file, or the file is not in
            this format or of another schema version.

    Examples:
        >>> from mpafer_plugin.prompts import HARD_PROMPTS_FILE
        >>> prompts = load_hard_prompts(HARD_PROMPTS_FILE, ['happy'])
        >>> prompts['happy'][1]
        ['a photo of happy']
    """
    words = prompt_words(classes, prompt_names)
    descriptions = read_descriptions(Path(path), classes, words)
    return {
        name: {
            granularity: _unique(
                template.format(name=word, description=text) for text in texts
            )
            for granularity, template in TEMPLATES.items()
        }
        for name, word, texts in zip(classes, words, descriptions, strict=True)
    }


def prompt_words(
    classes: Sequence[str], prompt_names: Mapping[str, str] | None = None
) -> list[str]:
    """Find the word that stands for each class in its prompts.

    Args:
        classes (Sequence[str]): Label names.
        prompt_names (Mapping[str, str], optional): From a label's name to its
            word, such as ``{'happiness': 'happy'}``. Defaults to None, which
            means every label's own name.

    Raises:
        ValueError: If ``prompt_names`` names no class, or a word is empty.
    """
    prompt_names = prompt_names or {}
    words = {canonical_name(k): word for k, word in prompt_names.items()}
    # One map may serve datasets with and without contempt, so the names of
    # expressions are allowed in it even where no class uses them.
    known = {canonical_name(name) for name in classes}.union(
        EXPRESSIONS, COMPOUND_EXPRESSIONS
    )
    for key, word in prompt_names.items():
        if canonical_name(key) not in known:
            raise ValueError(
                f'prompt_names has {key!r}, which is no class; the classes '
                f'are {list(classes)}'
            )
        if not isinstance(word, str) or not word.strip():
            raise ValueError(
                f'prompt_names[{key!r}] must be a word, not {word!r}'
            )
    return [words.get(canonical_name(name), name) for name in classes]


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
