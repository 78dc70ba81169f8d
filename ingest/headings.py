"""Headings as readers see them: plain text, explicit ids, HTML headings, and the anchors that GitHub gives them."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex
from markdown_it import MarkdownIt
from markdown_it.token import Token

_LONGEST = 1_000  # characters of a heading that are read: inline parsing of endless brackets is slow
_MARKED = re.compile(r"[\\`*_\[\]<>&!\n]")
_EXPLICIT_ID = re.compile(r"[ \t]*(?:\{[ \t]*#([^\s{}]+)[^{}]{0,200}\}|\\?\{/\*[ \t]*([^\s*{}]+)[ \t]*\*/\\?\})[ \t]*$")
_ANCHOR = re.compile(r"<a\s[^>]{0,500}?(?<![\w-])(?:id|name)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_ID = re.compile(r"(?<![\w-])id\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_HTML_START = re.compile(r"<!--|<(pre|script|style|textarea)(?=[\s>])|<h([1-6])(?:\s[^<>]{0,1000})?>", re.IGNORECASE)
_HTML_CLOSE = {level: re.compile(rf"</h{level}\s*>", re.IGNORECASE) for level in "123456"}
_HTML_REACH = 5_000  # characters in which an HTML heading has to close
_HTML_UNSEEN = re.compile(r"<!--.*?-->|<(button|svg|script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_HTML_ALT = re.compile(r"<img\b[^>]*?\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')[^>]*>", re.IGNORECASE)
_HTML_TAG = re.compile(r"</?[A-Za-z!?][^>]*>")
_NOT_IN_SLUG = regex.compile(r"[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\- ]")


@dataclass(frozen=True, slots=True)
class Title:
    """The plain text of a heading and its explicit id, if it has one."""

    text: str
    explicit_id: str | None = None


@dataclass(frozen=True, slots=True)
class HtmlHeading:
    """`<h2 id="x">...</h2>` at `start..end` (offsets in the whole text; `end` may lie beyond the searched span)."""

    start: int
    end: int
    level: int
    title: Title


class Slugger:
    """GitHub's anchors, with the counters of github-slugger: `x`, `x-1`, `x-2`, unique within a file.

    Lower case; everything but letters, marks, decimal digits, connectors, hyphens and spaces is dropped; each space
    becomes a hyphen.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def slug(self, title: str) -> str:
        """The anchor of the next heading with this text."""
        base = _NOT_IN_SLUG.sub("", title.lower()).replace(" ", "-")
        slug = base
        while slug in self._seen:
            self._seen[base] += 1
            slug = f"{base}-{self._seen[base]}"
        self._seen[slug] = 0
        return slug


def read_title(content: str, references: Mapping[str, Any] | None = None) -> Title:
    """The title of a Markdown heading from its source without `#` marks: `## Use *x* {#use}` gives `Use x`, `use`.

    `references` is what `parse_blocks` found, for links by reference.
    """
    content = content[:_LONGEST].strip()
    explicit = _EXPLICIT_ID.search(content)
    if explicit:
        content = content[: explicit.start()]
    anchor = _ANCHOR.search(content) if "<a" in content.lower() else None
    chosen = (explicit[1] or explicit[2]) if explicit else anchor[1] if anchor else None
    return Title(_one_line(_inline_text(content, references or {})), chosen)


def html_headings(text: str, start: int, end: int) -> Iterator[HtmlHeading]:
    """HTML headings that begin in `text[start:end]`, except inside comments and verbatim elements."""
    place = start
    while (match := _HTML_START.search(text, place, end)) is not None:
        if match[2]:
            close = _HTML_CLOSE[match[2]].search(text, match.end(), match.end() + _HTML_REACH)
            if close:
                yield HtmlHeading(match.start(), close.end(), int(match[2]), _html_title(match[0], text, match, close))
            place = close.end() if close else match.end()
        else:
            closing = "-->" if match[1] is None else f"</{match[1].lower()}"
            found = text.find(closing, match.end(), end)
            if found < 0:
                return
            place = found


def visible_text(source: str) -> str:
    """HTML without comments, icons and tags; images give their alternative text."""
    seen = _HTML_ALT.sub(lambda match: match[1] or match[2] or "", _HTML_UNSEEN.sub("", source))
    return _one_line(html.unescape(_HTML_TAG.sub("", seen)))


def _html_title(tag: str, text: str, opening: re.Match[str], closing: re.Match[str]) -> Title:
    explicit = _ID.search(tag)
    return Title(visible_text(text[opening.end() : closing.start()]), explicit[1] if explicit else None)


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _inline_parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


def _inline_text(content: str, references: Mapping[str, Any]) -> str:
    if not _MARKED.search(content):
        return content
    [inline] = _inline_parser().parseInline(content, dict(references))
    return "".join(_plain(token) for token in inline.children or [])


def _plain(token: Token) -> str:
    if token.type == "image":
        return "".join(_plain(child) for child in token.children or [])
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return "" if token.type == "html_inline" else token.content
