from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from mmengine.dist import broadcast_object_list, is_main_process, master_only

from mpafer_plugin.utils.atomic_write import atomic_write

from .file import damage, numbered

POINTER = 'last_checkpoint'
"""The host's file that names the newest checkpoint."""


@master_only
def point_to(runner, path: Path) -> None:
    """Write the file by which the host's tools find the newest.

    Args:
        runner (Runner): The file lies in its working directory.
        path (Path): The newest checkpoint.
    """
    with atomic_write(Path(runner.work_dir, POINTER)) as part:
        part.write_text(str(path))


def choose_checkpoint(runner, folder: Path, templates: Sequence[str]) -> None:
    """Settle what a runner resumes from, before it does.

    A file that was named is looked at. If none was, the newest whole one of
    the run is taken; if there is none, the run starts anew.

    Args:
        runner (Runner): Its ``resume`` is set.
        folder (Path): Where its checkpoints lie.
        templates (Sequence[str]): Kinds of names, ``'epoch_{}.pth'``.

    Raises:
        FileNotFoundError: If the named file is absent.
        ValueError: If it is damaged.
    """
    named = runner._load_from
    if named is not None:
        if '://' in named:
            return
        if not Path(named).is_file():
            raise FileNotFoundError(f'no checkpoint {named} to resume from')
        reason = damage(Path(named))
        if reason:
            raise ValueError(
                f'{named} is damaged: {reason}. Resume from another one, or '
                'with --resume alone from the newest that is whole'
            )
        return
    found: list[str | None] = [None]
    if is_main_process():  # others may not see the same folder
        pointer = Path(runner.work_dir, POINTER)
        pointed = None
        if pointer.is_file():
            pointed = Path(pointer.read_text().strip())
        path = newest_whole(folder, pointed, templates, runner.logger.warning)
        found = [str(path) if path else None]
    broadcast_object_list(found)
    runner._load_from = found[0]
    # Else mmengine would look for itself, and not at what it finds.
    runner._resume = found[0] is not None
    runner.logger.info(
        f'resuming from {found[0]}'
        if found[0]
        else 'there is no checkpoint to resume from: starting anew'
    )


def newest_whole(
    folder: Path,
    pointed: Path | None,
    templates: Sequence[str],
    warn: Callable[[str], None],
) -> Path | None:
    """Find the checkpoint that was written last, among those that are whole.

    The one that the run points to is taken, not the one with the largest
    number: files of another run may lie in the same folder. If it is damaged
    the one before it is, by number and by time.

    Args:
        folder (Path): Where they lie.
        pointed (Path, optional): What the run says was written last.
        templates (Sequence[str]): Kinds of names, ``'epoch_{}.pth'``.
        warn (Callable): Told of each file that is passed over, and why.
    """
    others = []
    for template in templates:
        found = numbered(folder, template)
        last = [number for number, path in found if path == pointed]
        others += [
            (path.stat().st_mtime_ns, number, path)
            for number, path in found
            if path != pointed and not (last and number > last[0])
        ]
    candidates = [path for *_, path in sorted(others, reverse=True)]
    if pointed is not None and pointed.is_file():
        candidates.insert(0, pointed)
    for path in candidates:
        reason = damage(path)
        if not reason:
            try:
                torch.load(path)
            except (RuntimeError, UnpicklingError) as error:
                reason = f'{type(error).__name__}: {error}'
        if not reason:
            return path
        warn(f'{path} is damaged, the one before is taken: {reason}')
    return None
