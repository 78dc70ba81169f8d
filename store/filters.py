"""Filters on what a search may return, as Milvus expressions that no value can break out of.

`root`, `path` and `heading` are askmd's own keys; every other key is one of the files' front matter. A key may have
several values: any of them will do; of several keys all must hold.

What a file is asked (its path, its front matter) is decided here, and Milvus is given the files' names alone: patterns
and JSON mean different things on different Milvus servers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from config.errors import QuestionError
from store.front_matter import holds, keys

Filters = Mapping[str, str | Sequence[str]]

OWN_KEYS = ("root", "path", "heading")
FRONT_MATTER = "front_matter."
"""Before a key, it says that front matter is meant: needed for `front_matter.path` and the like."""

_SURROGATE = re.compile("[\ud800-\udfff]")
SHOWN_KEYS = 30
NOTHING = 'id == ""'
"""An expression that holds for no row: every id is a hash."""


def parse_filters(pairs: Iterable[str]) -> dict[str, str | list[str]]:
    """Read KEY=VALUE pairs as the command line takes them. Raises QuestionError for anything else."""
    read: dict[str, list[str]] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if not key or not value:
            raise QuestionError(f"filter {pair!r} is not of the form KEY=VALUE")
        read.setdefault(key, []).append(value)
    filters = {key: values[0] if len(values) == 1 else values for key, values in read.items()}
    check_filters(filters)
    return filters


def check_filters(filters: Any) -> None:
    """Raise QuestionError for what cannot be filters; whether the keys exist, only the store knows."""
    if not isinstance(filters, Mapping):
        raise QuestionError('a filter is a dictionary such as {"path": "guide", "tags": ["a", "b"]}')
    for key, given in filters.items():
        is_list = isinstance(given, list | tuple) and bool(given)
        if not all(map(_is_text, [key, *(given if is_list else [given])])):
            raise QuestionError(f"filter {key!r} is {given!r}; it must be a text, or a list of texts")


def _is_text(value: Any) -> bool:
    """Lone surrogates come from damaged arguments: they cannot be sent, and no row holds any."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def files_fields(filters: Filters) -> list[str]:
    """Name the fields of a file's first row that filters have to look at; none where they look at no file."""
    asked_of_files = filters.keys() - {"root", "heading"}
    return ["root", "doc", *(["front_matter"] if asked_of_files - {"path"} else [])] if asked_of_files else []


def expression(filters: Filters, files: Iterable[Mapping[str, Any]]) -> str:
    """Write filters as a Milvus expression; empty where there are none.

    `files` are the first rows of all files of the store with their `files_fields`. Raises QuestionError for a key that
    is neither one of askmd's own nor in any file's front matter.
    """
    parts = []
    if files_fields(filters):
        parts.append(_of_files(_select(filters, list(files))))
    elif "root" in filters:
        parts.append(among("root", _texts(filters["root"])))
    if "heading" in filters:
        parts.append(_any_of(f"json_contains(headings, {literal(text)})" for text in _texts(filters["heading"])))
    return " and ".join(f"({part})" for part in parts)


def matches(doc: str, pattern: str) -> bool:
    """Tell whether a path is the pattern, lies under it, or fits it as a glob (`*` crosses folders)."""
    return fnmatchcase(doc, pattern) or doc.startswith(pattern.rstrip("/") + "/")


def _select(filters: Filters, files: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep the files that all filters but `heading` hold for."""
    asked = {key: _texts(given) for key, given in filters.items()}
    of_front_matter = [(key.removeprefix(FRONT_MATTER), asked[key]) for key in asked if key not in OWN_KEYS]
    known = {key for file in files for key in keys(file["front_matter"])} if of_front_matter else set()
    for key, _ in of_front_matter:
        if key not in known:
            raise QuestionError(f"no filter is called {key!r}; known: {_list(known)}")
    return [
        file
        for file in files
        if ("root" not in asked or file["root"] in asked["root"])
        and ("path" not in asked or any(matches(file["doc"], pattern) for pattern in asked["path"]))
        and all(any(holds(file["front_matter"], key, text) for text in texts) for key, texts in of_front_matter)
    ]


def _of_files(files: Iterable[Mapping[str, Any]]) -> str:
    """Paths are unique within their root alone."""
    by_root: dict[str, list[str]] = {}
    for file in files:
        by_root.setdefault(file["root"], []).append(file["doc"])
    return _any_of(f"{equals('root', root)} and {among('doc', sorted(docs))}" for root, docs in sorted(by_root.items()))


def _list(known: Iterable[str]) -> str:
    """Name the keys as they have to be written; not a whole book of them."""
    written = sorted(FRONT_MATTER + key if key in OWN_KEYS or key.startswith(FRONT_MATTER) else key for key in known)
    more = [f"... and {len(written) - SHOWN_KEYS} more"] if len(written) > SHOWN_KEYS else []
    return ", ".join([*OWN_KEYS, *written[:SHOWN_KEYS], *more])


def _texts(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _any_of(alternatives: Iterable[str]) -> str:
    return " or ".join(f"({each})" for each in alternatives) or NOTHING


def equals(field: str, value: str) -> str:
    """Write `field == value`."""
    return f"{field} == {literal(value)}"


def among(field: str, values: Iterable[str]) -> str:
    """Write `field in values`."""
    return f"{field} in [{', '.join(map(literal, values))}]"


def literal(value: str) -> str:
    """Write a string as a Milvus string literal.

    Only these five escapes mean the same on Milvus Lite and on servers; every other character stands for itself.
    """
    return '"' + value.translate(_ESCAPES) + '"'


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
