import warnings
from collections.abc import Sequence
from pathlib import Path

from mpafer_plugin.prompts.names import class_key
from mpafer_plugin.prompts.schema import JSONFile, check_file


def read_descriptions(
    path: Path, classes: Sequence[str], words: Sequence[str]
) -> list[list[str]]:
    """Read the descriptions of the classes from a JSON file.

    The format is shown at :func:`mpafer_plugin.prompts.load_hard_prompts`;
    the whole file is checked, whichever classes are asked for. If a class was
    asked about by another word than its prompts will have, that is warned of.

    Args:
        path (Path): The file.
        classes (Sequence[str]): Label names; they meet the file's names by
            their canonical form.
        words (Sequence[str]): The word of each class in its prompts.

    Returns:
        list[list[str]]: The descriptions of each class, one or more.

    Raises:
        ValueError: If the file is not in the format or of another schema
            version, or a class is unknown to it.
    """
    file = JSONFile(path)
    check_file(file)
    entries = file.content['classes']
    by_name = {class_key(name): entry for name, entry in entries.items()}
    found = []
    for name, word in zip(classes, words, strict=True):
        if class_key(name) not in by_name:
            raise ValueError(
                f'{path} has no class {name!r}; it has {list(entries)}'
            )
        entry = by_name[class_key(name)]
        asked = entry.get('word', word)
        if class_key(asked) != class_key(word):
            warnings.warn(
                f'{path} describes {name!r} as {asked!r}, but its prompts say '
                f'{word!r}; prompt_names={{{name!r}: {asked!r}}} makes them '
                'say the same',
                stacklevel=3,
            )
        found.append([text.strip() for text in entry['descriptions']])
    return found
