"""Markdown of an answer as HTML that a browser may be given, block by block while it comes. Pure.

Whatever the model or a document wrote, the HTML holds no script, no form, no image, and no link but to http(s).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "s", "table", "thead", "tbody", "tr", "th", "td", "a", "button", "span"),
}
_ATTRIBUTES = {
    "a": {"href", "target"},
    "button": {"type", "class", "data-n", "aria-label"},
    "span": {"class"},
    "ol": {"start"},
}
_ADDRESS = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_MARKER = re.compile(r"\[(\d{1,4})(\??)\]")


class AnswerRenderer:
    """Takes an answer piece by piece. Blocks that are finished are given once, the last one until it is finished.

    So a long answer costs no more than a few times its length, and the page need not be built anew with each word.
    """

    def __init__(self) -> None:
        self._open = ""
        self._markdown = _markdown()

    def feed(self, text: str) -> tuple[str, str]:
        """Give the HTML of blocks that are finished now, and that of the block which may go on."""
        self._open += text
        tokens = self._markdown.parse(self._open)
        begins = [token.map[0] for token in tokens if token.level == 0 and token.map and token.nesting >= 0]
        if len(begins) < 2:
            return "", self._render(self._open)
        lines = self._open.splitlines(keepends=True)
        if not lines[begins[-1]].endswith("\n") and lines[begins[-1] - 1].strip():
            return "", self._render(self._open)  # "*" under a table is a list, "**a" its next row
        finished, self._open = "".join(lines[: begins[-1]]), "".join(lines[begins[-1] :])
        return self._render(finished), self._render(self._open)

    def _render(self, text: str) -> str:
        html = self._markdown.render(text)
        return nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https"}, link_rel=_REL)


_REL = "noopener noreferrer nofollow"


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.validateLink = lambda url: bool(_ADDRESS.fullmatch(url))  # type: ignore[method-assign]  # its own hook
    for name, rule in (("text", _text), ("image", _image), ("link_open", _link_open)):
        markdown.add_render_rule(name, rule)
    return markdown


def _text(_: RendererHTML, tokens: Sequence[Token], at: int, __: OptionsDict, ___: EnvType) -> str:
    """Citation markers become buttons; the text of a link is no place for one."""
    text = tokens[at].content
    inside_link = sum(token.nesting for token in tokens[:at] if token.type.startswith("link_")) > 0
    parts, end = [], 0
    for marker in () if inside_link else _MARKER.finditer(text):
        parts += [_escape(text[end : marker.start()]), _citation(marker[1], made_up=bool(marker[2]))]
        end = marker.end()
    return "".join([*parts, _escape(text[end:])])


def _citation(number: str, *, made_up: bool) -> str:
    if made_up:
        return f'<span class="made-up">[{number}?]</span>'
    return f'<button type="button" class="cite" data-n="{number}" aria-label="Source {number}">{number}</button>'


def _image(_: RendererHTML, tokens: Sequence[Token], at: int, __: OptionsDict, ___: EnvType) -> str:
    """An image would be asked for from elsewhere, and tell who reads: its description stands in its place."""
    return _escape(tokens[at].content)


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    tokens[at].attrSet("target", "_blank")
    rendered: str = renderer.renderToken(tokens, at, options, env)
    return rendered


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def plain_sources(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give of each passage what the page shows; its text goes as text, which the page never reads as HTML."""
    shown = ("n", "root", "doc", "headings", "start_line", "end_line", "text", "score", "scores", "ranks")
    return [{**{key: source[key] for key in shown}, "stale": source.get("stale")} for source in sources]
