import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.runner import BaseLoop

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.quoting import quote

from ..runners.resumable_train_loop import ResumableTrainLoop
from .file import fits, numbered, read_checkpoint
from .resume_kinds import KINDS

POINTER = 'last_checkpoint'
"""mmengine's file that names the newest checkpoint."""


@master_only
def point_to(runner, path: Path) -> None:
    """Write the file by which mmengine finds a runner's newest checkpoint."""
    with atomic_write(Path(runner.work_dir, POINTER)) as part:
        part.write_bytes(os.fsencode(path))


def enter_epoch(loop: BaseLoop, done: int, total: int) -> None:
    """Continue after the first batches of an epoch.

    Raises:
        ValueError: If the loop cannot, or see its ``enter_epoch``.
    """
    if not isinstance(loop, ResumableTrainLoop):
        raise ValueError(
            'the checkpoint was saved mid-epoch, where a '
            f'{type(loop).__name__} cannot go on: set '
            "train_cfg.type='ResumableTrainLoop', or resume from the "
            'checkpoint of an epoch'
        )
    loop.enter_epoch(done, total)


def choose_checkpoint(runner, folder: Path, templates: Sequence[str]) -> None:
    """Choose the checkpoint that a runner resumes from.

    A file that was named is verified. Otherwise the newest intact file of the
    run is taken; if there is none, the run starts from scratch.

    Args:
        runner (Runner): Its ``resume`` is set.
        folder (Path): Folder of its checkpoints.
        templates (Sequence[str]): Templates of names, ``'epoch_{}.pth'``.

    Raises:
        FileNotFoundError: If the named file does not exist.
        ValueError: If it is damaged.
    """
    named = runner._load_from
    if named is not None:
        if '://' in named:
            return
        if not os.path.isfile(named):
            raise FileNotFoundError(
                f'no checkpoint {quote(named)} to resume from'
            )
        reason = _unusable(Path(named))
        if reason:
            raise ValueError(
                f'{named} is damaged: {reason}. Resume from another one, or '
                'with --resume alone from the newest intact one'
            )
        return
    found: list[str | None] = [None]
    if is_main_process():  # others may not see the same folder
        pointer = Path(runner.work_dir, POINTER)
        pointed = None
        if pointer.is_file():
            pointed = Path(os.fsdecode(pointer.read_bytes().strip()))
        path = _newest_intact(
            folder, pointed, templates, runner.logger.warning
        )
        found = [str(path) if path else None]
    broadcast_object_list(found)
    runner._load_from = found[0]
    # Otherwise mmengine would search itself, without verifying the file.
    runner._resume = found[0] is not None
    runner.logger.info(
        f'resuming from {found[0]}'
        if found[0]
        else 'there is no checkpoint to resume from: starting from scratch'
    )


def _newest_intact(
    folder: Path,
    pointed: Path | None,
    templates: Sequence[str],
    warn: Callable[[str], None],
) -> Path | None:
    """Find the newest intact checkpoint.

    The file that the run points to is taken, not the one with the largest
    number: the folder may hold files of another run. If it is damaged, the one
    before it is taken, by number and time.
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
    # os.path, as pathlib fails for names that are too long.
    if pointed is not None and os.path.isfile(pointed):
        candidates.insert(0, pointed)
    elif pointed is not None:
        warn(f'{POINTER} names {str(pointed)[:200]!r}, which does not exist')
    for path in candidates:
        reason = _unusable(path)
        if not reason:
            return path
        warn(f'{path} is damaged, the one before is taken: {reason}')
    return None


def _unusable(path: Path) -> str:
    """Return why training cannot continue from a file, or ''."""
    try:
        checkpoint = read_checkpoint(path)
    except ValueError as error:
        return str(error)
    for key, (kind, expected) in KINDS.items():
        value = checkpoint.get(key)
        may_lack = key not in ('meta', 'message_hub')
        if not (fits(value, kind) or (value is None and may_lack)):
            return f'{str(path)!r}: {key}={quote(value)} is not {expected}'
    return ''
