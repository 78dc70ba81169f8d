"""Lines as CommonMark counts them, in offsets of the text as it is."""

import re
import sys
from bisect import bisect_right
from collections.abc import Sequence

_LINE_END = re.compile(r"\r\n|\n|\r")  # CommonMark 2.1: nothing else ends a line, not \x0b, not U+2028


def line_starts(text: str, start: int = 0, end: int = sys.maxsize) -> list[int]:
    """Offsets at which the lines of `text[start:end]` begin; the first is `start` itself."""
    return [start, *(match.end() for match in _LINE_END.finditer(text, start, end))]


def line_number(starts: Sequence[int], offset: int) -> int:
    """The 1-based line that holds `offset`, given `line_starts(text)`."""
    return bisect_right(starts, offset)
