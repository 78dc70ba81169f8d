"""Citation markers in the text of a model, found while it streams. Pure.

A marker is [1], [1, 3], [1; 3], [1-3] or [^1], also in the brackets 【】 and ［］. In code it is none, nor as the text
of a link, nor where it is evidently an index: a[1], my_list[2]. What can not be decided yet is held back, nothing else.
"""

from collections.abc import Iterator

import regex

_ITEM = r"\^?(\d{1,3})\^?(?:\s?[-–—]\s?\^?(\d{1,3})\^?)?"
_MARKER = regex.compile(rf"[\[【［][^\S\n]?{_ITEM}(?:[^\S\n]?[,;，、；][^\S\n]*{_ITEM}){{0,30}}[^\S\n]?[\]】］]")
_RANGE = regex.compile(_ITEM)
_WIDEST_RANGE = 20
_BRACKET = regex.compile(r"[\[【［]")
_INDEXED = regex.compile(r"(?<![^\W_])(?:[a-z]|[A-Za-z0-9]*_\w*)(?:\[\d+\])*$")
"""A variable of one small letter, or a name in snake_case: what stands in brackets right behind it is an index."""

_SPECIAL = regex.compile(r"\\.?|\n|`+|[\[【［]")
_TICKS_OR_LINE_END = regex.compile(r"`+|\n")
_NESTED = r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t]){0,60}"
_FENCE = regex.compile(rf"{_NESTED}(?:(?P<mark>`{{3,}})[^`\n]*|(?P<mark>~{{3,}})[^\n]*)")
_NEW_BLOCK = regex.compile(r"[ \t]*(?:\r?\n|[-*+>#|]|\d{1,9}[.)]|`{3}|~{3})")

Part = str | tuple[int, ...]
"""A stretch of text that holds no marker, or the numbers of a marker."""


class MarkerScanner:
    """Takes a text piece by piece and gives its parts, as early as they are certain.

    However the text is cut, the parts are the same when neighbouring texts are joined.
    """

    def __init__(self) -> None:
        self._text = ""
        self._at = 0  # up to here it is known what is what
        self._given = 0
        self._line_begins = True
        self._fence = ""
        self._ended = False

    def feed(self, piece: str) -> list[Part]:
        """Take a piece and give what is certain now."""
        self._text += piece
        return [part for part in self._scan() if part]

    def end(self) -> list[Part]:
        """Give what was held back."""
        self._ended = True
        return [part for part in self._scan() if part]

    def _scan(self) -> Iterator[Part]:
        undecided = False
        while self._at < len(self._text) and not undecided:
            if self._line_begins:
                undecided = not self._begin_line()
                continue
            special = _SPECIAL.search(self._text, self._at)
            if special is None:
                self._at = len(self._text)
                break
            self._at = special.start()
            if special[0] == "\n":
                self._at, self._line_begins = special.end(), True
            elif special[0][0] == "\\":
                undecided = special[0] == "\\" and special.end() == len(self._text) and not self._ended
                self._at = self._at if undecided else special.end()
            else:
                end, numbers = self._code_span() if special[0][0] == "`" else self._bracket()
                undecided = end == self._at
                if numbers:
                    yield self._give(self._at)
                    self._given = end
                    yield numbers
                self._at = end
        bracket = None if self._fence else _BRACKET.search(self._text, self._at)
        yield self._give(bracket.start() if bracket else len(self._text))

    def _give(self, end: int) -> str:
        start, self._given = self._given, max(self._given, end)
        return self._text[start : self._given]

    def _begin_line(self) -> bool:
        """Look whether the line opens or closes a fenced block; tell whether that is decided."""
        newline = self._text.find("\n", self._at)
        whole = newline >= 0 or self._ended
        end = newline if newline >= 0 else len(self._text)
        if self._fence:
            if not whole:
                return False
            line = self._text[self._at : end].strip(" \t\r>")
            if line.startswith(self._fence) and not line.strip(self._fence[0]):
                self._fence = ""
            self._at = min(end + 1, len(self._text))
            return True
        fence = _FENCE.fullmatch(self._text, self._at, end, partial=not whole)
        if fence is None:
            self._line_begins = False
        elif whole:
            self._fence = fence["mark"]
            self._at = min(end + 1, len(self._text))
        return fence is None or whole

    def _code_span(self) -> tuple[int, tuple[int, ...]]:
        """Give the end of the code span that begins here, or of its backticks if they begin none."""
        nothing: tuple[int, ...] = ()
        wait = (self._at, nothing)
        after = self._at
        while after < len(self._text) and self._text[after] == "`":
            after += 1
        if after == len(self._text) and not self._ended:
            return wait
        for found in _TICKS_OR_LINE_END.finditer(self._text, after):
            if found[0] == "\n":
                block = _NEW_BLOCK.match(self._text, found.end(), partial=not self._ended)
                if block:
                    return wait if block.partial else (after, nothing)
            elif found.end() == len(self._text) and not self._ended:
                return wait
            elif len(found[0]) == after - self._at:
                return found.end(), nothing
        return (after, nothing) if self._ended else wait

    def _bracket(self) -> tuple[int, tuple[int, ...]]:
        """Give the end and the numbers of the marker that begins here; no numbers if it is none."""
        marker = _MARKER.match(self._text, self._at, partial=not self._ended)
        if marker is None:
            return self._at + 1, ()
        behind = self._text[marker.end() : marker.end() + 2]
        if not self._ended and (marker.partial or behind in ("", "]")):
            return self._at, ()
        if behind.startswith("(") or behind == "](" or _INDEXED.search(self._text[max(0, self._at - 80) : self._at]):
            return marker.end(), ()
        return marker.end(), _numbers(marker[0])


def _numbers(marker: str) -> tuple[int, ...]:
    """Give the numbers of a marker, ranges written out; none if there is a zero or no sensible range among them."""
    numbers: list[int] = []
    for first, last in _RANGE.findall(marker):
        start, end = int(first), int(last or first)
        if not 0 < start <= end < start + _WIDEST_RANGE:
            return ()
        numbers += range(start, end + 1)
    return tuple(dict.fromkeys(numbers))
