import reprlib
from typing import Any

LONGEST = 1000
"""Characters of a quoted value: dicts of dicts of lists are many."""


class _Quoting(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 200
        self.maxdict = self.maxlist = self.maxtuple = 12

    def repr_int(self, x: int, level: int) -> str:
        # Python writes no integer of more than 4,300 digits.
        if x.bit_length() > 256:
            return f'an integer of {x.bit_length()} bits'
        return repr(x)


def quote(value: Any) -> str:
    """Return the ``repr`` of a value for a message, shortened.

    Args:
        value (Any): A value from a file, of any size.

    Returns:
        str: Of a long text the beginning and the end, of a long list the
        first values.
    """
    text = _Quoting().repr(value)
    if len(text) > LONGEST:
        text = f'{text[: LONGEST // 2]}...{text[-LONGEST // 2 :]}'
    return text
