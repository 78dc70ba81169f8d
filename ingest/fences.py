"""The fence rule of the block parser, with recovery from fences that are evidently never closed.

By the letter of CommonMark 4.5 a fence without an end runs to the end of the file, and one missing line hides every
heading after it. A fence at the top level counts as evidently unclosed when it runs to the end of the file over
headings (one of level 2 to 6 or two of any level, each after a blank line), or when it runs over a heading and then
over another fence's opening line with an info string. It is then taken to end at the first closing line that is only
indented too deeply; without one, its opening line is read as text. Fences that show Markdown are left alone.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.fence import fence

ENV_KEY = "fence_log"
_HEADING = re.compile(r"^[ \t]*\n {0,3}(?:(#{1,6})[ \t]+\S|<h[1-6][\s>])", re.MULTILINE)
_OPENING = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*\w[^`\n]*$", re.MULTILINE)
_DEEP_CLOSING = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*$", re.MULTILINE)
_SHOWS_MARKDOWN = re.compile(r"\s*\{?\.?(?:md|mdx|markdown|mdown|rmd|qmd|myst)\b", re.IGNORECASE)
_MOST_RECOVERIES = 20  # each costs a search to the end of the file


@dataclass
class FenceLog:
    """What the fence rule remembers while it reads one text, and the notes (0-based line, message) it leaves."""

    source: str = ""
    notes: list[tuple[int, str]] = field(default_factory=list)
    recoveries: int = 0

    def _line(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.source))]

    @cached_property
    def headings(self) -> list[tuple[int, bool]]:
        """Lines that look like headings, and whether they are of level 2 to 6 or HTML."""
        return [(self._line(match.end() - 1), len(match[1] or "##") > 1) for match in _HEADING.finditer(self.source)]

    @cached_property
    def openings(self) -> list[tuple[int, str]]:
        """Lines that open a fence with an info string, and their markers."""
        return [(self._line(match.start()), match[1]) for match in _OPENING.finditer(self.source)]

    @cached_property
    def closings(self) -> list[tuple[int, str]]:
        """Lines that hold nothing but a fence's markers, however deeply they are indented."""
        return [(self._line(match.start(1)), match[1]) for match in _DEEP_CLOSING.finditer(self.source)]


def recovering_fence(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A block rule of markdown-it: `fence`, with the recovery that this module describes."""
    if not fence(state, first, end, silent):
        return False
    log = state.env.get(ENV_KEY)
    if silent or state.level or log is None:
        return True
    log.source = state.src
    token = state.tokens[-1]
    last = state.line
    closed = last - 1 > first and bool(_closes(_line_text(state, last - 1), token.markup))
    if closed and last - first < 4:
        return True
    heading = _heading_inside(log, first, last, token.markup, closed=closed)
    if heading is None or log.recoveries >= _MOST_RECOVERIES or _SHOWS_MARKDOWN.match(token.info):
        if not closed:
            log.notes.append((first, "this fence is never closed; it is read as running to the end of the file"))
        return True
    log.recoveries += 1
    closing = _closing_between(log, first, heading, token.markup)
    if closing is None:
        log.notes.append((first, "this fence is never closed; read as text"))
        state.tokens.pop()
        state.line = first
        return False
    log.notes.append((first, f"this fence is never closed properly; it is taken to end {closing - first} lines below"))
    token.map = [first, closing + 1]
    state.line = closing + 1
    return True


def _line_text(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] : state.eMarks[line]]


def _closes(line: str, markup: str) -> bool:
    """Whether a line is a closing fence for `markup`, at any indentation."""
    bare = line.strip()
    return len(bare) >= len(markup) and not bare.strip(markup[0])


def _heading_inside(log: FenceLog, first: int, last: int, markup: str, *, closed: bool) -> int | None:
    """The first heading that shows that the fence `first..last` should have ended before it, if one does."""
    start = bisect_right(log.headings, (first, True))
    stop = bisect_right(log.headings, (last - 1, True))
    if start == stop:
        return None
    line = log.headings[start][0]
    if not closed:
        evident = stop - start > 1 or log.headings[start][1]
        return line if evident else None
    place = bisect_right(log.openings, (line, "~~~~"))
    inside = place < len(log.openings) and log.openings[place][0] < last - 1
    return line if inside and log.openings[place][1].startswith(markup) else None


def _closing_between(log: FenceLog, first: int, heading: int, markup: str) -> int | None:
    place = bisect_right(log.closings, (first, "~" * 1000))
    while place < len(log.closings) and log.closings[place][0] < heading:
        if _closes(log.closings[place][1], markup):
            return log.closings[place][0]
        place += 1
    return None
