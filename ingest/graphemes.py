r"""Where a text may be cut without breaking a grapheme (UAX #29, as `regex` knows it under `\X`)."""

import regex

_GRAPHEME = regex.compile(r"\X")
_EXTENDS = regex.compile(r"[\p{Grapheme_Cluster_Break=Extend}\p{Grapheme_Cluster_Break=SpacingMark}\u200d]")
_PLAIN = "\u0300"  # below it nothing joins with its neighbour but \r\n
_LOOK_BACK = 256  # characters; longer chains without a plain one are judged from their middle
_LOOK_AHEAD = 32_768  # characters; a longer grapheme ends there


def is_boundary(text: str, offset: int) -> bool:
    """Whether a cut before `text[offset]` leaves every grapheme whole."""
    if offset <= 0 or offset >= len(text):
        return True
    before, after = text[offset - 1], text[offset]
    if before < _PLAIN:
        if before == "\r":
            return after != "\n"
        return after < _PLAIN or not _EXTENDS.match(after)
    return _grapheme_around(text, offset)[0] == offset


def boundary_before(text: str, offset: int) -> int:
    """The nearest boundary at or before `offset`."""
    return offset if is_boundary(text, offset) else _grapheme_around(text, offset)[0]


def boundary_after(text: str, offset: int) -> int:
    """The nearest boundary at or after `offset`."""
    return offset if is_boundary(text, offset) else _grapheme_around(text, offset)[1]


def _grapheme_around(text: str, offset: int) -> tuple[int, int]:
    """The span of the grapheme that `text[offset]` belongs to."""
    anchor = max(0, offset - _LOOK_BACK)
    for place in range(offset - 1, anchor, -1):
        if text[place - 1] < _PLAIN and is_boundary(text, place):
            anchor = place
            break
    nearby = text[anchor : offset + _LOOK_AHEAD]  # a copy: `regex` would count flags from the start of the text
    for match in _GRAPHEME.finditer(nearby):
        if anchor + match.end() > offset:
            return anchor + match.start(), anchor + match.end()
    return offset, offset
