"""Markdown as a row of blocks with their places in the text: for answers, and for slices of a file. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "paragraph", "item", "quote", "head", "row", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """A block without the signs before it, `text[start:end]`; of a table and of code each line is one.

    `head` is the head of a table, `item` an entry of a list, `indent` the blanks before its sign.
    """

    kind: Kind
    start: int
    end: int
    indent: int = 0


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_FENCE = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t]){0,60}(`{3,}(?=[^`]*$)|~{3,})")
_QUOTE = re.compile(r"[ \t]*>(?:[ \t]?>)*[ \t]?(?:\[![A-Z]+\][ \t]*$)?")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_UNDERLINE = re.compile(r"[ \t]{0,3}(?:=+|-+)[ \t]*$")
_RULE = re.compile(r"[ \t]*(?:[-*_][ \t]*){3,}$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_SKIPPED = re.compile(r"[ \t]*(?:\[[^\]]+\]:[ \t]+\S+[ \t]*$|:::|<!--)")
_BOLD_LINE = re.compile(r"(?:\*\*|__)[^*_]+(?:\*\*|__):?")


def blocks(text: str) -> list[Block]:
    """Divide a text; what is no text (rules, link definitions, fences) is in no block."""
    reader = _Reader()
    for line in _LINE.finditer(text):
        reader.take(line[0].rstrip(), line.start())
    return [
        Block("heading", block.start, block.end)
        if block.kind == "paragraph" and _BOLD_LINE.fullmatch(text, block.start, block.end)
        else block
        for block in reader.found
    ]


class _Reader:
    def __init__(self) -> None:
        self.found: list[Block] = []
        self._open = False  # the last block goes on with the next line
        self._list = False
        self._fence = ""

    def take(self, line: str, start: int) -> None:
        """Take the next line, without blanks at its end; `start` is its place in the text."""
        if self._fence:
            self._in_fence(line, start)
        elif fence := _FENCE.match(line):
            self._fence, self._open = fence[1], False
        else:
            self._in_text(line, start)

    def _in_fence(self, line: str, start: int) -> None:
        mark = line.strip(" \t>")
        if mark.startswith(self._fence) and not mark.strip(self._fence[0]):
            self._fence = ""
        elif line:
            self._add("code", line, start, 0)

    def _in_text(self, line: str, start: int) -> None:
        quote = _QUOTE.match(line)
        at = quote.end() if quote else 0
        rest = line[at:]
        last = self.found[-1].kind if self.found and self._open else None
        if not rest.strip():
            self._open = False
        elif last == "paragraph" and _UNDERLINE.match(rest):
            self.found[-1] = Block("heading", self.found[-1].start, self.found[-1].end)
            self._open = False
        elif "|" in rest and _TABLE_RULE.match(rest):
            if self.found:
                self.found[-1] = Block("head", self.found[-1].start, self.found[-1].end)
            self._open = False
        elif _RULE.match(rest) or _SKIPPED.match(rest):
            self._open = False
        elif heading := _HEADING.match(rest):
            self._list = False
            self._add("heading", line, start, at + heading.end())
        elif rest.lstrip().startswith("|"):
            self._add("row", line, start, at)
        elif item := _ITEM.match(rest):
            self._list = True
            self._add("quote" if quote else "item", line, start, at + item.end(), open_=True)
        elif last and (last == "quote" or not quote):
            block = self.found[-1]
            self.found[-1] = Block(block.kind, block.start, start + len(line), block.indent)
        else:
            self._list = self._list and rest[0] in " \t"
            self._add("quote" if quote else "item" if self._list else "paragraph", line, start, at, open_=True)

    def _add(self, kind: Kind, line: str, start: int, skipped: int, *, open_: bool = False) -> None:
        indent = len(line) - len(line.lstrip())
        text = start + skipped + len(line[skipped:]) - len(line[skipped:].lstrip())
        self.found.append(Block(kind, text, start + len(line), indent))
        self._open = open_
