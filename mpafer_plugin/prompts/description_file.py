from collections.abc import Sequence
from pathlib import Path

from mpafer_plugin.datasets.categories import canonical_name
from mpafer_plugin.prompts.schema import JSONFile, check_file


def read_descriptions(path: Path, classes: Sequence[str]) -> list[list[str]]:
    """Read the descriptions of the classes from a JSON file.

    The format is shown at :func:`mpafer_plugin.prompts.load_hard_prompts`;
    the whole file is checked, whichever classes are asked for.

    Args:
        path (Path): The file.
        classes (Sequence[str]): Label names; they meet the file's names by
            their canonical form.

    Returns:
        list[list[str]]: The descriptions of each class, one or more.

    Raises:
        ValueError: If the file is not in the format or of another schema
            version, or a class is unknown to it.
    """
    file = JSONFile(path)
    check_file(file)
    entries = file.content['classes']
    by_name = {canonical_name(name): entry for name, entry in entries.items()}
    for name in classes:
        if canonical_name(name) not in by_name:
            raise ValueError(
                f'{path} has no class {name!r}; it has {list(entries)}'
            )
    return [
        [
            text.strip()
            for text in by_name[canonical_name(name)]['descriptions']
        ]
        for name in classes
    ]
