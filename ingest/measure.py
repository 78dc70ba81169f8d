"""How much of the embedding model's window a span of the text takes."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

from ingest.graphemes import boundary_after, boundary_before

_DATA_URI = re.compile(r"data:(?:[\w.+-]{1,60}/[\w.+-]{1,100})?(?:;[\w.+=-]{1,100}){0,5};base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=_%-]*")
_IMAGE_OPENING = re.compile(r"!\[[^\[\]\n]{0,100}\]\([ \t]*<?\Z")
_NON_BLANK = re.compile(r"\S")  # what `re` calls space is what str.isspace calls space
_BEFORE_LINE = "\r\n\ufeff"


def data_uris(text: str) -> list[tuple[int, int, int]]:
    """Base64 data URIs (RFC 2397): where each starts, where its data start, where it ends."""
    if "base64," not in text.lower():
        return []
    found = []
    place = 0
    while (match := _DATA_URI.search(text, place)) is not None:
        data = _BASE64.match(text, match.end())
        place = data.end() if data else match.end()
        found.append((match.start(), match.end(), place))
    return found


def without_data_uris(text: str) -> str:
    """The text with the base64 data URIs left out."""
    kept = []
    place = 0
    for start, _, end in data_uris(text):
        kept.append(text[place:start])
        place = end
    return "".join([*kept, text[place:]])


class Measure:
    """Counts the tokens of spans of one text by bisection, so that the text is tokenised once.

    A span that starts inside a token counts one more: its rest has to be tokenised too. Base64 data URIs count nothing.
    """

    def __init__(
        self, text: str, token_starts: Callable[[str], Sequence[int]], *, max_tokens: int, max_chars: int
    ) -> None:
        self.text = text
        self.max_tokens = max_tokens
        self.max_chars = max_chars
        self.uris = data_uris(text)
        self.starts = self._embedded(token_starts(text))
        self.tokens_of = cache(lambda extra: len(token_starts(without_data_uris(extra))) if extra else 0)

    def tokens(self, start: int, end: int) -> int:
        """Tokens of `text[start:end]`."""
        return self.closing(end) - self.opening(start)

    def opening(self, start: int) -> int:
        """Tokens before a span that starts here; `closing(end) - opening(start)` are in it."""
        first = bisect_left(self.starts, start)
        return first - self._opens_inside_token(start, first)

    def closing(self, end: int) -> int:
        """Tokens up to the end of a span that ends here."""
        return bisect_left(self.starts, end)

    def fits(self, start: int, end: int, preamble: str = "") -> bool:
        """Whether `text[start:end]` can be one chunk with this preamble."""
        if end - start > self.max_chars:
            return False
        return self.tokens(start, end) + self.tokens_of(preamble) <= self.max_tokens

    def reach(self, start: int, tokens: int, chars: int) -> int:
        """The farthest offset so that the text from `start` to it has at most so many tokens and characters."""
        first = bisect_left(self.starts, start)
        index = first + max(0, tokens - self._opens_inside_token(start, first))
        limit = self.starts[index] if index < len(self.starts) else len(self.text)
        return min(limit, start + chars)

    def trim(self, start: int, end: int) -> tuple[int, int] | None:
        """The span without blank lines around it, with the indentation of its first line; None if it is blank."""
        first = _NON_BLANK.search(self.text, start, end)
        if first is None:
            return None
        begin = first.start()
        while begin > start and self.text[begin - 1] not in _BEFORE_LINE:
            begin -= 1
        indented = begin == 0 or self.text[begin - 1] in _BEFORE_LINE
        if not indented or first.start() - begin > self.max_chars // 4:  # so much is no indentation
            begin = first.start()
        last = start + len(self.text[start:end].rstrip())
        return max(start, boundary_before(self.text, begin)), min(end, boundary_after(self.text, last))

    def uri_at(self, offset: int) -> tuple[int, int, int] | None:
        """The data URI that a cut at `offset` would divide."""
        place = bisect_left(self.uris, (offset, 0, 0)) - 1
        return self.uris[place] if place >= 0 and offset < self.uris[place][2] else None

    def uri_opening(self, offset: int) -> str:
        """What the rest of a data URI divided at `offset` needs in front to be known as one: `![alt](data:...,`."""
        uri = self.uri_at(offset)
        if uri is None or offset < uri[1]:
            return ""
        before = _IMAGE_OPENING.search(self.text[max(0, uri[0] - 110) : uri[0]])
        image = before[0] if before and 3 * self.tokens_of(before[0]) <= self.max_tokens else ""
        return image + self.text[uri[0] : uri[1]]

    def _opens_inside_token(self, start: int, first: int) -> int:
        if first < len(self.starts) and self.starts[first] == start:
            return 0
        blank = start >= len(self.text) or self.text[start].isspace()
        return 0 if blank or self.uri_at(start + 1) is not None else 1

    def _embedded(self, starts: Sequence[int]) -> list[int]:
        """Token starts without those inside data URIs; what follows a data URI starts a token."""
        if not self.uris:
            return list(starts)
        kept: list[int] = []
        place = 0
        for start, _, end in self.uris:
            kept.extend(starts[place : bisect_left(starts, start)])
            place = bisect_left(starts, end)
            follows = starts[place] if place < len(starts) else None
            if follows != end and end < len(self.text) and not self.text[end].isspace():
                kept.append(end)
        return [*kept, *starts[place:]]
