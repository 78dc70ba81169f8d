"""A section that is over the limit, divided into pieces that can stand in one chunk each.

A block that fits is never divided. One that does not is divided as little as it takes, in this order: the blocks
inside it (paragraphs, list items, rows), lines of code, table cells, sentences, words, graphemes. Each piece says how
bad a place for a cut its beginning is; `pack` joins neighbours again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from ingest.blocks import Block
from ingest.graphemes import boundary_after, boundary_before
from ingest.measure import Measure
from ingest.places import cells, last_line_or_word, lines, sentences
from ingest.source_lines import line_starts

CUT_NEVER = 5.0  # after a heading, inside a table's head: only when nothing else is possible
_CUT_INTRODUCED = 0.8  # after what only leads to the next block, before what only closes
_CUT_CONTINUED = 0.6  # before an indented block after a list: it was meant to be inside
_CUT_EXAMPLE = 0.3  # before a fence or table, after any paragraph
_CUT_INSIDE = {"item": 0.3, "row": 0.35, "line": 0.5, "sentence": 0.6, "cell": 0.7, "word": 0.9}
_CUT_NESTED = 0.2  # before any other block inside a block
_CUT_AFTER_BLANK = 0.35  # before a line of code that follows a blank one

_LEADS = regex.compile(  # a colon, a line in bold, an opening tag, the opening line of an admonition
    r"(?r)(?:[:：]"
    r"|^[ \t]*(?:\*\*|__)[^*_\r\n]+(?:\*\*|__)"
    r"|^[ \t]*<[A-Za-z][^<>\r\n]*(?<!/)>"
    r"|^[ \t]*(?:/{3,}|:{3,}|!!!)[ \t]*[\w{][^\r\n]*)\s*\Z",
    regex.MULTILINE,
)
_CLOSES = re.compile(r"\s*(?:</[A-Za-z][^<>]*>|/{3,}|:{3,})\s*(?:\Z|[\r\n])")
_FENCE_MARK = re.compile(r"`{3,}|~{3,}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of the text (offsets, trimmed); `cut` is the cost of beginning a chunk with it, 0 for none.

    `preamble` is what a chunk that begins here repeats from the divided table, fence or data URI around it.
    """

    start: int
    end: int
    cut: float
    preamble: str = ""


def divide_section(measure: Measure, start: int, end: int, blocks: Sequence[Block]) -> list[Piece]:
    """The pieces of the section `start..end`: in order, without overlap, covering all that is not blank."""
    pieces: list[Piece] = []
    heading: int | None = None
    previous: Block | None = None
    for block in _tile(blocks, start, end):
        if previous is None or previous.kind != "heading":
            heading = None
        lead = _lead(measure, heading, block)
        pieces.extend(_divide(measure, block, _cut_between(measure.text, previous, block), "", lead))
        if block.kind == "heading" and heading is None:
            heading = block.start
        previous = block
    return pieces


def _lead(measure: Measure, heading: int | None, block: Block) -> int | None:
    """Where the heading starts that the first piece of `block` has to leave room for."""
    if heading is None or 2 * measure.tokens(heading, block.start) > measure.max_tokens:
        return None
    return heading if 2 * (block.start - heading) <= measure.max_chars else None


def _cut_between(text: str, previous: Block | None, block: Block) -> float:
    """How bad a cut between two neighbouring blocks is."""
    if previous is None:
        return 0.0
    if previous.kind == "heading":
        return 1.0 if block.kind == "heading" else CUT_NEVER
    if _LEADS.search(text, previous.start, block.start) or _CLOSES.match(text, block.start, block.end):
        return _CUT_INTRODUCED
    if previous.kind == "list" and text[block.start] in " \t":
        return _CUT_CONTINUED
    example = previous.kind == "paragraph" and block.kind in ("fence", "code", "table")
    return _CUT_EXAMPLE if example else 0.0


def _tile(blocks: Sequence[Block], start: int, end: int) -> list[Block]:
    """The blocks stretched so that they cover `start..end`: nothing between two blocks is lost."""
    firsts = [block for place, block in enumerate(blocks) if place == 0 or block.start > blocks[place - 1].start]
    begins = [start, *(block.start for block in firsts[1:]), end]
    if not firsts:
        return [Block("paragraph", start, end)]
    return [
        Block(block.kind, begin, stop, block.children)
        for block, begin, stop in zip(firsts, begins, begins[1:], strict=False)
    ]


def _divide(measure: Measure, block: Block, cut: float, preamble: str, lead: int | None) -> Iterator[Piece]:
    span = measure.trim(block.start, block.end)
    if span is None:
        return
    start, end = span
    if measure.fits(start if lead is None else lead, end, preamble):
        yield Piece(start, end, cut, preamble)
        return
    parts = _parts(measure.text, block, start, end)
    if not parts:
        yield from _chop(measure, span, cut, preamble, lead)
        return
    carried = _carried(measure, block, start, parts) or preamble
    for place, part in enumerate(parts):
        if place == 0:
            yield from _divide(measure, part, cut, preamble, lead)
        else:
            yield from _divide(measure, part, _cut_inside(measure.text, block, parts, place), carried, None)


def _parts(text: str, block: Block, start: int, end: int) -> list[Block]:
    """The next finer parts of a block; empty when only words are left."""
    if block.kind == "sentence":
        return []
    if block.children:
        return _tile(block.children, start, end)
    if block.kind in ("fence", "code", "html"):
        return _cut_at("line", lines(text, start, end), start, end)
    if block.kind == "row":
        return _cut_at("cell", cells(text, start, end), start, end)
    return _cut_at("sentence", sentences(text, start, end), start, end)


def _cut_at(kind: str, places: Iterator[int], start: int, end: int) -> list[Block]:
    begins = [start, *(place for place in places if place > start), end]
    return [Block(kind, begin, stop) for begin, stop in pairwise(begins)]


def _carried(measure: Measure, block: Block, start: int, parts: Sequence[Block]) -> str:
    """What the later parts of a divided table or fence repeat, unless that would take too much of their room."""
    text = measure.text
    if block.kind == "table":
        head = [" ".join(line.split()) for line in re.split(r"[\r\n]+", text[start : parts[0].end])]
        preamble = "\n".join([*head[:1], *(re.sub(r"-+", "-", line) for line in head[1:2]), ""])
    elif block.kind == "fence":
        opening = text[start : parts[0].end].strip()
        mark = _FENCE_MARK.search(opening)
        preamble = opening[mark.start() :] + "\n" if mark and mark.end() < len(opening) else ""
    else:
        return ""
    small = 3 * measure.tokens_of(preamble) <= measure.max_tokens and 2 * len(preamble) <= measure.max_chars
    return preamble if small else ""


def _cut_inside(text: str, block: Block, parts: Sequence[Block], place: int) -> float:
    part = parts[place]
    if block.kind == "table" and place == 1:
        return CUT_NEVER
    if block.kind == "fence" and part.kind == "line":
        closing = place == len(parts) - 1 and _FENCE_MARK.search(text, part.start, part.end)
        if place == 1 or closing:
            return CUT_NEVER
        if len(line_starts(text, parts[place - 1].start, part.start)) > 2:
            return _CUT_AFTER_BLANK
    inside = _CUT_INSIDE.get(part.kind)
    return _CUT_NESTED + _cut_between(text, parts[place - 1], part) if inside is None else inside


def _chop(measure: Measure, span: tuple[int, int], cut: float, preamble: str, lead: int | None) -> Iterator[Piece]:
    """Pieces of about the same size, cut between lines, else words, else graphemes."""
    start, end = span
    while start < end:
        repeated = preamble + measure.uri_opening(start)
        tokens = max(1, measure.max_tokens - measure.tokens_of(repeated))
        chars = measure.max_chars
        if lead is not None:
            tokens = max(1, tokens - measure.tokens(lead, start))
            chars -= start - lead
        left = measure.tokens(start, end)
        stop = end
        if left > tokens or end - start > chars:
            limit = measure.reach(start, _share(left, tokens), _share(end - start, chars))
            stop = _last_cut(measure, start, min(end, limit))
        trimmed = measure.trim(start, stop)
        if trimmed is not None:
            yield Piece(*trimmed, cut, repeated)
            cut, lead = _CUT_INSIDE["word"], None
        start = stop


def _share(amount: int, limit: int) -> int:
    """The size of equal parts of an amount, each at most `limit`."""
    parts = max(1, -(-amount // limit))
    return -(-amount // parts)


def _last_cut(measure: Measure, start: int, limit: int) -> int:
    """The best place for a cut in `start < place <= limit`; beyond `limit` only where one grapheme is longer."""
    uri = measure.uri_at(limit)
    if uri and start < uri[0] and limit < uri[1]:
        return uri[0]
    place = last_line_or_word(measure.text, start, limit) or boundary_before(measure.text, limit)
    if place > start:
        return place
    return min(boundary_after(measure.text, start + 1), start + measure.max_chars)
