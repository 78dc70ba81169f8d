"""Front matter: the YAML between `---` lines or the TOML between `+++` lines at the head of a file."""

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

import yaml

from store.rows import MAX_FRONT_MATTER_BYTES

_BOM = "\ufeff"
_OPENING = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*(?:\r\n|\n|\r)")
_CLOSING = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r\n|\n|\r|\Z)", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*(?:\r\n|\n|\r|\Z)", re.MULTILINE),
}
_KEY = re.compile(r"\s*(?:#[^\n]*\n\s*)*[\"']?[\w.$@-][\w .$@-]*[\"']?\s*[:=](?:\s|\Z)")
_LONGEST = 100_000  # characters; a longer one is data, and YAML is slow
_MOST_VALUES = 10_000  # a few YAML aliases can stand for billions of values
_MOST_CHARACTERS = 10 * _LONGEST  # or for as many characters
_BAD_VALUES = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """`end` is the offset at which the body starts, 0 if there is no front matter.

    `metadata` holds plain JSON values only: dates are ISO strings, keys are strings, integers have 64 bits. It takes at
    most MAX_FRONT_MATTER_BYTES as JSON; the largest values of one that would take more are left out.
    """

    end: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def read_front_matter(text: str) -> FrontMatter:
    """Read the front matter of a file; one leading U+FEFF is tolerated.

    What is never closed, or does not look like `key: value`, is text between thematic breaks. What looks like it
    and can not be parsed is reported in `problem`, and the body still starts after it.
    """
    opening = _OPENING.match(text)
    if opening is None:
        return FrontMatter()
    fence = opening[1]
    lines = text.replace("\r\n", " \n").replace("\r", "\n")  # of the same length, with the only line end `re` knows
    closing = _CLOSING[fence].search(lines, opening.end())
    if closing is None:
        return FrontMatter()
    source = text[opening.end() : closing.start()].replace("\r\n", "\n").replace("\r", "\n")
    end = closing.end()
    if len(source) > _LONGEST:
        return FrontMatter(end, {}, f"front matter of {len(source)} characters is too long: not read")
    return _parsed(source, fence, end)


def _parsed(source: str, fence: str, end: int) -> FrontMatter:
    try:
        values = tomllib.loads(source) if fence == "+++" else _load_yaml(source)
        if isinstance(values, Mapping):
            return _within_limits(end, _Plain().mapping(values))
    except (yaml.YAMLError, *_BAD_VALUES) as error:
        if _KEY.match(source):
            kind = "TOML" if fence == "+++" else "YAML"
            return FrontMatter(end, {}, f"front matter is not valid {kind}: {_first_line(error)}")
    return FrontMatter() if source.strip() else FrontMatter(end)


def _within_limits(end: int, metadata: dict[str, Any]) -> FrontMatter:
    """Keep the smallest values, as many as there is room for."""
    sizes = {key: len(json.dumps({key: value}, ensure_ascii=False).encode()) for key, value in metadata.items()}
    room, kept = MAX_FRONT_MATTER_BYTES, set()
    for key in sorted(sizes, key=lambda key: sizes[key]):
        room -= sizes[key]
        if room >= 0:
            kept.add(key)
    left_out = [key for key in metadata if key not in kept]
    if not left_out:
        return FrontMatter(end, metadata)
    more = f" and {len(left_out) - 1} more" if left_out[1:] else ""
    problem = f"front matter is too long to be kept whole: {left_out[0]!r}{more} left out"
    return FrontMatter(end, {key: value for key, value in metadata.items() if key in kept}, problem)


def _load_yaml(source: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(source, Loader=loader)  # noqa: S506 - both are safe loaders


def _first_line(error: BaseException) -> str:
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or " ".join(str(error).split()) or type(error).__name__
    return f"{reason} (line {mark.line + 2})" if mark else reason


class _Plain:
    """Turns parsed values into plain JSON values, a limited number of them."""

    def __init__(self) -> None:
        self.left = _MOST_VALUES
        self.characters = _MOST_CHARACTERS

    def mapping(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        return {str(key): self.value(value) for key, value in values.items()}

    def value(self, value: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"more than {_MOST_VALUES} values")
        if isinstance(value, str):
            self.characters -= len(value)
            if self.characters < 0:
                raise ValueError(f"more than {_MOST_CHARACTERS} characters")
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, set):
            value = sorted(value, key=str)
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        is_short = isinstance(value, int) and -(2**63) <= value < 2**63
        return value if value is None or is_short or isinstance(value, float | str) else str(value)
