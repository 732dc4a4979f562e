"""Check of arguments, which configs give, against their annotations."""

import inspect
import numbers
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

from mpafer_plugin.utils.quoting import quote


class CheckedArguments:
    """Mixin of classes whose arguments are checked before any is used."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Check the arguments."""
        check_arguments(cls, args, kwargs)
        return super().__new__(cls)


def check_arguments(cls: Any, args: Sequence, kwargs: Mapping) -> None:
    """Check the arguments of a class and of its bases.

    A truth value is no number here.

    Args:
        cls (type): The class.
        args (Sequence): Positional arguments of its constructor.
        kwargs (Mapping): Keyword arguments, of bases too.

    Raises:
        ValueError: If one is not of its annotated type.
    """
    names = [*inspect.signature(cls.__init__).parameters][1:]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    hints = _hints(cls)
    for name, value in given.items():
        hint = hints.get(name, Any)
        if not fits(value, hint):
            text = hint.__name__ if hint in (str, int, float, bool) else hint
            text = re.sub(r'(collections\.abc|typing)\.', '', str(text))
            raise ValueError(
                f'{cls.__name__}: {name}={quote(value)} is not of the type '
                f'{text}'
            )


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type, with all it holds."""
    kind, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if kind in (Union, UnionType):
        return any(fits(value, each) for each in inner)
    if kind is not None and issubclass(kind, Mapping):
        return isinstance(value, Mapping) and all(
            fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items()
        )
    if kind is not None and issubclass(kind, Sequence):
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        return is_list and all(fits(each, inner[0]) for each in value)
    if hint in (int, float):
        number = numbers.Integral if hint is int else numbers.Real
        return isinstance(value, number) and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, (str, os.PathLike))
    if hint in (None, NoneType):
        return value is None
    return not isinstance(hint, type) or isinstance(value, hint)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    """Return the annotations of the constructors of a class and its bases."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if '__init__' in vars(base) and base.__module__.startswith(
            __package__
        ):
            found |= get_type_hints(base.__init__)
    return found
