"""Front matter as filters see it: which keys there are, and whether one holds a value. Pure.

A key inside another is written with a dot (`product.name`). What a list holds counts as if it stood there by itself.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any


def keys(front_matter: Mapping[str, Any]) -> Iterator[str]:
    """Give every key that stands for a value, or for a list of values."""
    for name, value in front_matter.items():
        yield from _keys(value, name)


def _keys(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for below in keys(value):
            yield f"{name}.{below}"
    elif isinstance(value, list) and value:
        for item in value:
            yield from _keys(item, name)
    else:
        yield name


def holds(front_matter: Mapping[str, Any], key: str, wanted: str) -> bool:
    """Tell whether a key has a value.

    A text has to be the same. A number is compared as one: `2` is also 2.0. Truth values and nothing are written as in
    JSON, `true`, `false` and `null`, in any letter case.
    """
    return any(_is(value, wanted) for value in _values(front_matter, key))


def _values(value: Any, key: str | None) -> Iterator[Any]:
    """Give what stands under a dotted key; None: we are there. A name may hold dots of its own."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, key)
    elif not isinstance(value, Mapping):
        if key is None:
            yield value
    elif key is not None:
        for name, below in value.items():
            if name == key:
                yield from _values(below, None)
            elif key.startswith(f"{name}."):
                yield from _values(below, key[len(name) + 1 :])


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, bool) or value is None:
        return json.dumps(value) == wanted.lower()
    if isinstance(value, int | float):
        return _is_number(value, wanted)
    return bool(value == wanted)


def _is_number(value: float, wanted: str) -> bool:
    try:
        return Decimal(str(value)) == Decimal(wanted)
    except InvalidOperation:
        return False
