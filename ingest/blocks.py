"""Markdown text into a tree of blocks with exact spans: markdown-it's source maps, turned into offsets.

The parser sees the text with its line ends normalised, so that its line numbers, not its offsets, are what can be
relied on. They become offsets of the text as it is. Inline parsing is switched off: only headings need it.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.token import Token

from ingest.fences import ENV_KEY, FenceLog, recovering_fence
from ingest.source_lines import line_starts

_DEEPEST_LIST = 60  # levels, two for each list. What is nested deeper is read as text: the parser recurses,
_DEEPEST_QUOTE = 10  # and at each level of quotes it looks at every line inside again
_CONTAINERS = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "list_item_open": "item",
    "blockquote_open": "quote",
    "table_open": "table",
}
_LEAVES = {
    "paragraph_open": "paragraph",
    "heading_open": "heading",
    "tr_open": "row",
    "fence": "fence",
    "code_block": "code",
    "html_block": "html",
    "hr": "rule",
    "definition": "definition",
}
_CLOSINGS = {name.replace("_open", "_close") for name in _CONTAINERS}
_PARSER_FAILURES = (RecursionError, RuntimeError, LookupError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Block:
    """One block: whole lines of the text, from `start` to `end` (offsets), with the blocks it holds.

    `kind` is one of the values of the tables above. `level` (1 to 6) and `content` (Markdown source of the title)
    are filled for headings.
    """

    kind: str
    start: int
    end: int
    children: tuple["Block", ...] = ()
    level: int = 0
    content: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The top-level blocks of a text, its link references as markdown-it keeps them, and (line, message) notes."""

    blocks: list[Block]
    references: dict[str, Any] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)


def parse_blocks(text: str, start: int = 0) -> Document:
    """Parse `text[start:]`; `start` is the beginning of a line. Lines in the notes are 1-based, of the whole text.

    A text on which the parser fails is not lost: it is read as plain paragraphs, and a note says so.
    """
    starts = line_starts(text, start)
    skipped = len(line_starts(text[:start])) if start else 1
    log = FenceLog()
    env: MutableMapping[str, Any] = {ENV_KEY: log}
    try:
        tokens = _parser().parse(text[start:], env)
    except _PARSER_FAILURES as error:
        note = f"the Markdown parser failed ({type(error).__name__}): read as plain paragraphs"
        return Document(_paragraphs(text, starts), {}, [(skipped, note)])
    notes = [(line + skipped, message) for line, message in log.notes]
    return Document(_tree(tokens, [*starts, len(text)]), {"references": env.get("references", {})}, notes)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"inline_definitions": True, "maxNesting": 2 * _DEEPEST_LIST}).enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    rules = parser.block.ruler
    rules.at("fence", recovering_fence, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    rules.at("blockquote", _shallow_quote, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    rules.at("list", _shallow_list, {"alt": ["paragraph", "reference", "blockquote"]})
    return parser


def _shallow_quote(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    return state.level < _DEEPEST_QUOTE and blockquote(state, first, end, silent)


def _shallow_list(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    return state.level < _DEEPEST_LIST and list_block(state, first, end, silent)


def _tree(tokens: Sequence[Token], starts: Sequence[int]) -> list[Block]:
    """Blocks from tokens; `starts` holds the offset of each line and, at its end, the length of the text."""
    last = len(starts) - 1
    levels: list[list[Block]] = [[]]
    opened: list[tuple[str, Sequence[int]]] = []
    for index, token in enumerate(tokens):
        kind = token.type
        if kind in _CLOSINGS:
            name, lines = opened.pop()
            children = tuple(levels.pop())
            levels[-1].append(Block(name, starts[lines[0]], starts[min(lines[1], last)], children))
        elif token.map is None:
            continue
        elif kind in _CONTAINERS:
            opened.append((_CONTAINERS[kind], token.map))
            levels.append([])
        elif kind in _LEAVES:
            first, end = starts[token.map[0]], starts[min(token.map[1], last)]
            if kind == "heading_open":
                block = Block("heading", first, end, (), int(token.tag[1]), tokens[index + 1].content)
            else:
                block = Block(_LEAVES[kind], first, end)
            levels[-1].append(block)
    return levels[0]


def _paragraphs(text: str, starts: Sequence[int]) -> list[Block]:
    """Runs of non-blank lines."""
    blocks: list[Block] = []
    after_blank = True
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        blank = not text[start:end].strip()
        if not blank and after_blank:
            blocks.append(Block("paragraph", start, end))
        elif not blank:
            blocks[-1] = Block("paragraph", blocks[-1].start, end)
        after_blank = blank
    return blocks
