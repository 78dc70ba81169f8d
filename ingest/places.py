"""Where a stretch of text may be cut: between lines, table cells, sentences, words."""

import re
from collections.abc import Iterator

import regex

from ingest.graphemes import is_boundary
from ingest.source_lines import line_starts

_NON_BLANK = re.compile(r"\S")
_CELL = re.compile(r"(?<!\\)\|\s*(?=[^\s|])")
_SENTENCE_END = re.compile(
    r"(?<![.!?…])[.!?…]{1,8}[\"'”’»)\]*_`]{0,8}\s+(?=\S)"
    r"|[。！？｡][\"'”’」』）)]{0,8}\s*(?=\S)"
    r"|(?:</(?:p|li|ul|ol|tr|table|div|dd|dt|h[1-6])>|<br[ /]{0,2}>)\s*(?=\S)",
    re.IGNORECASE,
)
_LAST_LINE = regex.compile(r"(?r)(?<=[\r\n])[ \t]*\S")
_LAST_WORD = regex.compile(r"(?r)(?<=[\s，、；：）」』】])\S")


def lines(text: str, start: int, end: int) -> Iterator[int]:
    """Beginnings of the lines that are not blank."""
    begins = line_starts(text, start, end)
    for begin, stop in zip(begins, [*begins[1:], end], strict=True):
        if text[begin:stop].strip():
            yield begin


def sentences(text: str, start: int, end: int) -> Iterator[int]:
    """Beginnings of sentences and of HTML elements after others; a full stop before lower case ends none."""
    for match in _SENTENCE_END.finditer(text, start, end):
        place = match.end()
        if is_boundary(text, place) and not (match[0].startswith(".") and text[place].islower()):
            yield _with_indentation(text, start, place)


def cells(text: str, start: int, end: int) -> Iterator[int]:
    """Beginnings of the cells of a table row (GFM 4.10)."""
    return (match.end() for match in _CELL.finditer(text, start, end))


def last_line_or_word(text: str, start: int, limit: int) -> int | None:
    """The last beginning of a line in the second half of `start..limit`, else of a word, if there is one."""
    first = _NON_BLANK.search(text, start, limit)
    if first is None:
        return None
    start = first.start()  # indentation alone is no piece
    for pattern, earliest in ((_LAST_LINE, (start + limit) // 2), (_LAST_WORD, start)):
        match = pattern.search(text, earliest + 1, limit + 1)
        if match and match.start() > start and is_boundary(text, match.start()):
            return _with_indentation(text, start + 1, match.start())
    return None


def _with_indentation(text: str, start: int, place: int) -> int:
    """The beginning of the line, if only blanks (not before `start`) are between it and `place`."""
    begin = place
    while begin > start and text[begin - 1].isspace() and text[begin - 1] not in "\r\n":
        begin -= 1
    return begin if begin > 0 and text[begin - 1] in "\r\n" else place
