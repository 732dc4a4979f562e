import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from mpafer_plugin.datasets.categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    canonical_name,
)
from mpafer_plugin.datasets.relabel import Merge, read_merge
from mpafer_plugin.utils.quoting import quote

from .descriptions import load_descriptions

HARD_PROMPTS_FILE = Path(__file__).with_name('expressions.json')
"""The shipped descriptions of 8 basic and 11 compound expressions."""

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
    merge: Merge | None = None,
) -> dict[str, dict[int, list[str]]]:
    """Load the hard prompts of every class at every granularity.

    The file may have more classes than asked for; all of it is checked.
    Classes are matched by canonical name, so ``'happy'`` finds
    ``'happiness'``::

        {
          "schema_version": 1,
          "classes": {
            "happiness": {"descriptions": ["raised cheeks and a wide smile"]}
          }
        }

    Several descriptions of a class form an ensemble: the text side averages
    their prompts. The file may also record the origin of descriptions:
    ``source`` has the texts ``model``, ``question``, ``contrast_question``,
    ``form`` and ``date``; a class's ``word`` is its word in the question, and
    a warning says if the prompts use another one; for each description,
    ``against`` names the class that it tells this one from and ``uncut`` is
    the text before it was cut, or null. Other keys are refused.

    The file has descriptions only: the sentences around them, and thus
    granularities 1 and 2, come from :data:`TEMPLATES`.

    Args:
        path (str | Path): A JSON file such as :data:`HARD_PROMPTS_FILE`.
        classes (Sequence[str]): Label names, in label order.
        prompt_names (Mapping[str, str], optional): See :func:`prompt_words`.
        merge (Mapping, optional): New name to the names of the classes that
            it takes the place of, as in :class:`BaseFERDataset`. A new name
            that the file lacks has their descriptions. Defaults to None.

    Returns:
        dict[str, dict[int, list[str]]]: For each class, in the order of
        ``classes``, granularity (1, 2, 3) to texts: one, but at granularity
        3 one per description.

    Raises:
        ValueError: If the file lacks a class, ``merge`` is wrong, or the file
            is not in this format or is of
            another schema version.

    Examples:
        >>> from mpafer_plugin.prompts import HARD_PROMPTS_FILE
        >>> prompts = load_hard_prompts(HARD_PROMPTS_FILE, ['happy'])
        >>> prompts['happy'][1]
        ['a photo of happy']
    """
    words = prompt_words(classes, prompt_names)
    entries = load_descriptions(Path(path))['classes']
    by_name = {canonical_name(name): entry for name, entry in entries.items()}
    members: dict[str, list[str]] = {}
    for member, new in read_merge(merge).items():
        members.setdefault(canonical_name(new), []).append(member)
    prompts = {}
    for name, word in zip(classes, words, strict=True):
        key = canonical_name(name)
        merged = members.get(key, [key])
        if key in by_name and key not in merged:
            merged = [key]  # the file describes the new class itself
        if absent := [member for member in merged if member not in by_name]:
            what = repr(name) if absent == [key] else f'{absent} of {name!r}'
            raise ValueError(
                f'{path} has no class {what}; it has {quote(list(entries))}'
            )
        asked = by_name[merged[0]].get('word', word)
        if key in merged and canonical_name(asked) != canonical_name(word):
            warnings.warn(
                f'{path} describes {name!r} as {asked!r}, but its prompts say '
                f'{word!r}; prompt_names={{{name!r}: {asked!r}}} makes them '
                'agree',
                stacklevel=2,
            )
        prompts[name] = {
            granularity: list(
                dict.fromkeys(  # without duplicates
                    template.format(name=word, description=text.strip())
                    for member in merged
                    for text in by_name[member]['descriptions']
                )
            )
            for granularity, template in TEMPLATES.items()
        }
    return prompts


def prompt_words(
    classes: Sequence[str], prompt_names: Mapping[str, str] | None = None
) -> list[str]:
    """Return the word for each class in its prompts.

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
    # One map may serve datasets with and without contempt, so names of
    # expressions are allowed even if they are not among the classes.
    known = {canonical_name(name) for name in classes}.union(
        EXPRESSIONS, COMPOUND_EXPRESSIONS
    )
    for key, word in prompt_names.items():
        if canonical_name(key) not in known:
            raise ValueError(
                f'prompt_names has {key!r}, which is not a class; the classes '
                f'are {quote(list(classes))}'
            )
        if not isinstance(word, str) or not word.strip():
            raise ValueError(
                f'prompt_names[{key!r}] must be a word, not {word!r}'
            )
    return [words.get(canonical_name(name), name) for name in classes]
