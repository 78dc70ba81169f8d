"""Text of a document or an answer as HTML: harmless whatever it holds, with what matters in it marked. Pure."""

import difflib
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_MARKER = re.compile(r"\[(\d{1,4}\??(?:, \d{1,4}\??)*)\]")

Span = tuple[int, int, str]
"""Characters [start:end] and the class that they are marked with."""


def render_answer(answer: str, anchors: dict[int, str]) -> Markup:
    """Render Markdown; [n] becomes a link to `anchors[n]`. No HTML of the text itself, no image, links to http(s)."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.validateLink = lambda url: bool(_ADDRESS.fullmatch(url))  # type: ignore[method-assign]  # its own hook
    markdown.add_render_rule("text", _text)
    markdown.add_render_rule("image", _image)
    markdown.add_render_rule("link_open", _link_open)
    return Markup(markdown.render(answer, {"anchors": anchors}))  # noqa: S704 - it has no HTML but that of the rules


def _text(_: RendererHTML, tokens: Sequence[Token], at: int, __: OptionsDict, env: EnvType) -> str:
    text = tokens[at].content
    parts, end = [], 0
    for marker in _MARKER.finditer(text):
        numbers = "".join(_citation(number, env["anchors"]) for number in marker[1].split(", "))
        parts += [escape(text[end : marker.start()]), numbers]
        end = marker.end()
    return "".join([*parts, escape(text[end:])])


def _citation(number: str, anchors: dict[int, str]) -> str:
    anchor = anchors.get(int(number.rstrip("?"))) if not number.endswith("?") else None
    if anchor is None:
        return f'<span class="made-up">[{escape(number)}]</span>'
    return f'<a class="cite" href="#{escape(anchor)}" aria-label="Source {number}">{number}</a>'


def _image(_: RendererHTML, tokens: Sequence[Token], at: int, __: OptionsDict, ___: EnvType) -> str:
    return escape(tokens[at].content)


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    tokens[at].attrSet("rel", "noopener noreferrer nofollow")
    tokens[at].attrSet("target", "_blank")
    rendered: str = renderer.renderToken(tokens, at, options, env)
    return rendered


def mark_spans(text: str, spans: Iterable[Span]) -> Markup:
    """Mark stretches of a plain text; where several lie over each other, it has the classes of all."""
    clipped = [(max(start, 0), min(end, len(text)), name) for start, end, name in spans]
    borders = sorted({0, len(text), *(place for start, end, _ in clipped if start < end for place in (start, end))})
    parts = []
    for start, end in pairwise(borders):
        names = sorted({name for first, last, name in clipped if first <= start and end <= last and first < last})
        piece = escape(text[start:end])
        parts.append(f'<mark class="{escape(" ".join(names))}">{piece}</mark>' if names else piece)
    return Markup("".join(parts))  # noqa: S704 - all of the text is escaped


def mark_changes(old: str, new: str) -> Markup:
    """Give the new text, word by word: what the old one has not as <ins>, what it alone has as <del>."""
    before, after = re.findall(r"\s+|\S+", old), re.findall(r"\s+|\S+", new)
    parts = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = escape("".join(before[a:b])), escape("".join(after[c:d]))
        if tag == "equal":
            parts.append(come)
        else:
            parts += [f"<del>{gone}</del>" if gone else "", f"<ins>{come}</ins>" if come else ""]
    return Markup("".join(parts))  # noqa: S704 - all of both texts is escaped
