from ..data_root import DataRoot

SPLIT_FOLDERS = {
    'train': 'train', 'val': 'val', 'valid': 'val', 'validation': 'val',
    'test': 'test',
}  # fmt: skip
"""Name of a split, or its folder, in lower case -> part."""


def split_folders(root: DataRoot) -> dict[str, str]:
    """Find the folder of each part in a data root.

    Returns:
        dict[str, str]: Part to folder.

    Raises:
        ValueError: If two folders are of one part.
    """
    folders: dict[str, str] = {}
    for name in root.folders():
        part = SPLIT_FOLDERS.get(name.lower())
        if part is None:
            continue
        if part in folders:
            raise ValueError(
                f'{root.path!r}: {folders[part]!r} and {name!r} are both the '
                f'{part!r} part; keep one of them'
            )
        folders[part] = name
    return folders
