"""Values of ``--cfg-options``, whose spaces matter."""

import argparse
import re
from typing import Any

from mmengine.config import DictAction

from mpafer_plugin.utils.quoting import quote

_SPACE = '\0'  # no argument can hold it


class CfgOptions(DictAction):
    """mmengine's ``DictAction``, which leaves the spaces in values.

    mmengine's (0.10) takes them out, so that the class 'in pain' is 'inpain',
    and the folder 'my faces' another one. Spaces beside commas and brackets
    are still ignored: ``classes=[tired, in pain]``.
    """

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        inside = re.sub(r'(?<=[^\s,(\[]) +(?=[^\s,)\]])', _hide, val.strip())
        return _restored(DictAction._parse_iterable(inside))

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Parse ``KEY=VALUE`` arguments; a wrong one ends the command."""
        for value in values:
            if '=' not in value:
                raise argparse.ArgumentError(
                    self, f'{quote(value)} is not KEY=VALUE'
                )
            try:
                super().__call__(parser, namespace, [value], option_string)
            except AssertionError as error:  # brackets
                raise argparse.ArgumentError(
                    self, f'{quote(value)}: {error}'
                ) from error


def _hide(spaces: re.Match) -> str:
    return _SPACE * len(spaces[0])


def _restored(value: Any) -> Any:
    """Put the spaces back into texts."""
    if isinstance(value, list | tuple):
        return type(value)(map(_restored, value))
    return value.replace(_SPACE, ' ') if isinstance(value, str) else value
