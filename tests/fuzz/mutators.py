"""Changes that make valid input broken."""

import copy
import math
from random import Random
from typing import Any

import torch

DEEP, DIGITS = '@deep@', '@digits@'
"""Texts in whose place JSON gets deep nesting and a number of 5,000 digits."""

LARGEST = 20_000_000
"""Size of a mutated tree: lists of repeated lists would fill the memory."""

ODD = (
    None, True, False, 0, 1, -1, 3, 1.5, -0.0, 1e-320, 1e308, 2**31, 2**63,
    10**400, math.nan, math.inf, -math.inf, '', ' ', '7', 'nan', '\0',
    '\ud800', 'é' * 3, '\u202eabc', '{}', '%s', '../x', '/', 'x' * 100_000,
    DEEP, DIGITS, [], [None], [[]], [1, 'a'], [0] * 100_000, {}, {'': None},
    {'a': {'b': [1]}},
)  # fmt: skip
"""Values that JSON can hold."""


def odd_values() -> tuple:
    """Return values that a file of torch can hold too."""
    return (
        *ODD, b'', b'x' * 1000, (), (1, 'a'), {1: 2}, {None: 1}, {1}, 1j,
        torch.ones(2), torch.tensor(math.nan), torch.zeros(0),
        torch.Size([2]), torch.float32, bytearray(3),
    )  # fmt: skip


class Doubled(dict):
    """A dict that JSON is written from with one key twice."""

    def items(self):
        pairs = [*super().items()]
        return [*pairs, (pairs[0][0], None)] if pairs else pairs


def mutate_bytes(content: bytes, rng: Random) -> bytes:
    """Flip, cut, repeat, insert, exchange and encode otherwise."""
    size = len(content)
    start, end = sorted(rng.randint(0, size) for _ in range(2))
    end = min(end, start + rng.choice((1, 4, 64, size)))
    noise = rng.randbytes(rng.choice((1, 4, 100)))
    how = rng.randrange(9)
    if how == 0:
        return content[:start]
    if how == 1:
        return content[:start] + content[end:]
    if how == 2:
        return content[:end] + content[start:]
    if how == 3:
        return content[:start] + noise + content[start:]
    if how == 4:
        return content[:start] + bytes(end - start) + content[end:]
    if how == 5:
        encoding = rng.choice(('utf-16', 'utf-32', 'utf-8-sig', 'cp037'))
        text = content.decode('latin-1')
        return text.encode(encoding, 'replace')
    if how == 6:
        return content.replace(b'\n', rng.choice((b'\r', b'\r\n', b'', b'\0')))
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 20)) if size else 0):
        place = rng.randrange(size)
        changed[place] = rng.choice((changed[place] ^ 1, rng.randrange(256)))
    return bytes(changed)


def mutate_tree(tree: Any, rng: Random, odd: tuple = ODD) -> Any:
    """Change values and keys of nested dicts and lists.

    Args:
        tree: The valid content; it is copied.
        rng: The source of chance.
        odd: Values that take the place of others.
    """
    while True:
        root = [copy.deepcopy(tree)]
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            holder, key = rng.choice([*_places(root)])
            holder[key] = _mutate_value(holder[key], rng, odd)
        if _size(root) < LARGEST:
            return root[0]


def _size(tree: Any) -> int:
    """Return about how much a tree takes as text, at most LARGEST."""
    todo, size = [tree], 0
    while todo and size < LARGEST:
        value = todo.pop()
        size += len(value) if isinstance(value, (str, bytes)) else 1
        if isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, (list, tuple, set)):
            todo += value
    return size


def _places(holder: Any, limit: int = 2000):
    """List where values are, as pairs of a dict or list and a key."""
    todo, found = [holder], 0
    while todo and found < limit:
        holder = todo.pop()
        is_dict = isinstance(holder, dict)
        for key in [*holder] if is_dict else range(min(len(holder), 50)):
            found += 1
            yield holder, key
            if isinstance(holder[key], (dict, list)):
                todo.append(holder[key])


def _mutate_value(value: Any, rng: Random, odd: tuple) -> Any:
    options = [rng.choice(odd), rng.choice(odd)]
    if isinstance(value, torch.Tensor):
        options += [mutate_tensor(value, rng)] * 3
    elif isinstance(value, (bool, type(None))):
        options += [not value]
    elif isinstance(value, (int, float)):
        options += [-value, value + 1, value * 1000, str(value)]
        options += [
            [value],
            [value, value],
            value / 3 if abs(value) < 1e300 else 0,
        ]
    elif isinstance(value, str):
        place = rng.randint(0, len(value))
        insert = rng.choice(('', '\0', '\n', '"', '\ud800', value))
        options += [value[:place] + insert + value[place:], value.upper()]
        options += [value[:place], [value], {value: value}]
    elif isinstance(value, dict) and value:
        key, other = rng.choice([*value]), rng.choice([*value])
        rest = {k: x for k, x in value.items() if k != key}
        options += [rest, rest, rest | {f'{key}x': value[key]}]
        options += [value | {key: value[other]}, Doubled(value), [value]]
        options += [value | {rng.choice(('x', '', '\ud800')): 1}]
    elif isinstance(value, list) and value:
        place = rng.randrange(len(value))
        options += [value[:place], value[:place] + value[place + 1 :]]
        options += [value + value, value[::-1], value * 1000, value[place]]
        options += [[*value, rng.choice(odd)]]
    return copy.deepcopy(rng.choice(options))


def mutate_tensor(tensor: torch.Tensor, rng: Random) -> torch.Tensor:
    """Change values, type, shape or layout of a tensor."""
    plain = tensor.layout is torch.strided and not tensor.is_quantized
    if not plain or tensor.numel() > 10**6:
        return tensor  # changed before
    tensor = tensor.detach()  # of a Parameter, which cannot be copied
    how = rng.randrange(8)
    if how < 3:
        changed = tensor.clone()
        bad = rng.choice((math.nan, math.inf, -math.inf, 1e30, 0.0))
        if changed.numel() and changed.is_floating_point():
            changed.view(-1)[rng.randrange(changed.numel())] = bad
        return changed
    if how < 5:
        dtypes = (
            torch.int64, torch.uint8, torch.bool, torch.complex64,
            torch.float16, torch.bfloat16, torch.float64,
        )  # fmt: skip
        return tensor.to(rng.choice(dtypes))
    if how == 5:
        shapes = (
            tensor.reshape(-1), tensor[None], tensor.T.contiguous(),
            tensor.reshape(-1)[:0], torch.cat([tensor.reshape(-1)] * 2),
        )  # fmt: skip
        return rng.choice(shapes)
    if how == 6:
        return torch.zeros(1).expand(rng.choice((2, 10**9)))
    options = (
        lambda: tensor.to_sparse(),
        lambda: tensor.to('meta'),
        lambda: torch.quantize_per_tensor(
            tensor.float(), 0.1, 0, torch.quint8
        ),
        lambda: torch.nn.Parameter(tensor.float()),
    )
    return rng.choice(options)()


def mutate_rows(rows: list[list[str]], rng: Random) -> list[list[str]]:
    """Change cells, columns, rows and the header of a table."""
    rows = [[*row] for row in rows]
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        y = rng.choice((0, rng.randrange(len(rows))))
        x = rng.randrange(len(rows[y])) if rows[y] else 0
        how = rng.randrange(9)
        if how < 3 and rows[y]:
            cell = _mutate_value(rows[y][x], rng, ODD)
            rows[y][x] = cell if isinstance(cell, str) else str(cell)[:5000]
        elif how == 3:
            del rows[y][x : x + 1]
        elif how == 4:
            rows[y].insert(x, rng.choice(('', 'x', '1')))
        elif how == 5 and len(rows) > 1:
            del rows[y]
        elif how == 6:
            rows.insert(rng.randrange(len(rows) + 1), rows[y])
        elif how == 7 and rng.random() < 0.3:
            for row in rows:
                del row[x : x + 1]
        else:
            rows.insert(y, rng.choice(([], [''], rows[y][:x])))
    return rows
