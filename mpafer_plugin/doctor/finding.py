from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A problem or a note.

    Args:
        what (str): What is the case.
        why (str): What it breaks or changes.
        remedy (str): The line to type; a note may have none. Defaults to ''.
        signs (tuple[str, ...]): Texts, any of which shows a failed import
            (``'import mmcv: ModuleNotFoundError: ...'``) to be this problem.
            Defaults to none.
    """

    what: str
    why: str
    remedy: str = ''
    signs: tuple[str, ...] = ()

    def explains(self, failure: str) -> bool:
        """Whether a failed import is this problem."""
        # mmpretrain writes MMEngine and MMCV.
        failure = failure.lower()
        return any(sign.lower() in failure for sign in self.signs)
