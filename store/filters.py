"""Filters on what a search may return, as Milvus expressions that no value can break out of."""

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from config.errors import ConfigError

FILTER_KEYS = ("root", "path", "heading")


def parse_filters(pairs: Iterable[str]) -> dict[str, str]:
    """Read KEY=VALUE pairs as the command line takes them. Raises ConfigError for anything else."""
    filters = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not value:
            raise ConfigError(f"filter {pair!r} is not of the form KEY=VALUE")
        filters[key] = value
    check_filters(filters)
    return filters


def check_filters(filters: Mapping[str, str]) -> None:
    """Raise ConfigError for a key that is not known."""
    for key in filters:
        if key not in FILTER_KEYS:
            raise ConfigError(f"no filter is called {key!r}; known: {', '.join(FILTER_KEYS)}")


def expression(filters: Mapping[str, str], docs: Collection[str]) -> str:
    """Write filters as a Milvus expression; empty where there are none.

    `path` is a glob over the paths relative to their root. It is resolved here, against all `docs` of the store,
    because patterns mean different things on different Milvus servers.
    """
    parts = []
    if "root" in filters:
        parts.append(equals("root", filters["root"]))
    if "path" in filters:
        parts.append(among("doc", [doc for doc in docs if matches(doc, filters["path"])]))
    if "heading" in filters:
        parts.append(f"json_contains(headings, {literal(filters['heading'])})")
    return " and ".join(parts)


def matches(doc: str, pattern: str) -> bool:
    """Tell whether a path is the pattern, lies under it, or fits it as a glob (`*` crosses folders)."""
    return fnmatchcase(doc, pattern) or doc.startswith(pattern.rstrip("/") + "/")


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
